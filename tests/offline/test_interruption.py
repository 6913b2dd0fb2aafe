"""Ended in the middle of a trial, the agent leaves files whole; hanging candidates are ended."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from agentloop.offline.session import open_session
from agentloop.offline.validate import run

from . import projects
from .conftest import UNITTEST, ScriptedSupervisor, contents

pytestmark = pytest.mark.usefixtures("unmeasured_children")

Write = Callable[[Mapping[str, str], str], ScriptedSupervisor]

SLOW = {
    "slow.py": "def value():\n    a = 1\n    b = 2\n    return a + b * 10\n",
    "test_slow.py": (
        "import time, unittest\nfrom slow import value\n\n\nclass SlowTest(unittest.TestCase):\n"
        "    def test_value(self):\n        time.sleep(0.3)\n        self.assertEqual(value(), 'never')\n"
    ),
}


def start_and_wait_for_a_trial(supervisor: ScriptedSupervisor) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        supervisor.command(), cwd=supervisor.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"Check: `{supervisor.check}`\n")
    process.stdin.close()
    source = supervisor.root / "slow.py"
    original = source.read_text()
    deadline = time.monotonic() + 30
    while source.read_text() == original:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return process


def finish(process: "subprocess.Popen[str]") -> int:
    assert process.stdout
    process.stdout.read()
    process.stdout.close()
    return process.wait(30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_in_the_middle_of_a_trial_leaves_every_file_as_it_was(number: int, repository: Write) -> None:
    supervisor = repository(SLOW, UNITTEST)
    before = contents(supervisor.root)
    process = start_and_wait_for_a_trial(supervisor)
    process.send_signal(number)
    assert finish(process) == 128 + number
    assert contents(supervisor.root) == before


def test_after_a_kill_the_next_turn_puts_the_file_back(repository: Write) -> None:
    supervisor = repository(SLOW, UNITTEST)
    before = contents(supervisor.root)
    process = start_and_wait_for_a_trial(supervisor)
    process.kill()
    finish(process)
    assert contents(supervisor.root) != before
    supervisor.turns = 1
    turn = supervisor.send("")
    assert "Put back as it was: slow.py" in json.dumps(turn.events)
    assert contents(supervisor.root) == before


def test_a_kill_does_not_undo_what_somebody_changed_since(repository: Write) -> None:
    supervisor = repository(SLOW, UNITTEST)
    process = start_and_wait_for_a_trial(supervisor)
    process.kill()
    finish(process)
    (supervisor.root / "slow.py").write_text("def value():\n    return 'never'\n")
    supervisor.turns = 1
    assert "passes already" in supervisor.send("").text


@pytest.mark.slow
def test_a_candidate_that_loops_for_ever_is_ended(repository: Write) -> None:
    looping = projects.COUNTDOWN["countdown.py"].replace("+=", "-=")
    broken = projects.COUNTDOWN["test_countdown.py"].replace("[5, 3, 1]", "'never'")
    supervisor = repository({"countdown.py": looping, "test_countdown.py": broken}, UNITTEST)
    turn = supervisor.work()
    assert any("`-=` -> `+=`" in detail for detail in turn.tried)
    assert contents(supervisor.root)["countdown.py"].decode() == looping


def test_a_program_that_is_ended_takes_its_children_along(tmp_path: Path) -> None:
    mark = tmp_path / "late"
    ran = run(["bash", "-c", f"(sleep 2; touch {mark}) & sleep 30"], tmp_path, 0.3, {})
    assert ran.code is None
    time.sleep(2.2)
    assert not mark.exists()


def test_a_trial_that_is_put_back_keeps_the_modification_time(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    source.write_text("x = 1\n")
    before = source.stat().st_mtime_ns
    session = open_session("times", resume=False)
    with session.trying(tmp_path, {"a.py": b"x = 2\n"}):
        assert source.read_text() == "x = 2\n"
        # Otherwise Python would take compiled code of the same second and size for fresh.
        assert source.stat().st_mtime_ns // 10**9 != before // 10**9
    assert (source.read_text(), source.stat().st_mtime_ns) == ("x = 1\n", before)
