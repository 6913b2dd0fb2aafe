"""Receipts of commits: what the tree of a commit came to, checked in a clean worktree before it was pushed.

Read by the pre-push hook, which has to be there at once: nothing but the standard library is imported.
"""

import json
import os
import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

_MAX_RECEIPTS = 1000
_FOLDER = "commit-receipts"
_VERDICTS = ("pass", "fail", "error")
_TREE = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


@dataclass(frozen=True, slots=True)
class CommitReceipt:
    """What the tree of a commit came to."""

    tree: str
    """The tree's id."""
    predicate: str
    verdict: str
    """`pass`, `fail` or `error`."""
    at: float
    """Unix time in seconds."""
    seconds: float
    """How long the check took."""
    tools: str
    """A digest of the programs that it was checked with."""
    log: str
    """The folder with the whole outputs."""


def folder_of(common_dir: Path) -> Path:
    """The state folder of a repository, named after it and its git common directory's path.

    Args:
        common_dir: git's directory, that all working trees share.
    """
    real = common_dir.resolve()
    name = real.parent.name if real.name == ".git" else real.name
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:40] or "repository"
    told = os.environ.get("XDG_STATE_HOME", "")
    home = Path(told if told.strip() else "~/.local/state").expanduser()
    return home / "agentloop" / f"{readable}-{sha256(os.fsencode(real)).hexdigest()[:10]}"


def write(folder: Path, receipt: CommitReceipt) -> None:
    """Keep a receipt, in place of an older one of that tree and predicate; the oldest go when there are too many.

    Args:
        folder: the state folder of the repository.
        receipt: the receipt.

    Raises:
        OSError: the disk does not take it.
        ValueError: the tree is no object's id.
    """
    if not _TREE.match(receipt.tree):
        raise ValueError(f"{receipt.tree!r} is no id of a tree")
    place = folder / _FOLDER
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{receipt.tree}-{sha256(receipt.predicate.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}.json"
    unfinished = place / f".{name}.{os.getpid()}"
    unfinished.write_text(json.dumps(asdict(receipt)), encoding="utf-8")
    unfinished.replace(place / name)
    _forget_oldest(place)


def read(folder: Path, tree: str, predicate: str | None = None) -> CommitReceipt | None:
    """The newest receipt of a tree; None when there is none that can be read.

    Args:
        folder: the state folder of the repository.
        tree: the tree's id.
        predicate: what was checked; None: whatever it was.
    """
    if not _TREE.match(tree):
        return None
    place = folder / _FOLDER
    try:
        names = [name for name in os.listdir(place) if name.startswith(f"{tree}-") and name.endswith(".json")]
    except OSError:
        return None
    found = [receipt for receipt in (_read(place / name) for name in names) if receipt and receipt.tree == tree]
    meant = [receipt for receipt in found if predicate in (None, receipt.predicate)]
    return max(meant, key=lambda receipt: receipt.at, default=None)


def _read(path: Path) -> CommitReceipt | None:
    try:
        content: Any = json.loads(path.read_bytes())
        receipt = CommitReceipt(**content)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts = (receipt.tree, receipt.predicate, receipt.verdict, receipt.tools, receipt.log)
    numbers = (receipt.at, receipt.seconds)
    sound = all(isinstance(text, str) for text in texts) and all(isinstance(one, int | float) for one in numbers)
    return receipt if sound and receipt.verdict in _VERDICTS else None


def _forget_oldest(place: Path) -> None:
    with os.scandir(place) as entries:
        kept = [entry for entry in entries if entry.name.endswith(".json")]
    for entry in sorted(kept, key=_age_ns)[: max(0, len(kept) - _MAX_RECEIPTS)]:
        Path(entry.path).unlink(missing_ok=True)


def _age_ns(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_mtime_ns
    except FileNotFoundError:  # another process removed it
        return 0
