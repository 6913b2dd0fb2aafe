"""What people rejected, remembered, so that no session proposes it again.

One small file a repository, beside its runs: a distilling that asks for it reads that alone, however many runs there
are. The event in the run's journal says the same for the run; this file holds the words, bounded and without secrets.
"""

import os
import time
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from agentloop.records import folders
from agentloop.skills import contents
from agentloop.skills.format import FILE, SkillFormatError
from agentloop.skills.reading import load
from agentloop.text.quoting import shorten, writable
from agentloop.text.redact import redact

MAX_REMEMBERED = 200
MAX_TEXT_CHARS = 8000
_FILE = "rejected.jsonl"


class Rejected(BaseModel):
    """A draft that a person rejected."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str
    text: str = ""
    """Its description and the body of its SKILL.md, bounded; all of the file where it has no frontmatter."""
    reason: str = ""
    description: str = ""
    run: str = ""
    at: float = 0.0
    """Unix time in seconds."""


def rejected(common_dir: Path) -> list[Rejected]:
    """The rejected drafts of a repository, newest first; at most `MAX_REMEMBERED`.

    Args:
        common_dir: git's common directory.
    """
    return [*reversed(_read(_path(common_dir)))]


def remember(common_dir: Path, run: str, draft: Path, reason: str) -> Rejected:
    """Remember a rejected draft; of a run there is one at most, the last.

    Args:
        common_dir: git's common directory.
        run: the run's id.
        draft: the draft's folder.
        reason: the person's words.

    Raises:
        OSError: the disk does not take it; what was remembered before still is.
    """
    description, text = _words(draft)
    entry = Rejected(
        run=run, at=time.time(), name=_clean(draft.name), description=description, text=text, reason=_clean(reason)
    )
    path = _path(common_dir)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        kept = [*(each for each in _read(path) if each.run != run), entry][-MAX_REMEMBERED:]
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_text("".join(f"{each.model_dump_json()}\n" for each in kept), encoding="utf-8")
        unfinished.replace(path)
    return entry


def _path(common_dir: Path) -> Path:
    return folders.repository_folder(common_dir) / _FILE


def _read(path: Path) -> list[Rejected]:
    """What is remembered, oldest first; a line that is damaged is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(Rejected.model_validate_json(line))
        except ValidationError:
            continue
    return found


def _words(draft: Path) -> tuple[str, str]:
    """The description and the text; whatever the draft is, no error."""
    try:
        text = contents.text(draft, FILE)
        skill = load(draft).skill
    except OSError:
        return "", ""
    except SkillFormatError:
        return "", _clean(text)
    return _clean(skill.description), _clean(f"{skill.description}\n\n{skill.body}")


def _clean(text: str) -> str:
    return shorten(redact(writable(text)), MAX_TEXT_CHARS)
