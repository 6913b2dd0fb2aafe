"""A program that outlives us: nobody waits for it, and nobody's terminal is its own."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from agentloop.process.starting import cannot_start, git_free_environment
from agentloop.process.walk import RUN_TAG


def start_detached(argv: Sequence[str], cwd: Path, log: Path) -> int:
    """Start a program in a session of its own, without input, with none of git's variables and no part of a run.

    Args:
        argv: the program and its arguments; no shell.
        cwd: where it runs.
        log: gets what it prints, from the start.

    Returns:
        Its process id.

    Raises:
        CannotStartError: it is missing or cannot be executed.
        OSError: the log cannot be written.
    """
    env = {name: value for name, value in git_free_environment().items() if name != RUN_TAG}
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600), "wb") as output:  # noqa: PTH123 - a mode is wanted
        try:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise cannot_start(argv[0], cwd, error) from error
    process.returncode = 0  # it is not waited for, and that is meant
    return process.pid
