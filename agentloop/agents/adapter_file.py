"""The file of an adapter: read, or refused with all that is wrong in it, by line and key."""

import re
import tomllib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agentloop.agents.contradictions import contradictions
from agentloop.agents.explanation import Key, explain, named, present
from agentloop.agents.spec import Adapter
from agentloop.errors import AdapterError

_MAX_BYTES = 64 * 1024
_PLACE = re.compile(r"(?P<what>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in an adapter's file."""

    words: str
    """What, and at which key."""
    hint: str = ""
    """What to do about it."""
    line: int = 0
    """Where, counted from 1; 0 where it is nowhere in particular."""
    column: int = 0
    """Likewise."""


def mentions(path: Path, word: str) -> bool:
    """The word stands in the file, so it is worth a reading that takes ten times as long; or it cannot be read."""
    try:
        return word in _text(path)
    except (OSError, ValueError):
        return True


def read(path: Path) -> Adapter:
    """Read an adapter; once, as long as its file stays as it is.

    Raises:
        AdapterError: the file cannot be read, or a key or a value in it is wrong; names file, line and key.
    """
    try:
        changed_ns = path.stat().st_mtime_ns
    except OSError:
        changed_ns = 0
    return _read(path, changed_ns)


@lru_cache(maxsize=256)
def _read(path: Path, _changed_ns: int) -> Adapter:
    adapter, problems = examine(path)
    if adapter is None or problems:
        first, *more = problems
        others = f"{len(more)} more: agentloop agents show {path}" if more else ""
        raise AdapterError(f"{place(path, first)}: {first.words}", hint="; ".join(filter(None, [first.hint, others])))
    return adapter


def place(path: Path, problem: Problem) -> str:
    """Where a problem is, as editors and terminals read it: `FILE:LINE:COLUMN`."""
    return ":".join([str(path), *(str(number) for number in (problem.line, problem.column) if number)])


def examine(path: Path) -> tuple[Adapter | None, list[Problem]]:
    """Read an adapter and say all that is wrong with it, in the order of the lines.

    Returns:
        The adapter, None when there is none to be had; and what is wrong.
    """
    try:
        text = _text(path)
    except OSError as error:
        return None, [Problem(f"it cannot be read: {error.strerror}")]
    except ValueError as error:
        return None, [Problem(f"it cannot be read: {error}")]
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax(str(error), text)]
    except RecursionError:
        return None, [Problem("it cannot be read: it is nested too deeply")]
    try:
        adapter = Adapter.model_validate(content)
    except ValidationError as error:
        return None, _in_order(content, text, [explain(Adapter, content, problem) for problem in error.errors()])
    wrong = [(key, f"{named(key)}: {words}", hint) for key, words, hint in contradictions(adapter, path.stem)]
    return adapter, _in_order(content, text, wrong)


def _text(path: Path) -> str:
    """The file's text, with the mark before it that some editors write left out."""
    if not (path.is_file() or path.is_dir()) and path.exists():
        raise ValueError("it is no file")  # to open a pipe would be to wait for ever
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"it is longer than {_MAX_BYTES // 1024} KB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"line {line} is not UTF-8") from error
    return text.replace("\r\n", "\n")


def _syntax(said: str, text: str) -> Problem:
    found = _PLACE.fullmatch(said)
    if not found:
        return Problem(f"it is no TOML: {said}")
    line = int(found["line"] or text.rstrip().count("\n") + 1)
    return Problem(f"it is no TOML: {found['what']}", line=line, column=int(found["column"] or 0))


def _in_order(content: Mapping[str, Any], text: str, wrong: Sequence[tuple[Key, str, str]]) -> list[Problem]:
    """The problems by line; those that have none come last: a key that is missing may be a misspelt one."""
    if not wrong:
        return []  # to look for lines takes a while
    lines = _lines(content, text, {key for key, _words, _hint in wrong})
    problems = [Problem(words, hint, lines[key]) for key, words, hint in wrong]
    return sorted(problems, key=lambda problem: (not problem.line, problem.line))


def _lines(content: Mapping[str, Any], text: str, keys: Set[Key]) -> dict[Key, int]:
    """The lines on which keys, or the nearest tables around them that are there, begin; 0 for the document itself.

    The beginning of a file up to any line is a document of its own, or ends within a value. So a key begins on the
    line after the longest such document without it.
    """
    wanted = {key: present(content, key) for key in keys}
    found: dict[Key, int] = {(): 0}
    lines = text.split("\n")
    begins = 1
    for number in range(1, len(lines) + 1):
        try:
            beginning = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue
        found |= {key: begins for key in wanted.values() if key not in found and present(beginning, key) == key}
        begins = number + 1
    return {key: found[there] for key, there in wanted.items()}
