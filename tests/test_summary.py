"""The end of a run for people: what became of the skill, and what can be done next."""

import pytest

from agentloop import events as ev
from agentloop.render import result_object, summary

from .test_loop import DRAFTED, JOB, snapshot, state, turn

SKILL = ev.SkillPublished(name="n", commit="c" * 40, paths=("skills/n/SKILL.md",))
ELSEWHERE = SKILL.model_copy(update={"branch": "b"})
KEPT = ev.SkillKeptBack(reason="put off", path="d/\x1b[31mn")
ENDED = ev.RunEnded(outcome="reached", exit_code=0, reason="it holds")


@pytest.mark.parametrize(
    ("events", "lines"),
    [
        ([SKILL], ["skill: n, commit cccccccccc", "take it back: agentloop undo r"]),
        (
            [ELSEWHERE],
            [
                "skill: n, commit cccccccccc on the branch b",
                "look at it: git log -p b",
                "take it back: agentloop undo r",
            ],
        ),
        ([ELSEWHERE, ev.SkillTakenBack(name="n")], ["skill: n, taken back"]),
        (
            [KEPT],
            ["no skill committed: put off, draft in d/n", "say what becomes of it: agentloop skills review r"],
        ),
        ([KEPT, SKILL], ["skill: n, commit cccccccccc", "take it back: agentloop undo r"]),
        ([KEPT, ev.SkillRejected(name="n", reason="no")], ["skill rejected: n: no"]),
        ([ev.SkillDeclined(reason="known")], ["no skill: known"]),
        ([ev.SkillKeptBack(reason="the session wrote no draft")], ["no skill committed: the session wrote no draft"]),
    ],
)
def test_what_became_of_the_skill(events: list[ev.Event], lines: list[str]) -> None:
    ended = state(DRAFTED, ENDED, events)
    assert [line.strip() for line in summary(ended)[2:-1]] == lines


def test_the_whole_of_it_line_by_line() -> None:
    changed = snapshot(2, "t2").model_copy(update={"changed": ev.Changed(files=1, insertions=2)})
    assert summary(state(DRAFTED, changed, SKILL, ENDED)) == [
        "reached: it holds",
        "  2 attempts · 19.0 s · tokens unknown · cost unknown",
        "  1 file changed, +2; look at it: agentloop diff r",
        "  skill: n, commit cccccccccc",
        "  take it back: agentloop undo r",
        "  all of it: agentloop logs r, agentloop report r",
    ]


def test_what_changed_is_in_the_object_and_nothing_is_no_line() -> None:
    assert result_object(state(DRAFTED, ENDED))["changed"] is None
    nothing = snapshot(2, "t2").model_copy(update={"changed": ev.Changed()})
    ended = state(DRAFTED, nothing, ENDED)
    assert result_object(ended)["changed"] == {"files": 0, "insertions": 0, "deletions": 0}
    assert not any("changed" in line for line in summary(ended))


def test_the_object_says_the_same() -> None:
    assert result_object(state(DRAFTED, ENDED, ELSEWHERE))["skill"]["branch"] == "b"
    waits = result_object(state(DRAFTED, KEPT, ENDED))
    assert (waits["skill_waits_for_review"], waits["skill_kept_back"]["reason"]) == (True, "put off")
    rejected = result_object(state(DRAFTED, KEPT, ENDED, ev.SkillRejected(name="n", reason="no")))
    assert rejected["skill_rejected"] == {"name": "n", "reason": "no"}
    assert (rejected["skill_waits_for_review"], rejected["skill_kept_back"]) == (False, None)


def test_a_run_that_waits_says_until_when_and_why() -> None:
    waits = state(DRAFTED, ev.WaitStarted(until=86400.0 * 365, cause="rate_limit", reason="limit reached"))
    (first, *_) = summary(waits, at_work=True)
    assert first.startswith(("waiting until 1970-12-31", "waiting until 1971-01-01"))
    assert first.endswith(": limit reached")
    assert result_object(waits, at_work=True)["waits_until"] == 86400.0 * 365


@pytest.mark.parametrize(("costs", "words"), [
    ([ev.Usage(cost_usd=0.25)], "· $0.2500"),
    ([ev.Usage(cost_usd=0.25), ev.Usage(cost_usd=0.5, cost_is_estimated=True)], "· ~$0.7500"),
    ([ev.Usage(cost_usd=0.25), ev.Usage()], "· cost unknown, at least $0.2500"),
    ([ev.Usage(cost_usd=0.25, cost_is_estimated=True), ev.Usage()], "· cost unknown, at least ~$0.2500"),
    ([ev.Usage()], "· cost unknown"),
])  # fmt: skip
def test_a_cost_says_how_it_is_known(costs: list[ev.Usage], words: str) -> None:
    events: list[ev.Event] = []
    for number, usage in enumerate(costs, 1):
        started, ended = turn(number)
        events += [started, ended.model_copy(update={"usage": usage})]
    assert summary(state(events, ENDED))[1].endswith(words)


@pytest.mark.parametrize(("distill", "words"), [("auto", "nothing was hard"), ("never", "--distill never")])
def test_a_run_that_asked_for_no_skill_says_why(distill: str, words: str) -> None:
    lines = summary(state(ENDED, job=JOB.model_copy(update={"distill": distill})))
    assert sum(words in line for line in lines) == 1


def test_a_lost_repository_takes_the_snapshots_with_it() -> None:
    lost = ev.RunEnded(outcome="repository_lost", exit_code=2, reason="it is gone")
    assert any("the snapshots lie in the repository" in line for line in summary(state(DRAFTED, lost)))
    assert not any("the snapshots" in line for line in summary(state(DRAFTED, ENDED)))
