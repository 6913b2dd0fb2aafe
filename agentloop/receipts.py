"""Receipts: that a tree came to a verdict, so that an unchanged tree is not checked twice.

A receipt is keyed by the tree (untracked files included, ignored ones not), the predicate, and the tools: the programs
that its commands are resolved to, and the environments of packages in the tree. What looks outside of the tree (a URL,
a model, a person, a clock, a metric) gets none, and neither does an error.
"""

import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from agentloop.events import Leaf, VerdictValue
from agentloop.guard.watch import tools
from agentloop.predicate import commands
from agentloop.predicate.language.nodes import Command, Node, Within, children
from agentloop.predicate.language.wording import render
from agentloop.quoting import writable

_MAX_RECEIPTS = 1000
_ENVIRONMENTS = (".venv", "venv", "env")


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


def key_of(tree: str, node: Node, root: Path, env: Mapping[str, str]) -> str:
    """What a receipt is kept under; empty for a predicate that gets none."""
    if not _is_of_the_tree(node):
        return ""
    programs = [commands.tool(command, root, env) for command in _commands(node)]
    parts = [tree, render(node), *(f"{path}={digest}" for path, digest in tools(programs).items()), *_packages(root)]
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()[:32]


def _is_of_the_tree(node: Node) -> bool:
    below = children(node)
    if not below:
        return isinstance(node, Command)
    return not isinstance(node, Within) and all(_is_of_the_tree(child) for child in below)


def _commands(node: Node) -> list[Command]:
    if isinstance(node, Command):
        return [node]
    return [command for child in children(node) for command in _commands(child)]


def _packages(root: Path) -> list[str]:
    """What is installed in the tree's own environments, as far as their folders' times tell."""
    folders = [path for name in _ENVIRONMENTS for path in (root / name).glob("lib/python*/site-packages")]
    folders += [root / "node_modules", root / "node_modules/.package-lock.json"]
    return [f"{path.relative_to(root)}={path.stat().st_mtime_ns}" for path in folders if path.exists()]


def _is_there(leaf: Leaf) -> bool:
    return all(Path(path).is_file() for path in (leaf.log, leaf.report or leaf.log))
