"""The terminal driver on real terminals, with small programs that behave as real agents do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentloop import interrupts
from agentloop.agents.session import Turn
from agentloop.agents.spec import Adapter
from agentloop.agents.terminal.live import Live
from agentloop.agents.terminal.session import TerminalSession
from agentloop.errors import CannotStartError
from agentloop.events import Event, SessionOpened

from .nasty import NASTY, SHELL_LINE

HERE = Path(__file__).parent
TUI = {"ready": "^>", "busy": "esc to interrupt", "settled_s": 0.3}


@dataclass
class Driven:
    """A session, and what its program got."""

    session: TerminalSession
    folder: Path
    events: list[Event] = field(default_factory=list)

    def send(self, prompt: str, timeout_s: float = 30, idle_timeout_s: float = 20, **more: Any) -> Turn:
        return self.session.send(
            prompt,
            log=self.folder / "turn.log",
            timeout_s=timeout_s,
            idle_timeout_s=idle_timeout_s,
            emit=self.events.append,
            **more,
        )

    @property
    def prompts(self) -> list[bytes]:
        log = self.folder / "log"
        return [bytes.fromhex(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def live(self) -> Live:
        assert self.session._live is not None
        return self.session._live

    @property
    def pid(self) -> int:
        return self.live.program._process.pid


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Callable[..., Driven]]:
    """Make a session of a program with a `[terminal]` part, ended with the test."""
    sessions: list[TerminalSession] = []

    def make(*start: str, session: str = "none", errors: tuple[Any, ...] = (), **terminal: Any) -> Driven:
        adapter = Adapter.model_validate(
            {"name": "scripted", "session": session, "errors": errors, "terminal": {"start": start, **terminal}}
        )
        assert adapter.terminal
        made = TerminalSession(adapter.in_terminal(adapter.terminal), start[0], (), f"test-{os.getpid()}", tmp_path)
        sessions.append(made)
        return Driven(made, tmp_path)

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def tui(drive: Callable[..., Driven], tmp_path: Path) -> Callable[..., Driven]:
    """Drive the program with a screen of its own."""

    def make(*words: str, **terminal: Any) -> Driven:
        argv = [sys.executable, str(HERE / "scripted_tui.py"), str(tmp_path / "log")]
        return drive(*argv, *words, **{**TUI, **terminal})

    return make


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_two_prompts_in_one_live_session_with_a_screen_of_its_own(tui: Callable[..., Driven]) -> None:
    driven = tui()
    assert not driven.session.remembers
    first = driven.send("first\nof two lines")
    pid = driven.pid
    assert (first.status, first.text.splitlines()[0]) == ("done", "answer to first")
    assert driven.session.remembers
    second = driven.send("second")
    assert (second.status, second.text) == ("done", "answer to second\nall done")
    assert driven.prompts == [b"first\nof two lines", b"second"]
    assert driven.pid == pid
    driven.session.close()
    assert not alive(pid)


def test_any_program_is_driven_with_nothing_known_of_it(drive: Callable[..., Driven], tmp_path: Path) -> None:
    """It says nothing for longer than a settled screen lasts: that it does not read proves that it works."""
    driven = drive(sys.executable, str(HERE / "scripted_repl.py"), str(tmp_path / "log"), settled_s=0.5)
    assert driven.send("-say 'hi'").text == "answer to \"-say 'hi'\""
    assert driven.send("again").text.startswith("answer to 'again'")
    assert driven.prompts == [b"-say 'hi'", b"again"]


@pytest.mark.slow
def test_a_shell_is_at_work_while_its_command_is(drive: Callable[..., Driven]) -> None:
    driven = drive("bash", "--norc", settled_s=0.5)
    assert driven.send("sleep 1.5; echo $((40 + 2)) $0").text.splitlines()[0] == "42 bash"
    assert driven.send("x=in-the-same-shell").status == "done"
    assert driven.send("echo $x").text.splitlines()[0] == "in-the-same-shell"


def test_200_kb_arrive_byte_for_byte_as_a_paste(tui: Callable[..., Driven]) -> None:
    driven = tui()
    assert len(NASTY.encode()) > 200_000
    assert driven.send(NASTY + "\x1b[20\x1b[201~1~" + "end").status == "done"
    assert driven.prompts == [NASTY.encode() + b"end"]


def test_200_kb_arrive_byte_for_byte_where_lines_are_short(drive: Callable[..., Driven], tmp_path: Path) -> None:
    driven = drive(sys.executable, str(HERE / "scripted_repl.py"), str(tmp_path / "log"), settled_s=0.5)
    assert driven.send(NASTY).status == "done"
    assert driven.send(SHELL_LINE).status == "done"
    assert driven.prompts == [NASTY.encode(), SHELL_LINE.encode()]


@pytest.mark.slow
def test_an_enter_that_is_swallowed_is_typed_again(tui: Callable[..., Driven]) -> None:
    driven = tui("late")
    assert driven.send("hello").status == "done"
    assert driven.prompts == [b"hello"]


def test_a_terminal_answers_what_it_is_asked(tui: Callable[..., Driven]) -> None:
    assert tui("queries").send("hello", timeout_s=10).status == "done"


def test_a_dialog_is_answered_as_the_adapter_says(tui: Callable[..., Driven]) -> None:
    driven = tui("trust", dialogs=[{"pattern": "Do you trust", "answer": ["y"]}])
    assert driven.send("hello").status == "done"


@pytest.mark.slow
def test_a_dialog_that_nobody_described_is_never_answered(tui: Callable[..., Driven]) -> None:
    driven = tui("asks")
    turn = driven.send("hello", idle_timeout_s=1.0)
    assert turn.status == "idle"
    assert "May I delete everything?" in turn.error
    assert not driven.session.remembers
    turn = tui("trust").send("hello", idle_timeout_s=1.0)
    assert turn.status == "failed"
    assert "Do you trust this folder?" in turn.error


def test_one_that_never_comes_to_rest_is_ended_with_its_time(tui: Callable[..., Driven]) -> None:
    driven = tui("clock", "deaf", ready="", busy="")
    seen: list[float] = []
    driven.events.clear()
    turn = driven.send("hello", timeout_s=4.0, on_tick=lambda _s: seen.append(driven.pid))
    assert turn.status == "timed_out"
    assert seen
    assert not alive(int(seen[0]))


def test_one_that_dies_has_failed_and_is_begun_anew(tui: Callable[..., Driven], tmp_path: Path) -> None:
    driven = tui(errors=[{"kind": "permanent", "pattern": "exit code 3"}])
    assert driven.send("hello").status == "done"
    turn = driven.send("please die")
    assert (turn.status, turn.exit_code, turn.error_class) == ("failed", 3, "permanent")
    assert "exit code 3" in turn.error
    assert not driven.session.remembers
    assert driven.send("once more").status == "done"


def test_one_that_died_is_returned_to_where_there_is_a_way(tui: Callable[..., Driven], tmp_path: Path) -> None:
    argv = [sys.executable, str(HERE / "scripted_tui.py"), str(tmp_path / "log")]
    driven = tui("SESSION={session}", session="chosen", resume=[*argv, "SESSION=again-{session}"])
    driven.send("hello")
    chosen = driven.session.id
    assert driven.events == [SessionOpened(session=str(chosen))]
    driven.send("please die")
    assert driven.session.remembers
    turn = driven.send("once more")
    os.kill(driven.pid, signal.SIGKILL)
    driven.live.program.wait(10)
    turn = driven.send("and again")  # it died between two turns
    assert (turn.status, turn.session) == ("done", chosen)
    assert f"SESSION=again-{chosen}" in driven.live.text


def test_a_session_is_named_by_a_pattern(tui: Callable[..., Driven]) -> None:
    driven = tui(patterns={"session": r"answer to (\w+)"})
    assert driven.send("abc").session == "abc"
    assert driven.events == [SessionOpened(session="abc")]


def test_an_error_on_the_screen_is_the_turns_and_the_agent_lives_on(tui: Callable[..., Driven]) -> None:
    driven = tui("hoarse", errors=[{"kind": "rate_limit", "pattern": "429"}], patterns={"error": "API Error.*"})
    turn = driven.send("hello")
    assert (turn.status, turn.error, turn.error_class) == ("failed", "API Error: 429 slow down", "rate_limit")
    assert driven.session.remembers


def test_the_log_holds_what_was_printed_without_secrets(drive: Callable[..., Driven]) -> None:
    driven = drive("cat", settled_s=0.3)
    token = "ghp_" + "a1B2" * 9
    driven.send(f"token {token}")
    log = (driven.folder / "turn.log").read_text()
    assert "token " in log
    assert token not in log


def test_an_interruption_ends_it(tui: Callable[..., Driven]) -> None:
    driven = tui("clock", ready="", busy="")
    pids: list[int] = []

    def interrupt(_elapsed_s: float) -> None:
        pids.append(driven.pid)
        os.kill(os.getpid(), signal.SIGINT)

    with interrupts.noted(), pytest.raises(interrupts.Interrupted):
        driven.send("hello", on_tick=interrupt)
    assert not alive(pids[0])


def test_it_ends_when_agentloop_is_killed(tmp_path: Path) -> None:
    source = f"""
import time
from pathlib import Path
from agentloop.agents.terminal.live import Live
from agentloop.process import child_environment
live = Live(["sh", "-c", "echo $$ > pid; sleep 60 & echo $! >> pid; while :; do sleep 1; done"],
            cwd=Path({str(tmp_path)!r}), env=child_environment("x"), still=str)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", source]) as owner:
        file = tmp_path / "pid"
        ends_at = time.monotonic() + 20
        while not (file.exists() and len(file.read_text().split()) == 2):
            assert time.monotonic() < ends_at
            time.sleep(0.05)
        owner.kill()
    pids = [int(pid) for pid in file.read_text().split()]
    ends_at = time.monotonic() + 10
    while any(map(alive, pids)):
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_it_is_ended_in_good_order_and_with_all_that_it_started(drive: Callable[..., Driven], tmp_path: Path) -> None:
    driven = drive("bash", "--norc", settled_s=0.4, exit=["touch left; exit", "\r"])
    driven.send(f"(setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60' &)")
    driven.session.close()
    assert (tmp_path / "left").exists()
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_missing_program_is_told(drive: Callable[..., Driven]) -> None:
    with pytest.raises(CannotStartError, match="no-such-program"):
        drive("no-such-program").send("hello")
