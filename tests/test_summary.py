"""The end of a run for people: what became of the skill, and what can be done next."""

import pytest

from agentloop import events as ev
from agentloop.render import result_object, summary

from .test_loop import DRAFTED, JOB, state

SKILL = ev.SkillPublished(name="n", commit="c" * 40, paths=("skills/n/SKILL.md",))
ELSEWHERE = SKILL.model_copy(update={"branch": "b"})
KEPT = ev.SkillKeptBack(reason="put off", path="d/\x1b[31mn")
ENDED = ev.RunEnded(outcome="reached", exit_code=0, reason="it holds")


@pytest.mark.parametrize(
    ("events", "lines"),
    [
        ([SKILL], ["skill: n, commit cccccccccc", "take it back: agentloop undo --keep-work r"]),
        (
            [ELSEWHERE],
            [
                "skill: n, commit cccccccccc on the branch b",
                "look at it: git log -p b",
                "take it back: agentloop undo --keep-work r",
            ],
        ),
        ([ELSEWHERE, ev.SkillTakenBack(name="n")], ["skill: n, taken back"]),
        (
            [KEPT],
            ["no skill committed: put off, draft in d/n", "say what becomes of it: agentloop skills review r"],
        ),
        ([KEPT, SKILL], ["skill: n, commit cccccccccc", "take it back: agentloop undo --keep-work r"]),
        ([KEPT, ev.SkillRejected(name="n", reason="no")], ["skill rejected: n: no"]),
        ([ev.SkillDeclined(reason="known")], ["no skill: known"]),
        ([ev.SkillKeptBack(reason="the session wrote no draft")], ["no skill committed: the session wrote no draft"]),
    ],
)
def test_what_became_of_the_skill(events: list[ev.Event], lines: list[str]) -> None:
    ended = state(DRAFTED, ENDED, events)
    assert [line.strip() for line in summary(ended)[2:-1]] == lines


def test_the_object_says_the_same() -> None:
    assert result_object(state(DRAFTED, ENDED, ELSEWHERE))["skill"]["branch"] == "b"
    waits = result_object(state(DRAFTED, KEPT, ENDED))
    assert (waits["skill_waits_for_review"], waits["skill_kept_back"]["reason"]) == (True, "put off")
    rejected = result_object(state(DRAFTED, KEPT, ENDED, ev.SkillRejected(name="n", reason="no")))
    assert rejected["skill_rejected"] == {"name": "n", "reason": "no"}
    assert (rejected["skill_waits_for_review"], rejected["skill_kept_back"]) == (False, None)


@pytest.mark.parametrize(("distill", "words"), [("auto", "nothing was hard"), ("never", "--distill never")])
def test_a_run_that_asked_for_no_skill_says_why(distill: str, words: str) -> None:
    lines = summary(state(ENDED, job=JOB.model_copy(update={"distill": distill})))
    assert sum(words in line for line in lines) == 1
