"""A program in the foreground of a real terminal: what the keyboard does, what it leaves, and who dies."""

import os
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import psutil
import pytest

from tests.e2e.terminal import interrupt

DRIVER = """
import os, sys
from agentloop import interrupts
from agentloop.process.foreground import run_in_terminal
print(f"driver {os.getpid()}.", flush=True)
with interrupts.noted():
    code = run_in_terminal([sys.executable, "-c", sys.argv[1]], env=os.environ)
print(f"ended with {code}.", flush=True)
"""
RAW = """
import os, signal, sys, termios, tty
before = termios.tcgetattr(0)
tty.setraw(0)
print("\\x1b[?1049hraw", os.getpid(), end=".\\r\\n", flush=True)
"""
LEFT_ALTERNATE_SCREEN = "\x1b[?1049l"


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    path = tmp_path / "driver.py"
    path.write_text(DRIVER)
    return path


@contextmanager
def driving(driver: Path, program: str) -> Iterator[Any]:
    """Run a program in the foreground, in a terminal of its own."""
    with in_terminal([sys.executable, str(driver), program]) as child:
        yield child


@contextmanager
def in_terminal(argv: list[str]) -> Iterator[Any]:
    env = {**os.environ, "TERM": "xterm-256color"}
    child = pexpect.spawn(argv[0], argv[1:], env=env, timeout=30, encoding="utf-8", dimensions=(24, 80), echo=True)
    try:
        yield child
    finally:
        child.close(force=True)


def pid_of(child: Any, word: str) -> int:
    child.expect(rf"{word} (\d+)\.")
    return int(child.match[1])


def runs(pid: int) -> bool:
    """It has not ended; one that nobody has reaped yet has."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_raw(child: Any) -> bool:
    return not termios.tcgetattr(child.child_fd)[3] & termios.ICANON


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("ending", "code"), [("sys.exit(7)", 7), ("pass", 0), ("os.kill(os.getpid(), 15)", -15)])
def test_its_exit_code_is_told(driver: Path, ending: str, code: int) -> None:
    with driving(driver, f"import os, sys; {ending}") as child:
        child.expect(r"ended with (-?\d+)\.")
        assert int(child.match[1]) == code


def test_ctrl_c_is_the_programs_alone(driver: Path) -> None:
    program = """
import time
try:
    print("ready.", flush=True)
    time.sleep(30)
except KeyboardInterrupt:
    print("interrupted.", flush=True)
input("still there? ")
"""
    with driving(driver, program) as child:
        child.expect("ready")
        interrupt(child, "interrupted")
        child.expect("still there")
        child.sendline("yes")
        child.expect(r"ended with 0\.")


def test_a_new_size_reaches_it(driver: Path) -> None:
    program = """
import os, signal
signal.signal(signal.SIGWINCH, lambda *_: print("now", *os.get_terminal_size(), end=".", flush=True))
print("ready.", flush=True)
while True:
    signal.pause()
"""
    with driving(driver, program) as child:
        child.expect("ready")
        child.setwinsize(33, 99)
        child.expect(r"now 99 33\.")


def test_a_program_that_is_killed_leaves_the_terminal_as_it_was(driver: Path) -> None:
    with driving(driver, RAW + "input()") as child:
        pid = pid_of(child, "raw")
        assert is_raw(child)
        os.kill(pid, signal.SIGKILL)
        child.expect_exact(LEFT_ALTERNATE_SCREEN)
        child.expect(r"ended with -9\.")
        assert not is_raw(child)


def test_one_that_ends_well_is_left_its_screen(driver: Path) -> None:
    with driving(driver, RAW) as child:
        pid_of(child, "raw")
        child.expect(r"ended with 0\.")
        assert LEFT_ALTERNATE_SCREEN not in child.before
        assert not is_raw(child)


def test_our_own_kill_9_ends_the_program_with_its_children_and_gives_the_terminal_back(driver: Path) -> None:
    program = (
        RAW
        + """
import subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); signal.pause()"])
print("child", child.pid, end=".\\r\\n", flush=True)
child.wait()
"""
    )
    shell = f"{sys.executable} {driver} '{program}'; sleep 20"  # no shell that would set the terminal right
    with in_terminal(["/bin/sh", "-c", shell]) as child:
        ours, its, grandchild = (pid_of(child, word) for word in ("driver", "raw", "child"))
        assert is_raw(child)
        os.kill(ours, signal.SIGKILL)
        child.expect_exact(LEFT_ALTERNATE_SCREEN)
        wait_until(lambda: not is_raw(child))
        wait_until(lambda: not any(map(runs, (ours, its, grandchild))))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_us_ends_the_program(driver: Path, number: signal.Signals) -> None:
    with driving(driver, RAW + "signal.pause()") as child:
        ours, its = pid_of(child, "driver"), pid_of(child, "raw")
        os.kill(ours, number)
        child.expect_exact(LEFT_ALTERNATE_SCREEN)
        child.expect("Interrupted")
        assert not runs(its)
        assert not is_raw(child)


@pytest.fixture
def shell(driver: Path) -> Iterator[Callable[[str], Any]]:
    """Type the command for a program into a shell with job control."""
    with in_terminal(["/bin/bash", "--norc", "--noprofile", "-i"]) as child:

        def type_in(program: str) -> Any:
            path = driver.with_name("program.py")
            path.write_text(program)
            child.sendline("PS1='READY''$ '")
            child.expect_exact("READY$ ")
            child.sendline(f'{sys.executable} {driver} "$(cat {path})"')
            return child

        yield type_in


def test_ctrl_z_gives_the_shell_back_and_fg_goes_on(shell: Callable[[str], Any]) -> None:
    child = shell("print('go' + 'es.', flush=True)\nwhile True: print('said', input('say: '))")
    child.expect(r"goes\.")
    child.expect("say: ")
    child.send("\x1a")
    child.expect("Stopped")
    child.expect_exact("READY$ ")
    child.sendline("jobs")
    child.expect(r"Stopped.*driver")
    child.expect_exact("READY$ ")
    child.sendline("fg")
    child.expect("driver.py")
    child.sendline("hello")
    child.expect("said hello")
    interrupt(child, "ended with")


def test_one_that_suspends_itself_gives_the_shell_back_too(shell: Callable[[str], Any]) -> None:
    program = (
        RAW
        + """
os.kill(os.getpid(), signal.SIGSTOP)
print("and on", end=".\\r\\n", flush=True)
print("got", os.read(0, 1), end=".\\r\\n", flush=True)
termios.tcsetattr(0, 0, before)
"""
    )
    child = shell(program)
    pid_of(child, "raw")
    child.expect("Stopped")
    child.expect_exact("READY$ ")
    child.sendline("stty -a; fg")
    child.expect(r"(?<!-)icanon|(?<!-)isig")
    child.expect(r"and on\.")
    child.send("x")
    child.expect(r"got b'x'\.")
    child.expect(r"ended with 0\.")
