"""ScriptedEscape: starts processes that try to outlive whoever ends things; each adds its process id to a file.

    python escapes.py FILE

One ignores what it is told, one has a session of its own, one is a daemon, one is a daemon that has shed its
environment as well. When all of them are there, it hangs itself.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

_DEAF = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def linger(file: str) -> None:
    for number in _DEAF:
        signal.signal(number, signal.SIG_IGN)
    with Path(file).open("a") as pids:
        pids.write(f"{os.getpid()}\n")
    time.sleep(300)


def fork(then: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        then()
        os._exit(0)
    return pid


def stand_alone(file: str) -> None:
    os.setsid()
    linger(file)


def daemon(file: str, *, sheds: bool) -> None:
    os.setsid()
    argv = [sys.executable, __file__, file, "linger"]
    fork(lambda: os.execve(sys.executable, argv, {} if sheds else dict(os.environ)))


def main(file: str) -> None:
    fork(lambda: linger(file))
    fork(lambda: stand_alone(file))
    os.waitpid(fork(lambda: daemon(file, sheds=False)), 0)
    os.waitpid(fork(lambda: daemon(file, sheds=True)), 0)
    linger(file)


if __name__ == "__main__":
    (linger if sys.argv[2:] else main)(sys.argv[1])
