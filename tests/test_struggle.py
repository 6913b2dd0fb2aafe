"""Whether a run was hard: what counts as a struggle, and what every session has."""

import pytest

from agentloop import events as ev
from agentloop.distill import struggle
from agentloop.state import RunState
from agentloop.state.calls import MAX_CALLS, Calls, with_call, with_end
from agentloop.state.fold import fold

from .test_distill import failed, job

FAILS, WORKS = True, False


def run(*commands: tuple[str, bool], purpose: ev.Purpose = "work", tool: str = "Bash") -> RunState:
    """A run in which the agent gave these commands."""
    events: list[ev.Event] = [
        ev.RunStarted(run="r", version="0", job=job()),
        ev.TurnStarted(turn=1, purpose=purpose, prompt="", log=""),
    ]
    for number, (command, fails) in enumerate(commands):
        events.append(ev.ToolCalled(name=tool, call=str(number), command=command))
        events.append(ev.ToolEnded(call=str(number), failed=fails))
    return fold(events)


@pytest.mark.parametrize(
    "commands",
    [
        [("pip install x", FAILS), ("pip install --no-deps x", WORKS)],
        [("make tables", FAILS), ("cd gen && make tables", WORKS)],
        [("make test", FAILS), ("make test", FAILS), ("make test", WORKS)],
        [("pytest -q", FAILS), ("uv run pytest -q", WORKS)],
        [("python -m pytest", FAILS), (".venv/bin/pytest", WORKS)],
        [("tsc", FAILS), ("npx tsc --noEmit", WORKS)],
        [("git restore parser.py", WORKS)],
        [("git stash", WORKS)],
        [("git reset --hard HEAD~1", WORKS)],
    ],
)
def test_a_struggle(commands: list[tuple[str, bool]]) -> None:
    assert struggle.reasons(run(*commands))


@pytest.mark.parametrize(
    "commands",
    [
        [],
        [("make test", WORKS)],
        [("make test", FAILS), ("make test", WORKS)],
        [("grep -r x .", FAILS), ("grep -r y .", WORKS)],
        [("cd src && ls z", FAILS), ("ls .", WORKS)],
        [("make test", FAILS)],
        [("pip install x", FAILS), ("make test", WORKS)],
        [("git checkout -b new", WORKS), ("git stash list", WORKS), ("git status", WORKS)],
    ],
)
def test_what_every_session_has_is_no_struggle(commands: list[tuple[str, bool]]) -> None:
    assert not struggle.reasons(run(*commands))


def test_an_edit_that_did_not_match_is_no_struggle() -> None:
    calls: list[ev.Event] = [
        ev.ToolCalled(name="Edit", call="1", detail="a.py"),
        ev.ToolEnded(call="1", failed=True),
        ev.ToolCalled(name="Edit", call="2", detail="a.py"),
        ev.ToolEnded(call="2", failed=False),
    ]
    state = fold(calls, run())
    assert len(struggle.detours(state.calls)) == 1
    assert not struggle.reasons(state)


def test_a_test_that_fails_until_the_work_is_done_is_no_struggle_however_it_is_run() -> None:
    calls: list[ev.Event] = [
        ev.ToolCalled(name="Bash", call="1", command="pytest tests/test_a.py"),
        ev.ToolEnded(call="1", failed=True),
        ev.ToolCalled(name="Edit", call="2", detail="a.py"),
        ev.ToolEnded(call="2", failed=False),
        ev.ToolCalled(name="Bash", call="3", command="pytest -q"),
        ev.ToolEnded(call="3", failed=False),
    ]
    numbered = [call.model_copy(update={"seq": number}) for number, call in enumerate(calls, start=1)]
    assert not struggle.reasons(fold(numbered, run()))
    assert struggle.reasons(fold([*numbered[:2], *numbered[4:]], run()))


def test_thousands_of_calls_that_fail_are_looked_at_once_each() -> None:
    state = run(*[(f"tool{number} --x", FAILS) for number in range(3000)], ("tool7 --y", WORKS))
    assert struggle.reasons(state) == ("1 command had to be given otherwise",)


def test_of_very_many_calls_the_newest_are_remembered() -> None:
    calls: Calls = ()
    for number in range(MAX_CALLS + 3):
        calls = with_call(calls, ev.ToolCalled(name="Bash", call=str(number)), 1, "work")
    calls = with_end(calls, ev.ToolEnded(call=str(MAX_CALLS + 2), failed=True))
    assert (len(calls), calls[0].call, calls[-1].outcome) == (MAX_CALLS, "3", "failed")


def test_what_happens_while_the_skill_is_written_is_no_struggle_of_the_work() -> None:
    commands = [("pip install x", FAILS), ("pip install --no-deps x", WORKS)]
    assert not struggle.reasons(run(*commands, purpose="distill"))


def test_a_failed_check_is_a_struggle() -> None:
    assert struggle.reasons(fold([failed(1, "boom")], run())) == ("1 check failed",)


@pytest.mark.parametrize(("trees", "undone"), [("aba", 1), ("abc", 0), ("aab", 0), ("abb", 0), ("abca", 1)])
def test_a_tree_that_had_been_there_is_work_undone(trees: str, undone: int) -> None:
    taken = [ev.Snapshotted(n=number, commit="c", tree=tree) for number, tree in enumerate(trees)]
    assert len(struggle.reversals(fold(taken, run()))) == undone


def test_calls_without_an_outcome_say_nothing() -> None:
    calls: list[ev.Event] = [ev.ToolCalled(name="Bash", command="make x"), ev.ToolCalled(name="Bash", command="make y")]
    assert not struggle.reasons(fold(calls, run()))
