"""Snapshots: the whole tree recorded under `refs/agentloop/<run>/<n>`, with an index of our own.

The index is a cache: it is kept between the snapshots of a run for its speed, and made anew when it is of no use.
"""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from agentloop.errors import RepoError
from agentloop.events.standing import Standing
from agentloop.repo import standing
from agentloop.repo.runner import NO_HOOKS, Git, GitFailedError

_SECRET_FILES = """
# Files that look like secrets stay out of agentloop's snapshots, unless git tracks them.
.env
.env.*
!.env.example
!.env.sample
!.env.template
*.pem
*.key
*.p12
*.pfx
*.jks
*.keystore
id_rsa
id_dsa
id_ecdsa
id_ed25519
.netrc
.pypirc
.git-credentials
"""
_ADD_SPARSE_SINCE = (2, 34)
_SETTINGS = (
    *NO_HOOKS,
    # A change is seen by the files themselves: an agent can write the repository's settings, too.
    "-c", "core.ignoreStat=false", "-c", "core.trustctime=true", "-c", "core.checkStat=default",
    "-c", "core.fsmonitor=false",
    "-c", "core.splitIndex=false",  # no half of ours beside the person's
    "-c", "core.safecrlf=false",
)  # fmt: skip
_NOBODY = {
    "GIT_AUTHOR_NAME": "agentloop",
    "GIT_AUTHOR_EMAIL": "agentloop@localhost",
    "GIT_COMMITTER_NAME": "agentloop",
    "GIT_COMMITTER_EMAIL": "agentloop@localhost",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A recorded tree: a commit under `refs/agentloop/`, the id of its tree, and how the repository stood."""

    commit: str
    tree: str
    standing: Standing | None = None


def take(git: Git, run: str, n: int | str, index: Path, start: str) -> Snapshot:
    """Record the working tree; see `Repo.snapshot`."""
    try:
        tree = tree_of(git, index)
        now = standing.read(git, index.with_name(f"{index.name}.person"))
        parents = [commit for commit in (now.head, *standing.keep(git, now, _NOBODY)) if commit]
        words = [word for parent in parents for word in ("-p", parent)]
        commit = git.ask(
            "commit-tree", tree, *words, "-m", f"agentloop {run}: snapshot {n}", "--no-gpg-sign", env=_NOBODY
        )
        _refer(git, run, {0: start, n: commit} if start else {n: commit})
    except GitFailedError as error:
        raise RepoError(
            f"the tree cannot be recorded: {error.words}", hint="mend what git names, then: agentloop resume"
        ) from error
    return Snapshot(commit, tree, now)


def keep(git: Git, run: str, n: int, commit: str) -> Snapshot:
    """Record a commit; see `Repo.snapshot_of`."""
    tree = git.ask("rev-parse", "-q", "--verify", f"{commit}^{{tree}}")
    _refer(git, run, {n: commit})
    return Snapshot(commit, tree)


def _refer(git: Git, run: str, commits: Mapping[int | str, str]) -> None:
    """Let references lead to snapshots; all of them, or none."""
    updates = "".join(f"update refs/agentloop/{run}/{n} {commit}\n" for n, commit in commits.items())
    git.ask(*NO_HOOKS, "update-ref", "--stdin", stdin=updates.encode())


def present(git: Git, index: Path) -> str:
    """The working tree's id, its content kept in the repository as that of a snapshot is."""
    try:
        return tree_of(git, index)
    except GitFailedError as error:
        raise RepoError(f"the tree cannot be read: {error.words}", hint="see the file that git names") from error


def fingerprint(git: Git, folder: Path, objects: Path) -> str:
    """The working tree's id, with nothing written into the repository; see `Repo.fingerprint`."""
    own = folder / "objects"
    own.mkdir(parents=True, exist_ok=True)
    env = {"GIT_OBJECT_DIRECTORY": str(own), "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects)}
    try:
        return tree_of(git, folder / "index", env)
    except GitFailedError as error:
        raise RepoError(f"the tree cannot be read: {error.words}", hint="see the file that git names") from error


def drop(git: Git, run: str) -> None:
    """Forget a run's snapshots."""
    refs = git.ask("for-each-ref", "--format=delete %(refname)", f"refs/agentloop/{run}/")
    if refs:
        git.ask(*NO_HOOKS, "update-ref", "--stdin", stdin=f"{refs}\n".encode())


def tree_of(git: Git, index: Path, env: Mapping[str, str] = MappingProxyType({})) -> str:
    """The working tree's id, as a snapshot has it; once more with a new index when the kept one does not serve."""
    if index.exists():
        with suppress(GitFailedError):
            return _add_all(git, index, env)
        index.unlink(missing_ok=True)
    _seed(git, index)
    return _add_all(git, index, env)


def _seed(git: Git, index: Path) -> None:
    """Begin with what the person's index knows, so that unchanged files are not read."""
    index.parent.mkdir(parents=True, exist_ok=True)
    excludes = git.find("config", "--path", "--get", "core.excludesFile")
    theirs = Path(excludes) if excludes else _default_excludes()
    # The repository's own are repeated: an agent can change them, and what they ignore is not new then.
    known = [_content(theirs), _content(git.path("info/exclude")), _SECRET_FILES.encode()]
    _excludes(index).write_bytes(b"\n".join(known))
    with suppress(FileNotFoundError):
        unfinished = index.with_name(f"{index.name}.new")
        shutil.copy2(git.git_dir / "index", unfinished)  # by its time git tells what may have changed since
        _look_at_all(git, unfinished)
        unfinished.replace(index)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes() if file.is_file() else b""
    except OSError:
        return b""


def _look_at_all(git: Git, index: Path) -> None:
    """Take the bits from an index by which a person has git overlook their changes to files that are there."""
    env = {"GIT_INDEX_FILE": str(index)}
    with suppress(GitFailedError):  # a damaged index is dealt with later
        tags = [line.partition(" ") for line in git.ask("ls-files", "-v", "-z", env=env).split("\0") if line]
        for option, hidden in (
            ("--no-assume-unchanged", [path for tag, _, path in tags if tag.islower()]),
            ("--no-skip-worktree", [path for tag, _, path in tags if tag.upper() == "S" and _is_there(git, path)]),
        ):
            if hidden:
                listed = b"".join(os.fsencode(path) + b"\0" for path in hidden)
                git.ask(*NO_HOOKS, "update-index", "-z", option, "--stdin", stdin=listed, env=env)


def _is_there(git: Git, path: str) -> bool:
    return os.path.lexists(git.folder / path)


def _add_all(git: Git, index: Path, extra: Mapping[str, str]) -> str:
    # Whoever held it is dead: a worktree has one run at a time.
    index.with_name(f"{index.name}.lock").unlink(missing_ok=True)
    env = {"GIT_INDEX_FILE": str(index), **extra}
    settings = (*_SETTINGS, *excluding(index))
    # What an agent writes outside of a sparse checkout is its work too.
    sparse = ["--sparse"] if git.version >= _ADD_SPARSE_SINCE else []
    # A file that cannot be read, or a repository without a commit in a folder, is left out: exit code 1.
    words = (*settings, "add", "-A", *sparse, "--ignore-errors", "--", ".")
    git.ask(*words, env=env, fine=(0, 1), ends_with_us=True)
    return git.ask(*settings, "write-tree", env=env)


def excluding(index: Path) -> tuple[str, ...]:
    """What git is told so that it leaves out what the snapshots of an index leave out, `.gitignore` files aside."""
    return "-c", f"core.excludesFile={_excludes(index)}"


def _excludes(index: Path) -> Path:
    return index.with_name(f"{index.name}.excludes")


def _default_excludes() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "git/ignore"


def runs(git: Git) -> list[str]:
    """The ids of the runs that have snapshots."""
    names = git.ask("for-each-ref", "--format=%(refname:lstrip=2)", "refs/agentloop/").splitlines()
    return sorted({name.partition("/")[0] for name in names})


def line_changes(git: Git, old: str, new: str) -> dict[str, tuple[int, int]]:
    """The files that differ, and the lines that came and went; see `Repo.line_changes`."""
    if old == new:
        return {}
    said = git.ask("diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv", old, new)
    rows = [row.split("\t", 2) for row in said.split("\0") if row]
    return {path: (_lines(came), _lines(went)) for came, went, path in rows}


def _lines(number: str) -> int:
    return 0 if number == "-" else int(number)
