"""A difference shown to a person by git itself: with its pager and colours on a terminal, plain elsewhere."""

import signal
from collections.abc import Sequence
from pathlib import Path

from agentloop.process import git_free_environment
from agentloop.process.foreground import run_in_terminal


def show_difference(root: Path, old: str, new: str, options: Sequence[str]) -> int:
    """Show what differs between two commits.

    No program that the repository's configuration names is run for it but the pager.

    Args:
        root: the top of the working tree.
        old: a commit.
        new: another.
        options: what `git diff` is told besides, such as `--stat`.

    Returns:
        Git's exit code; 0 when the reader had seen enough.

    Raises:
        CannotStartError: git is missing.
        Interrupted: a signal other than ctrl-C was noted meanwhile.
    """
    words = ["git", "-C", str(root), "diff", "--no-ext-diff", "--no-textconv", *options, old, new, "--"]
    code = run_in_terminal(words, env=git_free_environment())
    return 0 if code in (-signal.SIGPIPE, 128 + signal.SIGPIPE) else code
