"""The live display, from events alone: what it says, and that it keeps within the terminal."""

import io
from collections.abc import Iterable

import pytest
from rich.console import Console

from agentloop import events as ev
from agentloop.job import Limits
from agentloop.render.board import Board

from .test_loop import JOB, RED, check, snapshot, state, turn

LIMITED = JOB.model_copy(update={"limits": Limits(max_attempts=3, max_time_s=3600, max_cost_usd=2.0)})
TESTS = ev.Leaf(
    source="pytest passes", verdict="fail", reason="exited 1", tests=ev.TestCounts(passed=42, failed=3, skipped=1)
)


def board(events: Iterable[ev.Event | list[ev.Event]], seconds_later: float = 0.0) -> Board:
    """The board after these events, which happened a second apart."""
    stream: list[ev.Event] = [ev.RunStarted(run="r", version="0", job=LIMITED)]
    for part in events:
        stream += part if isinstance(part, list) else [part]
    shown = Board(now=lambda: len(stream) + seconds_later)
    for n, event in enumerate(stream):
        shown.see(event.model_copy(update={"seq": n, "at": float(n + 1)}))
    return shown


def drawn(shown: Board, width: int, height: int = 50) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, no_color=True)
    with console.capture() as capture:
        console.print(shown)
    return capture.get().replace("\x1b[2m", "").replace("\x1b[0m", "").splitlines()


def test_before_the_first_turn_it_says_what_there_is() -> None:
    assert board([ev.CheckStarted(attempt=0)]).lines() == [
        "before the first turn · checking · 0.0 s",
        "1.0 s in all",
        "left: 3 attempts, 59 min 59 s, $2.00",
    ]


def test_in_the_second_attempt_it_says_what_is_done_what_failed_what_changed_and_what_is_left() -> None:
    failed = check(1, "fail").model_copy(update={"leaves": (TESTS,)})
    changed = snapshot(1).model_copy(update={"changed": ev.Changed(files=3, insertions=40, deletions=2)})
    call = ev.ToolCalled(name="Bash", detail="pytest -q\n tests")
    shown = board([RED, turn(1, cost_usd=0.125), changed, failed, turn(2)[:1], call], seconds_later=60)
    shown.program_s = 75.0
    assert shown.lines() == [
        "attempt 2 of 3 · Bash: pytest -q tests · 1 min 15 s",
        "last check: fail · pytest passes: 3 of 45 tests failed",
        "3 files changed, +40 -2 · $0.12 · 1 min 9 s in all",
        "left: 2 attempts, 58 min 51 s, $1.88",
    ]


def test_a_cost_that_nobody_told_is_unknown_and_so_is_what_is_left_of_it() -> None:
    lines = board([RED, turn(1), snapshot(1), check(1, "fail")]).lines()
    assert "cost unknown" in lines[2]
    assert "$" not in lines[3]


def test_the_cost_of_some_turns_is_not_the_cost() -> None:
    assert "$0.50 and unknown" in board([RED, turn(1, cost_usd=0.5), turn(2)]).lines()[2]


def test_a_resumed_run_is_shown_with_what_it_came_to_before() -> None:
    before = state(RED, turn(1), snapshot(1), check(1, "fail"), job=LIMITED)
    shown = Board(before, now=lambda: 1000.0)
    shown.see(ev.RunResumed(at=1000.0))
    assert shown.lines()[0].startswith("attempt 2 of 3")
    assert f"{before.elapsed_s:.1f} s in all" in shown.lines()[2]


def test_another_run_begins_anew() -> None:
    shown = board([RED, turn(1), snapshot(1), check(1, "fail")])
    shown.see(ev.RunStarted(run="s", version="0", job=LIMITED))
    assert shown.lines()[0].startswith("before the first turn")


@pytest.mark.parametrize("width", [1, 2, 12, 40, 79])
@pytest.mark.parametrize(
    "text", ["x" * 500, "表" * 300, "a\x1b[2Jb\rc\nd\te\x00" * 50, "\u202eevil [bold]" * 40, "\u2764\ufe0f" * 90]
)
def test_no_line_is_ever_wrapped_whatever_the_agent_calls_its_tools(width: int, text: str) -> None:
    lines = drawn(board([RED, turn(1)[:1], ev.ToolCalled(name=text, detail=text)]), width)
    assert len(lines) == 4
    assert all(Console().render_str(line, markup=False).cell_len < max(2, width) for line in lines)
    assert not any(mark in line for line in lines for mark in "\x1b\r\x00\t\u202e\ufe0f")


def test_a_low_terminal_gets_the_first_lines() -> None:
    assert len(drawn(board([RED]), 80, height=4)) == 2
    assert len(drawn(board([RED]), 80, height=1)) == 1
