"""What the agent says at the end of a turn of work. It says what it is, what it tried, and when it cannot go on."""

from collections import Counter
from collections.abc import Sequence

from agentloop.offline.session import Hypothesis

_WHO = (
    "I am agentloop's offline repair agent: no model, only small typed edits of Python code, each confirmed by tests."
)


def nothing_to_do(checks: Sequence[str]) -> str:
    """The check holds before anything was done."""
    return f"{_WHO}\n\n`{'; '.join(checks)}` passes already. I can only repair what a failing test shows."


def no_failing_tests(checks: Sequence[str], any_tests: bool) -> str:
    """The check fails, and no test does."""
    why = (
        "its tests all pass, so that it fails for another reason"
        if any_tests
        else "it runs no tests that I understand (unittest and pytest)"
    )
    return f"{_WHO}\n\nBLOCKED: `{'; '.join(checks)}` fails, but {why}; I can only repair what a failing test shows."


def exhausted(tried: Sequence[Hypothesis], failing: int) -> str:
    """Every edit was tried; says which of them stay."""
    if not tried:
        return f"{_WHO}\n\nBLOCKED: {_tests(failing)} fail, and none of them executes code that I know how to edit."
    kept = [f"- {_place(one)}" for one in tried if one.kept]
    best = (
        "\n".join(["The best of them stay in the files:", *kept])
        if kept
        else "None of them helped: no file is changed."
    )
    return f"{_WHO}\n\nEvery edit that I know was tried ({len(tried)}), and {_tests(failing)} still fail. {best}"


def turn_report(tried: Sequence[Hypothesis], before: int, after: int | None, diff: str, left: int) -> str:
    """What a turn tried, what it kept, what is left.

    Args:
        tried: this turn's hypotheses in order.
        before: failing tests before the turn.
        after: failing tests with the edit that was kept; None when none was.
        diff: the kept edit.
        left: how many hypotheses there were at the turn's start.
    """
    lines = [_WHO, "", f"Hypotheses tried this turn: {len(tried)} of {left}."]
    lines += [_hypothesis(one, before) for one in tried]
    if after is None:
        lines += ["", f"None made fewer tests fail ({_tests(before)} fail). All files are as they were."]
    else:
        result = "all tests pass" if after == 0 else f"{_tests(after)} fail, {before} did before"
        lines += ["", f"Kept the best edit: {result}, and no test that passed was broken.", "", "```diff", diff, "```"]
    if after != 0 and left > len(tried):
        lines += ["", f"{left - len(tried)} hypotheses are left for the next turn."]
    return "\n".join(lines)


def _hypothesis(one: Hypothesis, before: int) -> str:
    outcome = "no better" if one.failing is None else f"{_tests(one.failing)} fail instead of {before}"
    return f"- {_place(one)}: {outcome}"


def _place(one: Hypothesis) -> str:
    where = f"{one.path}:{one.line}" + (f" ({one.function})" if one.function else "")
    old, new = " ".join(one.old.split()), " ".join(one.new.split())
    what = f"`{old}` -> `{new}`" if old else f"insert `{new}`"
    return f"{one.operator}, {where}, {what}"


def _tests(count: int) -> str:
    return f"{count} test" if count == 1 else f"{count} tests"


def count_operators(hypotheses: Sequence[Hypothesis]) -> list[tuple[str, int]]:
    """How often each kind of edit was tried, the most frequent first."""
    return Counter(one.operator for one in hypotheses).most_common()
