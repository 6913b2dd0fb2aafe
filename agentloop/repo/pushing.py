"""`git push` with the person's own arguments, on their own terminal: tried, and done."""

import signal
import tempfile
from collections.abc import Mapping, Sequence

from agentloop.process import git_free_environment
from agentloop.process.foreground import run_in_terminal

OURS = "AGENTLOOP_PUSH"
"""Set during our own pushes, so that our hook leaves them alone."""
_TRIAL = ("--dry-run", "--dry-run", "--porcelain", "--no-verify", "--no-quiet", "--recurse-submodules=no")
"""The first word is lost to an option before it that lacks its value: `git push origin main -o`."""
_ANSWERS_NOTHING = {"SSH_ASKPASS": "false", "SSH_ASKPASS_REQUIRE": "force"}
"""For ssh, which opens the terminal by itself; a program that a person has had forced on it gives their answers."""
_MAX_BYTES = 16 * 1024 * 1024


def try_push(arguments: Sequence[str], *, asks: bool) -> tuple[int, str]:
    """Find out what would be pushed; nothing changes, and no hook is run.

    What git complains of, and what it or ssh asks, goes to the terminal.

    Args:
        arguments: what `git push` is told.
        asks: git may ask for a name and a password.

    Returns:
        Git's exit code as a shell has it, and what it prints as `--porcelain`.

    Raises:
        CannotStartError: git is missing.
        Interrupted: a signal other than ctrl-C was noted meanwhile.
    """
    # Behind the person's own, the last word of an option counts.
    cut = list(arguments).index("--") if "--" in arguments else len(arguments)
    words = ["-c", "advice.pushUpdateRejected=false", "push", *arguments[:cut], *_TRIAL, *arguments[cut:]]
    with tempfile.TemporaryFile() as printed:
        code = run_in_terminal(["git", *words], env=_environment(asks=asks), result=printed.fileno())
        printed.seek(0)
        return _as_in_a_shell(code), printed.read(_MAX_BYTES).decode("utf-8", "surrogateescape")


def push(arguments: Sequence[str], *, asks: bool) -> int:
    """Push; see `try_push`. All that git prints is left as it is.

    Returns:
        Git's exit code as a shell has it.
    """
    return _as_in_a_shell(run_in_terminal(["git", "push", *arguments], env=_environment(asks=asks)))


def _environment(*, asks: bool) -> Mapping[str, str]:
    found = {**git_free_environment(), OURS: "1"}
    if asks:
        return found
    return {**found, "GIT_TERMINAL_PROMPT": "0", **({} if "SSH_ASKPASS_REQUIRE" in found else _ANSWERS_NOTHING)}


def _as_in_a_shell(code: int) -> int:
    return 128 + signal.Signals(-code) if code < 0 else code
