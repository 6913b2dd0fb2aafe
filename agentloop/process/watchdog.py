"""The watchdog: a small process beside a run that ends, after our death, whatever we have left of the run.

The kernel ends our own children with us; what they have started it leaves. The watchdog is nobody's ancestor, has a
session of its own, and neither its name nor its command line says what it belongs to, so that an agent which kills its
parents, or everything that is called agentloop, does not meet it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentloop.process import walk
from agentloop.process.starting import cannot_start, git_free_environment


@contextmanager
def watched(run: str) -> Iterator[None]:
    """While this lasts, everything of a run ends with us, however we end; where there is no /proc, nothing is done.

    Args:
        run: the tag of the run.

    Raises:
        CannotStartError: the watchdog cannot be started.
    """
    if sys.platform != "linux":
        yield
        return
    process = _start(run)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _start(run: str) -> subprocess.Popen[bytes]:
    env = {name: value for name, value in git_free_environment().items() if name != walk.RUN_TAG}
    # The interpreter behind the link: a virtual environment is often called what it belongs to.
    python = str(Path(sys.executable).resolve())
    with Path(walk.__file__).open("rb") as program:
        argv = [python, "-I", "-S", f"/dev/fd/{program.fileno()}", run, str(os.getpid())]
        try:
            return subprocess.Popen(
                argv,
                cwd="/",
                env={**env, walk.WATCH_TAG: run},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[program.fileno()],
            )
        except OSError as error:
            raise cannot_start(python, Path("/"), error) from error
