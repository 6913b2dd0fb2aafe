"""The predicate as receipts have it, remembered: the grammar takes longer to load than the hook may take."""

import json
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from agentloop import __version__

_FILE = "hook-predicate.json"


def rendered(until: Sequence[str], checks: Mapping[str, str], metrics: Sequence[str], folder: Path) -> str:
    """Read a predicate and write it as receipts have it.

    Args:
        until: what was configured, all of it has to hold.
        checks: the configured predicates by name.
        metrics: the names of the configured metrics.
        folder: the state folder of the repository, where the last answer is kept.

    Raises:
        PredicateError: it cannot be read.
    """
    asked = json.dumps([__version__, list(until), dict(checks), list(metrics)], sort_keys=True)
    key = sha256(asked.encode("utf-8", "surrogateescape")).hexdigest()
    return _remembered(folder, key) or _read(until, checks, metrics, folder, key)


def _remembered(folder: Path, key: str) -> str:
    try:
        content: Any = json.loads((folder / _FILE).read_bytes())
        return str(content["predicate"]) if content["key"] == key else ""
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ""


def _read(until: Sequence[str], checks: Mapping[str, str], metrics: Sequence[str], folder: Path, key: str) -> str:
    from agentloop.predicate.language import grammar, wording

    predicate = wording.render(grammar.parse_all(until, grammar.Names(checks, metrics)))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f".{_FILE}.{os.getpid()}"
    unfinished.write_text(json.dumps({"key": key, "predicate": predicate}), encoding="utf-8")
    unfinished.replace(folder / _FILE)
    return predicate
