"""What the last push came to, kept for `agentloop hook status`."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_FILE = "last-push.json"


@dataclass(frozen=True, slots=True)
class LastPush:
    """How the hook answered the last time that git ran it."""

    at: float
    """Unix time in seconds."""
    answer: str
    """`passed on`, `refused`, or why nothing was looked at."""
    lines: Sequence[str] = ()
    """What it said."""


def keep(folder: Path, push: LastPush) -> None:
    """Remember it, if the disk takes it.

    Args:
        folder: the state folder of the repository.
        push: what there is to remember.
    """
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = folder / f".{_FILE}.{os.getpid()}"
        unfinished.write_text(json.dumps(asdict(push)), encoding="utf-8")
        unfinished.replace(folder / _FILE)


def read(folder: Path) -> LastPush | None:
    """What there was last; None when git has not run the hook, or the file is none of ours."""
    try:
        content: Any = json.loads((folder / _FILE).read_bytes())
        push = LastPush(float(content["at"]), str(content["answer"]), [str(line) for line in content["lines"]])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return push
