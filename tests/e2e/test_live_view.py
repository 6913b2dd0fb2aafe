"""What stands on a real terminal while a run is at work, and what is left on it afterwards."""

import time
from collections.abc import Callable
from typing import Any

import pexpect
import pyte
import pytest

from .conftest import Bench
from .terminal import at_terminal

WAITING = {"run": "echo 2 > count; touch in-turn; while [ ! -e go ]; do sleep 0.05; done; rm -f in-turn go"}
WRONG = {"run": "echo 1 > count"}
RIGHT = {"run": "echo 3 > count"}


class ScriptedViewer:
    """Somebody who looks at a terminal.

    Args:
        child: the program in it.
        columns: how wide it is.
        lines: how high it is.
    """

    def __init__(self, child: Any, columns: int, lines: int) -> None:
        self.child = child
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.Stream(self.screen)
        self.seen = ""

    def look(self, timeout_s: float = 0.1) -> str:
        """What stands there now."""
        try:
            chunk = self.child.read_nonblocking(65536, timeout_s)
        except pexpect.TIMEOUT:
            chunk = ""
        self.seen += chunk
        self.stream.feed(chunk)
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def until(self, is_so: Callable[[str], bool]) -> str:
        """Look until it is so."""
        ends_at = time.monotonic() + 60
        while not is_so(text := self.look()):
            assert time.monotonic() < ends_at, text
        return text

    def to_the_end(self) -> str:
        """Look until the program has ended."""
        text = ""
        try:
            while True:
                text = self.look()
        except pexpect.EOF:
            return text


def argv(bench: Bench, *flags: str) -> list[str]:
    return bench.argv("--max-attempts", "3", "--distill", "never", *flags)


def test_the_board_says_where_the_run_stands_and_goes_without_a_trace(bench: Bench) -> None:
    bench.steps(WRONG, WAITING, RIGHT)
    with at_terminal(bench.repo, argv=argv(bench)) as child:
        viewer = ScriptedViewer(child, 200, 50)
        text = viewer.until(lambda text: "attempt 2 of 3 · the agent works" in text and "left: 2 attempts" in text)
        board = text.splitlines()[-4:]
        assert board[0].startswith("attempt 2 of 3 · the agent works · ")
        assert board[1] == "last check: fail · sh check.sh passes: exited 1"
        assert board[2].startswith("1 file changed, +1 -1 · cost unknown · ")
        assert board[3].startswith("left: 2 attempts, 3 h 59 min")
        assert text.splitlines()[0].startswith("run ")
        (bench.repo / "go").touch()
        text = viewer.to_the_end()
    assert "left: " not in text
    assert "last check: " not in text
    assert text.count("attempt 1: fail") == text.count("turn 1: prompting") == text.count("attempt 3: pass") == 1
    assert "reached: the predicate holds after 3 attempts" in text
    assert "1 file changed, +1 -1; look at it: agentloop diff" in text
    assert "\x1b[?25l" not in viewer.seen  # a cursor that is never hidden need not be brought back


@pytest.mark.parametrize(("lines", "columns"), [(4, 30), (50, 1)])
@pytest.mark.slow
def test_a_terminal_that_shrinks_meanwhile_loses_nothing(bench: Bench, lines: int, columns: int) -> None:
    bench.steps(WAITING, RIGHT)
    with at_terminal(bench.repo, argv=argv(bench)) as child:
        viewer = ScriptedViewer(child, 200, 50)
        viewer.until(lambda text: "attempt 1 of 3 · the agent works" in text)
        child.setwinsize(lines, columns)
        before = len(viewer.seen)
        while "\x1b[2K" not in viewer.seen[before:] or len(viewer.seen) < before + 40:
            viewer.look()
        (bench.repo / "go").touch()
        viewer.to_the_end()
        child.close()
    assert child.exitstatus == 0
    assert "attempt 2: pass" in viewer.seen


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(bench: Bench) -> None:
    bench.steps(WAITING, RIGHT)
    with at_terminal(bench.repo, argv=argv(bench), TERM="dumb", FORCE_COLOR="1") as child:
        viewer = ScriptedViewer(child, 200, 50)
        viewer.until(lambda text: "turn 1: prompting" in text)
        time.sleep(1.2)  # a tick
        (bench.repo / "go").touch()
        viewer.to_the_end()
    assert "\x1b" not in viewer.seen
    assert "left: " not in viewer.seen
    assert "attempt 2: pass" in viewer.seen


@pytest.mark.slow
def test_colours_forced_upon_a_pipe_make_no_board(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    bench.steps({"run": "echo 3 > count", "sleep_s": 1.2})
    done = bench.run("--distill", "never")
    assert "left: " not in done.stderr
    assert "\x1b[2K" not in done.stderr


def test_ctrl_c_takes_the_board_away_and_leaves_the_way_on(bench: Bench) -> None:
    bench.steps(WAITING, RIGHT)
    with at_terminal(bench.repo, argv=argv(bench)) as child:
        viewer = ScriptedViewer(child, 200, 50)
        viewer.until(lambda text: "left: 3 attempts" in text)
        child.sendintr()
        text = viewer.to_the_end()
    assert "left: " not in text
    assert "go on with it: agentloop resume" in text


def test_the_events_on_the_same_terminal_stay_whole(bench: Bench) -> None:
    bench.steps({"run": "echo 3 > count", "sleep_s": 1.2})
    with at_terminal(bench.repo, argv=argv(bench, "--events")) as child:
        viewer = ScriptedViewer(child, 200, 50)
        viewer.to_the_end()
    assert "left: " not in viewer.seen
    assert "\x1b[2K" not in viewer.seen
