"""However we end, nothing of a run is left: real runs, whose agent starts what tries to get away."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import psutil
import pytest

from agentloop.process.walk import WATCH_TAG

from .conftest import Bench

ESCAPES = Path(__file__).parent / "escapes.py"
ALL_OF_THEM = 5
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what got away is found through /proc")
RIGHT = {"run": "echo 3 > count"}


def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for something that has to come; how long it takes is for nobody to judge on a busy machine."""
    ends_at = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends_at, "it did not come"
        time.sleep(0.05)


class Escaped:
    """A run whose agent, in its turn, has started what tries to get away."""

    def __init__(self, bench: Bench, file: Path) -> None:
        self.bench = bench
        self.file = file
        bench.steps({"run": f"{sys.executable} {ESCAPES} {file}"}, RIGHT)

    def pids(self) -> list[int]:
        return [int(line) for line in self.file.read_text().split()] if self.file.exists() else []

    def alive(self) -> list[int]:
        """Those of them that still run, and the watchdog."""
        return [pid for pid in self.pids() if psutil.pid_exists(pid) and not is_zombie(pid)] + self.watchdogs()

    def watchdogs(self) -> list[int]:
        found = []
        for folder in self.bench.state_folder().glob("*/*/journal.jsonl"):
            found += [process.pid for process in psutil.process_iter() if watches(process, folder.parent.name)]
        return found

    def start(self, **options: Any) -> "subprocess.Popen[bytes]":
        argv = self.bench.argv("--distill", "never")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(argv, cwd=self.bench.repo, stdin=subprocess.DEVNULL, **{**quiet, **options})

    def wait(self) -> None:
        until(lambda: len(self.pids()) == ALL_OF_THEM)


def is_zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def watches(process: psutil.Process, run: str) -> bool:
    try:
        return process.environ().get(WATCH_TAG) == run
    except psutil.Error:
        return False


@pytest.fixture
def escaped(bench: Bench, tmp_path: Path) -> Iterator[Escaped]:
    made = Escaped(bench, tmp_path / "pids")
    yield made
    for pid in made.alive():
        os.kill(pid, signal.SIGKILL)


def test_kill_9_of_us_ends_everything_and_the_run_goes_on(escaped: Escaped) -> None:
    with escaped.start() as supervisor:
        escaped.wait()
        assert len(escaped.watchdogs()) == 1
        supervisor.kill()
    until(lambda: not escaped.alive())
    done = escaped.bench.agentloop("resume", "--json")
    assert json.loads(done.stdout)["outcome"] == "reached"
    assert escaped.watchdogs() == []


def test_kill_9_of_our_process_group(escaped: Escaped) -> None:
    with escaped.start(start_new_session=True) as supervisor:
        escaped.wait()
        os.killpg(supervisor.pid, signal.SIGKILL)
    until(lambda: not escaped.alive())


def test_resume_does_not_wait_for_the_watchdog_and_is_not_met_by_it(escaped: Escaped) -> None:
    """It is halted, as on a machine that is too busy for it; then resume takes its work over."""
    with escaped.start() as supervisor:
        escaped.wait()
        (watchdog,) = escaped.watchdogs()
        os.kill(watchdog, signal.SIGSTOP)
        supervisor.kill()
    done = escaped.bench.agentloop("resume", "--json")
    assert json.loads(done.stdout)["outcome"] == "reached"
    until(lambda: not escaped.alive())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_before_we_are_gone(escaped: Escaped, number: signal.Signals) -> None:
    with escaped.start() as supervisor:
        escaped.wait()
        supervisor.send_signal(number)
        assert supervisor.wait(60) == 128 + number
    assert escaped.alive() == []


def test_ctrl_c_twice(escaped: Escaped) -> None:
    argv = escaped.bench.argv("--distill", "never")
    terminal = pexpect.spawn(argv[0], argv[1:], cwd=str(escaped.bench.repo), timeout=60)
    escaped.wait()
    terminal.sendintr()
    time.sleep(0.6)
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 130 or terminal.signalstatus == signal.SIGINT
    assert "Traceback" not in str(terminal.before)
    assert escaped.alive() == []


def test_a_ctrl_c_for_one_who_is_stuck_ends_us_at_once(tmp_path: Path) -> None:
    """Nothing looks for the signal; the third second is over."""
    program = (
        "import sys, time\n"
        "from agentloop import interrupts\n"
        "from agentloop.process import watched\n"
        "with interrupts.noted(), watched(sys.argv[1]):\n"
        "    print('here', flush=True)\n"
        "    while True: time.sleep(0.05)\n"
    )
    tag = f"stuck-{os.getpid()}"
    with subprocess.Popen([sys.executable, "-c", program, tag], stdout=subprocess.PIPE) as stuck:
        assert stuck.stdout
        assert stuck.stdout.readline() == b"here\n"
        stuck.send_signal(signal.SIGINT)
        time.sleep(3.3)
        assert stuck.poll() is None
        stuck.send_signal(signal.SIGINT)
        assert stuck.wait(60) == -signal.SIGINT
    until(lambda: not [one for one in psutil.process_iter() if watches(one, tag)])


@pytest.mark.slow
def test_the_terminal_is_closed(escaped: Escaped) -> None:
    argv = escaped.bench.argv("--distill", "never")
    terminal = pexpect.spawn(argv[0], argv[1:], cwd=str(escaped.bench.repo), timeout=60)
    escaped.wait()
    os.close(terminal.child_fd)
    until(lambda: not escaped.alive())
    terminal.wait()
    terminal.closed = True
    terminal.child_fd = -1
    events = escaped.bench.agentloop("logs", "--json").stdout.splitlines()
    assert json.loads(events[-1])["type"] == "run.interrupted"


@pytest.mark.parametrize(
    "killing",
    [
        "pkill -9 -f 'agentloop run.*{script}'",
        "p=$PPID; while [ $p -gt 1 ]; do n=$(awk '/^PPid/{{print $2}}' /proc/$p/status); "
        "grep -q {script} /proc/$p/cmdline && kill -9 $p; p=$n; done",
    ],
    ids=["whatever is called so", "its ancestors"],
)
def test_an_agent_that_kills_us_goes_with_us(bench: Bench, tmp_path: Path, killing: str) -> None:
    made = Escaped(bench, tmp_path / "pids")
    begun = f"{sys.executable} {ESCAPES} {made.file} & until [ $(wc -l < {made.file}) = {ALL_OF_THEM} ]; do :; done"
    bench.steps({"run": f"{begun} 2> /dev/null; {killing.format(script=bench.script)}; sleep 300"})
    with made.start(start_new_session=True) as supervisor:
        # Whoever kills the agent first is ended with its tree before it comes to us.
        assert supervisor.wait(60) in (-signal.SIGKILL, 5)
    until(lambda: not made.alive())


def test_a_check_of_its_own_is_watched_over_too(bench: Bench, tmp_path: Path) -> None:
    made = Escaped(bench, tmp_path / "pids")
    predicate = f"{sys.executable} {ESCAPES} {made.file} passes"
    argv = [sys.executable, "-m", "agentloop", "check", predicate]
    with subprocess.Popen(argv, cwd=bench.repo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as check:
        made.wait()
        check.kill()
    until(lambda: not made.alive())


def test_nothing_is_left_of_an_ordinary_run(bench: Bench, tmp_path: Path) -> None:
    made = Escaped(bench, tmp_path / "pids")
    bench.steps(RIGHT)
    assert bench.run("--distill", "never").returncode == 0
    assert made.alive() == []
