"""The person at the terminal: asked, and given an editor."""

import os
import select
import shlex
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

from agentloop import config
from agentloop.errors import CannotStartError, UsageError
from agentloop.interrupts import raise_if_interrupted
from agentloop.process import git_free_environment
from agentloop.process.foreground import run_in_terminal

_LOOK_S = 0.1
_MAX_LINE_BYTES = 4096


def is_there() -> bool:
    """Somebody can be asked: questions go to stderr, answers come from stdin, and both are a terminal.

    In CI nobody is, also where a job has a terminal: a question would be waited for until the job's time is up.
    """
    return sys.stdin.isatty() and sys.stderr.isatty() and not config.in_ci()


def answer(question: str, timeout_s: float | None = None) -> str | None:
    """Ask, and wait for a line.

    Args:
        question: ready to be shown; the answer is typed behind it.
        timeout_s: how long to wait; None: as long as the person likes.

    Returns:
        The line without blanks around it; None at the end of the input (ctrl-D).

    Raises:
        TimeoutError: the time is up.
        Interrupted: a signal was noted.
    """
    began = time.monotonic()
    sys.stderr.write(question)
    sys.stderr.flush()
    while not select.select([sys.stdin], [], [], _LOOK_S)[0]:
        raise_if_interrupted()
        if timeout_s is not None and time.monotonic() - began >= timeout_s:
            raise TimeoutError(f"no answer within {timeout_s:.1f} s")
    raise_if_interrupted()
    line = os.read(sys.stdin.fileno(), _MAX_LINE_BYTES)
    return line.decode("utf-8", errors="replace").strip() if line else None


def forget_typed() -> None:
    """What was typed before a question is no answer to it."""
    with suppress(termios.error):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def edit(path: Path) -> None:
    """Let the person edit a file with $VISUAL, $EDITOR or vi, as long as it takes.

    Raises:
        UsageError: the editor is missing or fails.
        Interrupted: a signal was noted that ends the program; the editor is ended.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    advice = "set VISUAL or EDITOR to one that is there"
    try:
        program, *arguments = shlex.split(editor)
        argv = [str(Path(program).expanduser()), *arguments, str(path)]
        code = run_in_terminal(argv, env=git_free_environment(), output=sys.stderr.fileno())
    except (CannotStartError, ValueError) as error:
        raise UsageError(f"the editor cannot be started ({editor}): {error}", hint=advice) from error
    if code != 0:
        raise UsageError(f"the editor failed ({editor}: {code}): nothing was changed", hint="or " + advice)
