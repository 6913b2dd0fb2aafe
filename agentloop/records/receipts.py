"""Receipts: that a tree came to a verdict, so that an unchanged tree is not checked twice.

A receipt is keyed by the tree (untracked files included), what its ignored files look like from outside (times and
sizes: builds, installed packages), the predicate, the sandbox, and the programs that its commands are resolved to. What
looks outside of the tree (a URL, a model, a person, a clock, a metric) gets none, and neither does an error.
"""

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agentloop.events import Leaf, VerdictValue
from agentloop.guard.record import tool_digests
from agentloop.predicate import commands
from agentloop.predicate.language.nodes import Command, Node, Within, children
from agentloop.predicate.language.wording import render
from agentloop.repo import Repo
from agentloop.sandbox import Sandbox
from agentloop.text.quoting import writable

_MAX_RECEIPTS = 1000
_MAX_ENTRIES = 5000
_CACHES = frozenset(
    {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".cache", ".coverage", ".DS_Store"}
)


class Receipt(BaseModel):
    """What a tree came to."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    at: float
    """Unix time in seconds."""
    tree: str
    predicate: str
    run: str = ""
    """The run that checked it; empty for `agentloop check`."""
    verdict: VerdictValue
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class Receipts:
    """The receipts of a repository.

    Args:
        folder: where they lie, one file each.
    """

    folder: Path

    def recall(self, key: str, *, with_logs: bool) -> Receipt | None:
        """The receipt of that key.

        Args:
            key: made by `key_of`; empty finds nothing.
            with_logs: it is of use only together with the logs and reports that it names.
        """
        try:
            receipt = Receipt.model_validate_json((self.folder / f"{key}.json").read_bytes())
        except (OSError, ValidationError):
            return None
        return receipt if not with_logs or all(_is_there(leaf) for leaf in receipt.leaves) else None

    def remember(self, key: str, receipt: Receipt) -> None:
        """Keep a receipt, and forget the oldest when there are too many.

        Raises:
            OSError: the disk does not take it.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.folder / f".{key}.{os.getpid()}"
        unfinished.write_text(writable(receipt.model_dump_json()), encoding="utf-8")
        unfinished.replace(self.folder / f"{key}.json")
        kept = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in kept[_MAX_RECEIPTS:]:
            path.unlink(missing_ok=True)


def receipt_of(tree: str, node: Node, verdict: VerdictValue, leaves: Iterable[Leaf], run: str = "") -> Receipt:
    """A receipt of now."""
    return Receipt(at=time.time(), tree=tree, predicate=render(node), run=run, verdict=verdict, leaves=tuple(leaves))


def key_of(tree: str, node: Node, repo: Repo, env: Mapping[str, str], box: Sandbox) -> str:
    """What a receipt is kept under; empty for a predicate that gets none."""
    if not is_of_the_tree(node):
        return ""
    looks = [f"{path}={_looks_like(repo.root / path)}" for path in repo.ignored() if not _is_cache(path)]
    text = "\0".join([tree, render(node), box.key, *_programs(node, repo.root, env), *looks])
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]


def tools_of(node: Node, tree: Path, env: Mapping[str, str], box: Sandbox) -> str:
    """A digest of what a predicate is checked with: the programs of its commands, and the sandbox."""
    text = "\0".join([box.key, *_programs(node, tree, env)])
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]


def _programs(node: Node, tree: Path, env: Mapping[str, str]) -> list[str]:
    programs = [commands.tool(command, tree, env) for command in _commands(node)]
    return [f"{path}={digest}" for path, digest in tool_digests(programs).items()]


def is_of_the_tree(node: Node) -> bool:
    """Nothing in the predicate looks outside of the tree by its own words."""
    below = children(node)
    if not below:
        return isinstance(node, Command)
    return not isinstance(node, Within) and all(is_of_the_tree(child) for child in below)


def _commands(node: Node) -> list[Command]:
    if isinstance(node, Command):
        return [node]
    return [command for child in children(node) for command in _commands(child)]


def _is_cache(path: str) -> bool:
    """It is written by the check itself, and nothing depends on it."""
    name = path.rstrip("/").rpartition("/")[2]
    return name in _CACHES or name.endswith((".pyc", ".log"))


def _looks_like(path: Path) -> str:
    """How many entries there are, and the newest time of change; of a large folder, of its first entries."""
    count, newest_ns, folders = 0, 0, [path]
    while folders and count < _MAX_ENTRIES:
        entry = folders.pop()
        try:
            status = entry.lstat()
            count, newest_ns = count + 1, max(newest_ns, status.st_mtime_ns)
            if stat.S_ISDIR(status.st_mode):
                folders += sorted(child for child in entry.iterdir() if not _is_cache(child.name))
        except OSError:
            continue
    return f"{count}:{newest_ns}"


def _is_there(leaf: Leaf) -> bool:
    return all(Path(path).is_file() for path in (leaf.log, leaf.report or leaf.log))
