"""A test program: agentloop's command line, which dies at a moment that is told.

    python dying.py     (orders on stdin, answers on stdout, a line of JSON each)

An order is `{"argv": [...], "cwd": ..., "env": {...}, "out": file, "moment": ..., "git_timeout_s": ...}`; the answers
to it are the process's id and, once it has ended, its exit code. A fork of what is imported already carries it out,
since hundreds are wanted.

The product has no hook for dying: the place where an event is written is wrapped from outside. A moment is

* `before:N`, `after:N`: SIGKILL before or after the Nth event of this process is written, counted from 1
* `torn:N:B`: SIGKILL when only the first B bytes of that event's line are written; a negative B counts from its end
* `full:N:B`: likewise, but the disk is full from there on (a limit on the size of files), and the program lives
* `git:N:M`: SIGKILL before the Mth command of git's after that event
* `never`
"""

import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import git
import rich.live

from agentloop import cli
from agentloop.cli import resume, run, runs
from agentloop.distill import asking, draft
from agentloop.records import journal
from agentloop.repo import runner

LOADED = (git, rich.live, asking, draft, resume, run, runs)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def prepare(moment: str) -> None:
    """Have this process die at that moment."""
    kind, *numbers = moment.split(":")
    if kind != "never":
        _count(kind, int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 0)


def _count(kind: str, number: int, cut: int) -> None:
    write, seen, asked = os.write, [0], [0]

    def counted(perform: Callable[..., str]) -> Callable[..., str]:
        def wrapper(*args: Any, **kwargs: Any) -> str:
            asked[0] += kind == "git" and seen[0] >= number
            if asked[0] and asked[0] == cut:
                die()
            return perform(*args, **kwargs)

        return wrapper

    def wrapper(descriptor: int, line: bytes) -> int:
        if not line.startswith(b'{"seq":'):
            return write(descriptor, line)
        seen[0] += 1
        if seen[0] != number or kind == "git":
            return write(descriptor, line)
        if kind == "full":
            end = os.fstat(descriptor).st_size + cut % len(line)
            resource.setrlimit(resource.RLIMIT_FSIZE, (end, resource.RLIM_INFINITY))
            return write(descriptor, line)
        written = {"before": 0, "after": len(line), "torn": cut % len(line)}[kind]
        write(descriptor, line[:written])
        die()
        raise AssertionError

    journal.os.write = wrapper  # type: ignore[attr-defined]
    runner.Git.ask = counted(runner.Git.ask)  # type: ignore[method-assign]
    runner.Git.perform = counted(runner.Git.perform)  # type: ignore[method-assign]


def serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            carry_out(order)
        print(pid, flush=True)
        _pid, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def carry_out(order: dict[str, Any]) -> None:
    code: object = 70
    try:
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["env"])
        nothing = os.open(os.devnull, os.O_RDONLY)
        out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for descriptor, source in enumerate((nothing, out, out)):
            os.dup2(source, descriptor)
        sys.argv = ["agentloop", *order["argv"]]
        prepare(order["moment"])
        runner.ASK_TIMEOUT_S = order["git_timeout_s"]
        cli.main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - told as a program of its own would
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    serve()
