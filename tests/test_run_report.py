"""A run as Markdown: whole, bounded, and nothing that others wrote becomes markup."""

from agentloop import events as ev
from agentloop.render import report
from agentloop.render.report import MAX_ATTEMPTS, MAX_FILES

from .test_loop import DRAFTED, JOB, RED, attempt, check, snapshot, state, turn

ENDED = ev.RunEnded(outcome="reached", exit_code=0, reason="it holds")
SKILL = ev.SkillPublished(name="n", commit="c" * 40, paths=("skills/n/SKILL.md",))
CHANGED = ev.Changed(files=2, insertions=5, deletions=1)


def test_the_whole_of_it() -> None:
    changed = snapshot(2, "t2").model_copy(update={"changed": CHANGED})
    text = report(state(DRAFTED, SKILL, changed, ENDED), {"a.py": (4, 1), "b.py": (1, 0)})
    assert text.startswith("## agentloop: reached: it holds\n")
    for part in (
        "| until | pytest passes |",
        "```text\nmend it\n```",
        "| start | fail",
        "| 2 | pass |",
        "2 files changed, +5 -1: `agentloop diff r`",
        "| a.py | +4 | -1 |",
        "### Skill\n\n- skill: n, commit",
    ):
        assert part in text


def test_what_is_not_known_has_no_heading() -> None:
    text = report(state(RED), {}, at_work=True)
    assert text.startswith("## agentloop: running\n")
    assert not any(heading in text for heading in ("### Changes", "### Guard", "### Skill"))


def test_what_others_wrote_is_no_markup() -> None:
    evil = "x | y\n\n# [click](http://evil) ![](http://evil) <script> @everyone `"
    job = JOB.model_copy(update={"task": f"{evil}\n```\n# free\n", "until": (evil,)})
    changed = snapshot(1).model_copy(update={"changed": CHANGED})
    failing = check(1, "fail").model_copy(update={"leaves": (ev.Leaf(source=evil, verdict="fail", reason=evil),)})
    text = report(state(RED, turn(1), changed, failing, job=job), {f"{evil}.py": (1, 1)})
    outside, _fence, rest = text.partition("````text\n")
    inside, _fence, after = rest.partition("\n````\n")
    assert "# free" in inside
    for part in (outside, after):
        assert "](http" not in part.replace("\\]\\(http", "").replace("\\](http", "")
        assert "<script>" not in part
        assert "@everyone" not in part
        assert "\n# " not in part
        assert all(line.count("|") - line.count("\\|") in (0, 3, 4) for line in part.splitlines())


def test_it_is_bounded() -> None:
    many = [event for number in range(1, MAX_ATTEMPTS + 50) for event in attempt(number, "fail")]
    changed = snapshot(9999, "t").model_copy(update={"changed": CHANGED})
    text = report(state(RED, many, changed), {f"f{n}": (1, 0) for n in range(MAX_FILES + 7)})
    assert "The first 50 checks of 250 are left out." in text
    assert "and 7 more files" in text
    assert len(text) < 200_000
