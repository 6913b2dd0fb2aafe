"""A signal is acted upon where nothing is half done, however often and whenever it arrives."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentloop.interrupts import Interrupted, arrived, noted, raise_if_interrupted, sleep
from agentloop.process import git_free_environment, run_program


def test_a_signal_is_noted_and_raised_where_it_is_asked_for() -> None:
    with noted():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert arrived() == signal.SIGTERM
        with pytest.raises(Interrupted, match="SIGTERM"):
            raise_if_interrupted()
        with pytest.raises(Interrupted):
            sleep(60)


def test_what_was_ignored_stays_ignored_and_what_was_there_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with noted():
            os.kill(os.getpid(), signal.SIGHUP)
            assert arrived() is None
    finally:
        signal.signal(signal.SIGHUP, old)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_program_is_ended_when_a_signal_arrives_while_it_runs(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    chatter = (
        f"import os,time; open({str(mark)!r}, 'w').write(str(os.getpid())); [print('x' * 999) for _ in range(10**9)]"
    )
    sender = [sys.executable, "-c", _SEND.format(mark=str(mark), us=os.getpid())]
    with noted(), subprocess.Popen(sender), pytest.raises(Interrupted):
        run_program(
            [sys.executable, "-c", chatter],
            cwd=tmp_path,
            env=git_free_environment(),
            timeout_s=60,
            on_stdout=lambda _chunk: None,
        )
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


_SEND = """
import os, signal, time
while not (os.path.exists({mark!r}) and open({mark!r}).read()):
    time.sleep(0.01)
for _ in range(200):
    os.kill({us}, signal.SIGINT)
"""


def test_nothing_is_raised_before_it_is_asked_for() -> None:
    with noted():
        began = time.monotonic()
        sleep(0.05)
        assert time.monotonic() - began >= 0.05
        raise_if_interrupted()


def test_a_second_ctrl_c_cuts_the_time_that_a_program_is_given_to_end(tmp_path: Path) -> None:
    """With that time, this would take longer than a test may."""
    mark = tmp_path / "pid"
    deaf = f"trap '' TERM; echo $$ > {mark}; while :; do sleep 1; done"
    sender = [sys.executable, "-c", _SEND_TWICE.format(mark=str(mark), us=os.getpid())]
    with noted(), subprocess.Popen(sender), pytest.raises(Interrupted):
        run_program(
            ["sh", "-c", deaf],
            cwd=tmp_path,
            env=git_free_environment(),
            timeout_s=None,
            on_stdout=lambda _chunk: None,
            grace_s=1000.0,
        )
    assert not Path(f"/proc/{int(mark.read_text())}").exists()


_SEND_TWICE = """
import os, signal, time
while not (os.path.exists({mark!r}) and open({mark!r}).read()):
    time.sleep(0.01)
os.kill({us}, signal.SIGINT)
time.sleep(0.6)
os.kill({us}, signal.SIGINT)
"""
