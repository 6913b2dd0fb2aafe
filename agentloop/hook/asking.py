"""What the hook asks of git, in two or three calls that take milliseconds.

The door to git loads what takes longer than the whole hook may take. Git's own variables are left as they are: they
say which repository it is that is pushed. What the hook *starts* gets none of them.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_S = 20.0
_MAX_NEW = 200
"""So many commits are looked at, of a first push of a long history, too."""
_MAX_KNOWN = 50
_UNDER_WAY = ("rebase-merge", "rebase-apply", "BISECT_LOG")
_READ_BY_AGENTS = (".agents/skills", ".claude/skills")


class AskingError(Exception):
    """Git gives no answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """The repository that is pushed."""

    root: Path
    """The top of the working tree; of a bare repository its own folder."""
    git_dir: Path
    common_dir: Path

    @property
    def under_way(self) -> str:
        """A rebase or a bisection that has not come to its end; empty when there is none."""
        found = [name for name in _UNDER_WAY if (self.git_dir / name).exists()]
        return ("a bisection" if found[0] == "BISECT_LOG" else "a rebase") if found else ""


@dataclass(frozen=True, slots=True)
class Worked:
    """What was worked on in a pushed commit."""

    tree: str
    """Of the commit itself."""
    tree_before_skills: str
    """Of the newest commit that has more in it than skills, when nothing but skills came after it; else as `tree`."""


def place() -> Place:
    """The repository that git runs the hook in.

    Raises:
        AskingError: there is none.
    """
    words = ("--absolute-git-dir", "--git-common-dir", "--is-inside-work-tree")
    try:
        git_dir, common, is_inside, *root = _git("rev-parse", *words, "--show-toplevel")
    except AskingError:  # a bare repository has none
        git_dir, common, is_inside, *root = _git("rev-parse", *words)
    return Place(Path(root[0] if is_inside == "true" else git_dir), Path(git_dir), Path.cwd() / common)


def commit_of(name: str) -> str:
    """The commit that a name stands for.

    Raises:
        AskingError: there is none.
    """
    return _git("rev-parse", "--verify", "-q", "--end-of-options", f"{name}^{{commit}}")[0]


def worked_on(oid: str, base: str, remote: str, skills_dir: str) -> Worked | None:
    """Find out what a push brings of a commit; None when the remote has it all, or all that comes is skills.

    Args:
        oid: the pushed commit.
        base: what the remote has in its place; empty for nothing.
        remote: the name of the remote, or its address; empty when that is unknown.
        skills_dir: where the skills are, relative to the top of the tree.

    Raises:
        AskingError: the repository cannot be read.
    """
    beyond = _beyond(base, [f"--remotes={remote}"] if remote else [])
    rest = ["--", ":(top)", *(f":(top,exclude,literal){folder}" for folder in (skills_dir, *_READ_BY_AGENTS))]
    newest = _git("rev-list", "-n", "1", "--ignore-missing", "--format=%T", oid, *beyond, *rest)
    if newest == [""]:
        return None
    commit = newest[0].removeprefix("commit ")
    tree = newest[1] if commit == oid else _git("rev-parse", f"{oid}^{{tree}}")[0]
    same = commit != oid and _git("diff-tree", "-r", "--name-only", "--no-renames", newest[1], tree, *rest) == [""]
    return Worked(tree, newest[1] if same else tree)


def known_before(oid: str, base: str, remote: str) -> tuple[str, ...]:
    """The commits that the remote has and that the new ones follow; see `worked_on`.

    Raises:
        AskingError: the repository cannot be read.
    """
    remotes = [f"--remotes={remote}" if remote else "--remotes"]
    found = _git("rev-list", "-n", str(_MAX_NEW), "--ignore-missing", "--boundary", oid, *_beyond(base, remotes), "--")
    return tuple(line[1:] for line in found if line.startswith("-"))[:_MAX_KNOWN]


def _beyond(base: str, remotes: Sequence[str]) -> Sequence[str]:
    """What leaves out all that a remote has."""
    return ["--not", *([base] if base else []), *remotes]


def _git(*words: str) -> Sequence[str]:
    """The lines that git prints."""
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", *words],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AskingError(f"git {words[0]}: {error}") from error
    if done.returncode != 0:
        raise AskingError(f"git {words[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n")
