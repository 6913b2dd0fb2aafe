"""A small repository in which a run is killed and resumed, and what the run has come to in the end."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from agentloop.records import journal
from agentloop.records.folders import RunFolder
from agentloop.state import RunState
from agentloop.state.fold import fold

from .scripted_steady_agent import CHECK

HERE = Path(__file__).parent
ADAPTER = """
name = "steady"
programs = ["{python}"]
start = ["{program}", "-S", "%(agent)s", "%(sessions)s"]
resume = ["{program}", "-S", "%(agent)s", "%(sessions)s", "--resume", "{session}"]
session = "reported"

[stream]
format = "jsonl"

[stream.paths]
session = "type=='session' && id"
text = "type=='done' && text"
tools = "type=='tool' && [{name: name, call: call, command: command}]"
results = "type=='result' && [{call: call, failed: failed}]"
cost_usd = "type=='done' && cost"
finished = "type=='done'"
error = "type=='error' && message"

[[errors]]
kind = "session_lost"
pattern = "no session"
"""
RUN = ("run", "--until", "sh check.sh passes", "--agent", "steady", "Make the count 3")
RESUME = ("resume", "--no-input")
# What differs from run to run, or between one that was resumed and one that was not: names, times, the turns cut off.
_OWN_NAMES = """
    run base at seq last_at elapsed_s duration_s remembered_from commit log report record prompt path session
    session_cwd turn turns_started n counters calls killed interrupted
"""
_OWN = frozenset(_OWN_NAMES.split())


class Forge:
    """Runs agentloop, to its death where that is wanted; see dying.py."""

    def __init__(self) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "dying.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def start(
        self, world: "World", argv: tuple[str, ...], moment: str = "never", git_timeout_s: float = 600, **env: str
    ) -> int:
        """Start it; returns the process's id."""
        assert self._process.stdin
        order = {
            "argv": argv, "cwd": str(world.repo), "env": {**os.environ, **world.env, **env},
            "out": str(world.out), "moment": moment, "git_timeout_s": git_timeout_s,
        }  # fmt: skip
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def wait(self) -> int:
        """The exit code of what was started last; negative for a signal."""
        return self._answer()

    def run(
        self, world: "World", argv: tuple[str, ...], moment: str = "never", git_timeout_s: float = 600, **env: str
    ) -> int:
        self.start(world, argv, moment, git_timeout_s, **env)
        return self.wait()

    def _answer(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())


def _has_begun(folder: RunFolder) -> bool:
    return folder.journal.is_file() and b"\n" in folder.journal.read_bytes()


@contextmanager
def forge() -> Iterator[Forge]:
    made = Forge()
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True)
class World:
    """A repository, a home and a state folder of their own, in one folder."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> "World":
        """A count that is to be 3; the person has something staged, something unstaged and something stashed."""
        world = cls(root)
        world.repo.mkdir(parents=True)
        for folder in ("home", "state", "tmp"):
            (root / folder).mkdir()
        (world.repo / "count").write_text("0\n")
        (world.repo / "check.sh").write_text(CHECK)
        (world.repo / "theirs").write_text("committed\n")
        (root / "home/.gitconfig").write_text(
            "[user]\n\tname = T\n\temail = t@example.invalid\n[core]\n\tfsync = none\n"
        )
        world.git("init", "-q", "-b", "main")
        world.git("add", ".")
        world.git("commit", "-qm", "Begin")
        (world.repo / "theirs").write_text("stashed\n")
        world.git("stash", "-q")
        (world.repo / "theirs").write_text("staged\n")
        world.git("add", "theirs")
        (world.repo / "theirs").write_text("unstaged\n")
        return world

    def copy(self, root: Path) -> "World":
        """The same elsewhere."""
        shutil.copytree(self.root, root, symlinks=True)
        adapters = root / "home/.config/agentloop/agents"
        adapters.mkdir(parents=True, exist_ok=True)
        told = {"agent": HERE / "scripted_steady_agent.py", "sessions": root / "sessions"}
        (adapters / "steady.toml").write_text(ADAPTER % told)
        return World(root)

    @property
    def repo(self) -> Path:
        return self.root / "repo"

    @property
    def out(self) -> Path:
        """What agentloop printed last."""
        return self.root / "out"

    @property
    def env(self) -> Mapping[str, str]:
        home = self.root / "home"
        return MappingProxyType(
            {
                "HOME": str(home),
                "XDG_STATE_HOME": str(self.root / "state"),
                "XDG_CONFIG_HOME": str(home / ".config"),
                "XDG_CACHE_HOME": str(home / ".cache"),
                "TMPDIR": str(self.root / "tmp"),
                "GIT_CONFIG_NOSYSTEM": "1",
            }
        )

    def git(self, *words: str) -> str:
        env = {**os.environ, **self.env}
        return subprocess.run(
            ["git", *words], cwd=self.repo, env=env, check=True, capture_output=True, text=True
        ).stdout

    @property
    def folders(self) -> list[RunFolder]:
        """The folders of its runs, also of one that never began."""
        found = sorted((self.root / "state/agentloop").glob("*/20*-*"))
        return [RunFolder(path) for path in found]

    @property
    def folder(self) -> RunFolder:
        """The folder of its newest run; one that never began is passed over, where there is another."""
        return next((folder for folder in reversed(self.folders) if _has_begun(folder)), self.folders[-1])

    @property
    def has_begun(self) -> bool:
        """There is a run that can be resumed."""
        return any(map(_has_begun, self.folders))

    @property
    def state(self) -> RunState:
        return fold(journal.read(self.folder.journal))

    @property
    def end(self) -> dict[str, Any]:
        """All that a run leaves behind, without what is different in each."""
        said = {
            "files": _files(self.repo),
            "commits": [self._commit(name) for name in self.git("rev-list", "HEAD").split()],
            "index": [self.git("diff", "--cached"), self.git("ls-files"), self.git("ls-files", "-m")],
            "stash": self.git("stash", "list", "--format=%s%T"),
            "status": self.git("status", "--porcelain"),
            "fold": _without_own(dataclasses.asdict(_without_cut_turns(self.state))),
        }
        text = json.dumps(said, default=str, indent=1, sort_keys=True)
        return dict(json.loads(text.replace(self.state.run, "RUN").replace(str(self.root), "ROOT")))

    def _commit(self, name: str) -> list[str]:
        """Its message and its change; the ids of the contents differ, since a skill names its run."""
        lines = self.git("show", "--format=%B", "--no-renames", name).splitlines()
        return [line for line in lines if not line.startswith("index ")]


def _files(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): str(path.readlink()) if path.is_symlink() else path.read_text()
        for path in sorted(root.rglob("*"))
        if ".git" not in path.relative_to(root).parts and (path.is_symlink() or path.is_file())
    }


def _without_cut_turns(state: RunState) -> RunState:
    """Without the snapshots that follow turns which were cut off."""
    ended = {0, *(turn.turn for turn in state.turns)}
    return dataclasses.replace(state, snapshots=tuple(shot for shot in state.snapshots if shot.n in ended))


def _without_own(value: Any) -> Any:
    match value:
        case BaseModel():
            return _without_own(value.model_dump())
        case dict():
            return {key: _without_own(each) for key, each in value.items() if key not in _OWN}
        case list() | tuple():
            return [_without_own(each) for each in value]
        case _:
            return value


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two ends differ, a line each."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [line for key in keys for line in differences(one.get(key), other.get(key), f"{at}/{key}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for number, pair in pairs for line in differences(*pair, f"{at}/{number}")]
    return [] if one == other else [f"{at}: {one!r} is not {other!r}"]
