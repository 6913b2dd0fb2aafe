"""What a check may write to, and an agent under bubblewrap: the tree, temporary folders, and the caches of build tools.

Reading is free, and so is the network. The caches are those of the builds outside, so that a check can leave something
for them: a cache of its own would make every check a first build, without a network an impossible one. What no tool
fills by itself is closed: its settings, its hooks, and what is on PATH.
"""

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from agentloop.config import expanded, state_folder
from agentloop.errors import CannotStartError, UsageError
from agentloop.job import SandboxKind
from agentloop.process import Bubblewrap, Landlock, Walls, landlock, run_program

_TEMPORARY = ("$TMPDIR", "$TEMP", "$TMP", "/tmp", "/var/tmp", "/dev/shm")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts")
_OWN_PROCESSES = "/proc"
"""For whoever is not root, in whose reach all of the system's settings are there."""
_GRADLE = ("caches", "daemon", "native", "notifications", "workers", "wrapper/dists", ".tmp")
_CARGO = ("registry", "git", ".package-cache", ".package-cache-mutate", ".global-cache")
_CACHES = (
    "$XDG_CACHE_HOME", "~/.cache", "$PYTHONPYCACHEPREFIX", "$PIP_CACHE_DIR", "$UV_CACHE_DIR", "$PRE_COMMIT_HOME",
    "~/.local/share/virtualenv", "~/.local/share/hatch",
    "$npm_config_cache", "~/.npm/_cacache", "~/.npm/_logs", "~/.local/share/pnpm/store", "~/.yarn/berry",
    "~/.bun/install/cache", "$DENO_DIR",
    "$GOCACHE", "$GOMODCACHE", "$GOPATH/pkg", "~/go/pkg",
    *(f"{home}/{part}" for home in ("$CARGO_HOME", "~/.cargo") for part in _CARGO),
    "$CARGO_TARGET_DIR", "$SCCACHE_DIR", "$CCACHE_DIR",
    *(f"{home}/{part}" for home in ("$GRADLE_USER_HOME", "~/.gradle") for part in _GRADLE),
    "~/.m2/repository", "~/.ivy2/cache", "~/.sbt/boot", "~/.konan/cache", "$NUGET_PACKAGES", "~/.nuget/packages",
    "~/.local/share/NuGet", "~/.gem/specs", "~/.bundle/cache", "~/.composer/cache", "~/.hex/packages",
    "~/.pub-cache/hosted", "~/.stack/pantry", "~/.cabal/packages", "~/.julia/compiled", "~/.julia/logs",
)  # fmt: skip
"""What build tools fill by themselves; those that there are."""
_DENIED = re.compile(r"Permission denied|EACCES|Read-only file system|EROFS|cross-device link|EXDEV", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w.])/[^\s'\"`:,;()\[\]<>|]+")
_MAX_LINES = 200
_INSTALL = (
    "install it (apt install bubblewrap, dnf install bubblewrap, pacman -S bubblewrap), or take --sandbox landlock"
)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The sandbox that is in force.

    Args:
        kind: what it is made of.
        extra: further files and folders that may be written to, as a person wrote them.
        temporary: the folders for what nobody keeps.
    """

    kind: SandboxKind
    extra: tuple[str, ...] = ()
    temporary: tuple[str, ...] = _TEMPORARY

    @property
    def key(self) -> str:
        """What a verdict is another's under."""
        return "\0".join([self.kind, *self.extra])

    def around_check(
        self, places: "Places", tree: Path, folders: Iterable[Path], env: Mapping[str, str]
    ) -> Walls | None:
        """The walls for the commands of a check.

        Args:
            places: where the work is done.
            tree: what is checked: the working tree, or a copy of it that may be linked to it.
            folders: further folders of ours.
            env: the check's environment.
        """
        return self._walls(places, [places.tree, tree], folders, env)

    def around_agent(self, places: "Places", own: Iterable[Path], env: Mapping[str, str]) -> Walls | None:
        """The walls for an agent; only bubblewrap is put around it.

        Args:
            places: where the work is done.
            own: the files and folders that the agent keeps for itself, its sessions among them.
            env: its environment.
        """
        return self._walls(places, [places.tree], [*own, *_sessions()], env) if self.kind == "bwrap" else None

    def _walls(
        self, places: "Places", trees: list[Path], folders: Iterable[Path], env: Mapping[str, str]
    ) -> Walls | None:
        if self.kind == "none":
            return None
        known = [path for path in (expanded(text, env) for text in (*self.temporary, *_CACHES, *self.extra)) if path]
        gits = [_git_of(tree, places.git) for tree in trees] if places.git else []
        writable = [*trees, *folders, *(places.tree / path for path in known)]
        writable += [part for git in gits for part in git.parts]
        if self.kind == "bwrap":
            return _bubblewrapped(_outermost(writable), gits, places.git)
        devices = [Path(path) for path in _DEVICES]
        return Landlock(_outermost([*writable, *devices, *([Path(_OWN_PROCESSES)] if os.getuid() else [])]))


@dataclass(frozen=True, slots=True)
class Places:
    """Where the work is done.

    Args:
        tree: the top of the working tree, or a folder outside of any.
        git: git's common folder, as it was before anything ran; None outside of a repository.
    """

    tree: Path
    git: Path | None


def chosen(asked: SandboxKind | Literal[""], extra: Iterable[str] = ()) -> Sandbox:
    """The sandbox that was asked for; without a word Landlock, where the kernel has enough of it.

    Raises:
        UsageError: this machine does not have it.
    """
    if asked == "landlock" and not landlock.version():
        raise UsageError(
            "the kernel has no Landlock, or it is switched off", hint="leave out --sandbox landlock, or say none"
        )
    if asked == "bwrap":
        _bubblewrap()
    default: SandboxKind = "landlock" if landlock.version() >= landlock.MIN_VERSION else "none"
    if (asked or default) == "landlock":
        _make_cache()
    return Sandbox(asked or default, tuple(extra))


def denied(output: str, walls: Walls | None) -> str:
    """A path outside of the walls that an output seems to complain of, and we could write to; empty for none.

    Args:
        output: what a program printed.
        walls: what it was kept within.
    """
    if walls is None:
        return ""
    open_to = [*walls.writable, *(folder.resolve() for folder in walls.writable)]
    lines = [line for line in output.splitlines() if _DENIED.search(line)][:_MAX_LINES]
    for path in (Path(found.rstrip(".")) for line in lines for found in _PATH.findall(line)):
        if not _is_within(path, open_to) and _could_be_written(path):
            return str(path)
    return ""


def _could_be_written(path: Path) -> bool:
    """Without the walls it could be, so that they are what was in the way."""
    try:
        there = next(place for place in (path, *path.parents) if place.exists())
    except OSError:
        return False
    return os.access(there, os.W_OK)


def _outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those that are there and do not lie within another.

    One within another could have been made a link by an earlier check, to wherever that one wanted to write.
    """
    found: list[Path] = []
    real: list[Path] = []
    for path in sorted(set(map(_plain, paths)), key=lambda path: (len(path.parts), path)):
        with suppress(OSError, RuntimeError):
            if path.exists() and not _is_within(path, [*found, *real]):
                found.append(path)
                real.append(path.resolve())
    return tuple(found)


def _plain(path: Path) -> Path:
    """Without `..`, and with no link followed."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() follows links


def _is_within(path: Path, folders: Iterable[Path]) -> bool:
    real = path.parent.resolve() / path.name
    return any(real.is_relative_to(folder) for folder in folders)


@dataclass(frozen=True, slots=True)
class _Git:
    """What git keeps of a tree.

    Args:
        parts: what git writes to in daily work, where it lies elsewhere.
        kept: what has programs started: settings and hooks.
    """

    parts: tuple[Path, ...]
    kept: tuple[Path, ...]


def _bubblewrapped(writable: tuple[Path, ...], gits: list[_Git], common: Path | None) -> Bubblewrap:
    """The walls of bubblewrap, with git's settings and hooks closed.

    What has a mount of its own can be neither moved nor removed, to have another one with other settings in its place.
    """
    if common and _is_within(common, writable):
        writable = (*writable, common)
        with suppress(OSError):
            (common / "hooks").mkdir(exist_ok=True)
    return Bubblewrap(_bubblewrap(), writable, tuple(path for git in gits for path in git.kept))


def _git_of(tree: Path, common: Path) -> _Git:
    """What git keeps of a tree: within it, or elsewhere for a linked worktree and a submodule.

    A worktree says itself where that is, and is believed only when it lies where git makes it.
    """
    link = tree / ".git"
    parts = [common / name for name in ("objects", "refs", "logs")]
    kept = [common / "config", common / "hooks"]
    with suppress(OSError, ValueError):
        own = (tree / link.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
        kept.append(link)
        if own.parent == common / "worktrees":
            parts.append(own)
            kept += [own / "commondir", own / "config.worktree"]
    return _Git(tuple(parts), tuple(kept))


def _sessions() -> list[Path]:
    """Where our own agents, and we for others, keep sessions."""
    folders = [state_folder() / name for name in ("sessions", "builtin", "offline")]
    for folder in folders:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folders


def _make_cache() -> None:
    """The one folder that is made: build tools on a new machine would make it, and could not."""
    with suppress(OSError, RuntimeError):
        Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().mkdir(mode=0o700, parents=True, exist_ok=True)


@cache
def _bubblewrap() -> str:
    """The path of bubblewrap, which was tried.

    Raises:
        UsageError: it is not there, or it does not work here.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise UsageError("--sandbox bwrap: bubblewrap is not installed", hint=_INSTALL)
    said = bytearray()
    try:
        tried = run_program(
            ["true"], cwd=Path("/"), env=os.environ, timeout_s=30, on_stdout=said.extend, walls=Bubblewrap(program, ())
        )
    except CannotStartError as error:
        raise UsageError(f"--sandbox bwrap: {error.message}", hint=_INSTALL) from error
    if tried.code != 0:
        words = " ".join(said.decode(errors="replace").split())[:300]
        raise UsageError(
            f"--sandbox bwrap: bubblewrap does not work here: {words}",
            hint="does the system let ordinary users make namespaces? --sandbox landlock needs none",
        )
    return program
