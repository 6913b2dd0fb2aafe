"""Starting a program: its environment, its input, and what a failure comes to."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import IO

from agentloop.errors import CannotStartError
from agentloop.process.tree import set_up_child
from agentloop.process.walk import RUN_TAG
from agentloop.process.walls import Walls

_GIT_LOCAL = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_CONFIG_COUNT",
        "GIT_OBJECT_DIRECTORY",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_REPLACE_REF_BASE",
        "GIT_PREFIX",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_COMMON_DIR",
        "GIT_QUARANTINE_PATH",
        "GIT_NAMESPACE",
    }
)
Process = subprocess.Popen[bytes]
KEYBOARD = (signal.SIGINT, signal.SIGQUIT)
"""The signals that ctrl-C and ctrl-\\ cause."""


def child_environment(run: str, **extra: str) -> dict[str, str]:
    """The environment of a run's programs: ours without git's own variables, with the run's tag."""
    return {**git_free_environment(), RUN_TAG: run, **extra}


def git_free_environment() -> dict[str, str]:
    """Our environment without the variables by which git tells its hooks where they are."""
    return {name: value for name, value in os.environ.items() if name not in _GIT_LOCAL}


def start_in_terminal(
    argv: Sequence[str], *, env: Mapping[str, str], output: int | None, result: int | None = None
) -> Process:
    """Start a program in our process group, with our own input; the keyboard's signals are not ignored in it.

    Args:
        argv: the program and its arguments; no shell.
        env: its whole environment.
        output: the file descriptor that it writes to; None: it has ours.
        result: the one of its stdout alone; None: as `output`.

    Raises:
        CannotStartError: it is missing or cannot be executed.
    """
    try:
        stdout = output if result is None else result
        return subprocess.Popen(argv, env=dict(env), stdout=stdout, stderr=output, preexec_fn=_hear_keyboard)  # noqa: PLW1509 - no thread is ours
    except OSError as error:
        raise cannot_start(argv[0], Path.cwd(), error) from error


def _hear_keyboard() -> None:
    for number in KEYBOARD:
        signal.signal(number, signal.SIG_DFL)


def start(
    argv: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    source: IO[bytes] | int,
    stderr: int,
    walls: Walls | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> Process:
    """Start a program in a session of its own, its output a pipe.

    Args:
        argv: the program and its arguments; no shell.
        cwd: where it runs.
        env: its whole environment.
        source: what it reads, or `subprocess.PIPE`.
        stderr: as in `subprocess.Popen`.
        walls: what it is kept within.
        death_signal: what it gets when we die.

    Raises:
        CannotStartError: it is missing or cannot be executed.
    """
    try:
        with walls.around(argv, cwd, env) if walls else nullcontext((argv, None)) as (words, enter):
            set_up = partial(set_up_child, env.get(RUN_TAG, ""), enter, death_signal)
            return subprocess.Popen(
                words,
                cwd=cwd,
                env=dict(env),
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
                preexec_fn=set_up if sys.platform == "linux" else None,  # noqa: PLW1509 - no thread is ours
            )
    except OSError as error:
        raise cannot_start(argv[0], cwd, error) from error
    except subprocess.SubprocessError as error:
        raise CannotStartError(
            f"the sandbox for {argv[0]} cannot be set up", hint="--sandbox none does without it"
        ) from error


def cannot_start(program: str, cwd: Path, error: OSError) -> CannotStartError:
    """What a failed start comes to, in words of use."""
    if not cwd.is_dir():
        return CannotStartError(f"the folder {cwd} is gone", hint="restore it, then: agentloop resume")
    if isinstance(error, FileNotFoundError):
        return CannotStartError(f"command not found: {program}", hint="see that it is on PATH, and its #! line right")
    hints = {errno.EACCES: "is it a program? chmod +x", errno.ENOEXEC: "begin the script with a line like #!/bin/sh"}
    return CannotStartError(
        f"command cannot be executed: {program}: {error.strerror}", hint=hints.get(error.errno or 0, "")
    )


def readable(content: bytes) -> IO[bytes]:
    """A file to read from, so that no pipe can fill up."""
    if not content:
        return Path(os.devnull).open("rb")
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(content)
    file.seek(0)
    return file
