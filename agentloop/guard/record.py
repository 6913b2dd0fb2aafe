"""What a working tree holds of what counts, read from the disk and not from git: git can be told to look away."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from agentloop.guard.protected import Protection, what_counts
from agentloop.repo import Repo

INSTALLED = frozenset(
    {".venv", "venv", "env", "node_modules", "vendor", "third_party", "bower_components", "deps", "Pods"}
)
"""Ignored folders that hold what a project needs and did not make."""
LINKED = INSTALLED | {".tox", ".nox", "target", "build", "dist", ".gradle", ".m2", ".cargo", "_build"}
"""Ignored folders that a check may need: they are linked into a clean worktree, and not looked through."""
_CACHES = frozenset({".git", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".cache"})
_ENVIRONMENTS = (".venv", "venv", "env")
_SITE = ("*.pth", "sitecustomize.py", "usercustomize.py", "*.dist-info/entry_points.txt")
_MAX_DIGESTED = 500
_MAX_TEXT_BYTES = 1024 * 1024


class Record(BaseModel):
    """What a pass will be held against; kept in the run's folder, out of a sandboxed agent's reach."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    named: frozenset[str]
    """The files that the predicate's commands run."""
    freed: tuple[str, ...]
    """The files that the task is about."""
    skipped: tuple[str, ...]
    """Ignored folders that are not looked through, with a slash at the end."""
    files: dict[str, str]
    """The digest of what counts in each file that is protected or hooks into a runner, by path."""
    ignored: dict[str, str]
    """What git ignores: the digests of single files, of the first ones; folders end with a slash and have none."""
    environments: tuple[str, ...]
    """The tree's own Python environments, with a slash at the end; a new one hooks into nothing that was there."""
    site: dict[str, str]
    """The digests of what hooks into Python in the tree's own environments."""
    tools: dict[str, str]
    """The digests of the programs that the predicate's commands were resolved to."""

    def save(self, path: Path) -> None:
        """Write it.

        Raises:
            OSError: the disk does not take it.
        """
        path.write_text(self.model_dump_json(), encoding="utf-8", errors="surrogateescape")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read it back.

        Raises:
            OSError: it cannot be read.
            ValueError: it is no record.
        """
        return cls.model_validate_json(path.read_text(encoding="utf-8", errors="surrogateescape"))


def take(repo: Repo, protection: Protection, tools: dict[str, str]) -> Record:
    """Look at the tree as it is now."""
    ignored = repo.ignored()
    skipped = tuple(path for path in ignored if path.endswith("/") and _name(path) in LINKED)
    single = set([path for path in ignored if not path.endswith("/")][:_MAX_DIGESTED])
    return Record(
        named=protection.named,
        freed=tuple(path for path in _walk(repo.root, skipped) if protection.may_change(path)),
        skipped=skipped,
        files=look(repo.root, protection, skipped),
        ignored={path: digest(repo.root / path) if path in single else "" for path in ignored},
        environments=tuple(f"{name}/" for name in _ENVIRONMENTS if (repo.root / name / "lib").is_dir()),
        site=site_hooks(repo.root),
        tools=tools,
    )


def take_of(repo: Repo, commit: str, protection: Protection, tools: dict[str, str], folder: Path) -> Record:
    """Look at a commit; what no commit can hold is taken for as it was then.

    Args:
        repo: the repository.
        commit: the commit.
        protection: what is protected.
        tools: the digests of the programs.
        folder: for a worktree; outside of the tree.

    Raises:
        RepoError: the worktree cannot be made.
    """
    now = take(repo, protection, tools)
    with repo.clean_worktree(commit, folder):
        then = look(folder, protection, ())
        freed = tuple(path for path in _walk(folder, ()) if protection.may_change(path))
    folders = tuple(path for path in now.ignored if path.endswith("/"))
    unknown = {path: text for path, text in now.files.items() if path in now.ignored or path.startswith(folders)}
    return now.model_copy(update={"files": {**unknown, **then}, "freed": freed})


def look(root: Path, protection: Protection, skipped: tuple[str, ...]) -> dict[str, str]:
    """The digest of what counts in each file that is protected or hooks into a runner; empty where nothing counts."""
    wanted: Callable[[str], bool] = lambda path: protection.holds(path) or protection.refuses_new(path)  # noqa: E731
    return {path: counting_digest(root, path) for path in _walk(root, skipped) if wanted(path)}


def counting_digest(root: Path, path: str) -> str:
    """The digest of what counts in a file: of some configurations a part, of others the whole, of a link its target."""
    file = root / path
    if file.is_symlink() or not file.is_file() or file.stat().st_size > _MAX_TEXT_BYTES:
        return digest(file)
    content = file.read_bytes()
    counting = what_counts(path, content.decode("utf-8", errors="replace"))
    if isinstance(counting, dict):
        said = {key: value for key, value in counting.items() if value}
        content = repr(sorted(said.items())).encode("utf-8", "replace") if said else b""
        return hashlib.sha256(content).hexdigest()[:24] if content else ""
    return hashlib.sha256(content).hexdigest()[:24]


def digest(path: Path) -> str:
    """What stands at a path: the digest of a file, the target of a link, or what kind of thing it is."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return f"link to {path.readlink()}"
        if not stat.S_ISREG(status.st_mode):
            return f"kind {stat.S_IFMT(status.st_mode):o}"
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:24]
    except OSError:
        return "unreadable"


def tool_digests(tools: Iterable[str]) -> dict[str, str]:
    """The digests of programs, links followed."""
    return {tool: digest(Path(tool).resolve()) for tool in sorted(set(tools)) if tool}


def site_hooks(root: Path) -> dict[str, str]:
    """The digests of what hooks into Python in the tree's own environments, by path."""
    sites = [site for name in _ENVIRONMENTS for site in (root / name).glob("lib/python*/site-packages")]
    found = [path for site in sites for pattern in _SITE for path in site.glob(pattern)]
    return {path.relative_to(root).as_posix(): digest(path) for path in sorted(found)}


def was_installed(root: Path, path: str) -> bool:
    """A file of an environment belongs to a package that was installed there."""
    file = root / path
    if file.parent.name.endswith(".dist-info"):
        return (file.parent / "RECORD").is_file()
    line = f"{file.name},"
    for record in file.parent.glob("*.dist-info/RECORD"):
        text = record.read_text(encoding="utf-8", errors="replace")
        if text.startswith(line) or f"\n{line}" in text:
            return True
    return False


def paths_into(root: Path) -> list[Path]:
    """The folders of the tree that one of its environments has on Python's path, as an editable install does."""
    hooks = [hook for name in _ENVIRONMENTS for hook in (root / name).glob("lib/python*/site-packages/*.pth")]
    lines = [line for hook in hooks for line in hook.read_text(encoding="utf-8", errors="replace").splitlines()]
    return [Path(line.strip()) for line in lines if line.startswith(str(root))]


def _walk(root: Path, skipped: tuple[str, ...]) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        here = os.path.relpath(folder, root).replace(os.sep, "/")
        prefix = "" if here == "." else f"{here}/"
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = sorted(
            name for name in folders if name not in _CACHES and name not in links and f"{prefix}{name}/" not in skipped
        )
        for name in sorted([*files, *links]):
            yield prefix + name


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
