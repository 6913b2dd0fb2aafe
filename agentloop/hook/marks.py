"""Our part of a text of somebody else's, between two marks.

The first mark holds a digest of what is between them, and what else was added around it, so that the text alone says
whether somebody has changed our part, and how the text was before it.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

from agentloop.errors import UsageError

_BLOCK = re.compile(
    r"^(?P<indent>[ \t]*)# >>> agentloop hook (?P<digest>[0-9a-f]{12})(?P<made> \(made this file\))?\r?\n"
    r"(?P<body>(?:(?!^[ \t]*# >>> agentloop hook ).*\n)*?)"
    r"^[ \t]*# <<< agentloop hook\r?\n?",
    re.MULTILINE,
)
_TRACE = "agentloop hook"


@dataclass(frozen=True, slots=True)
class Block:
    """Our part, as it was found."""

    start: int
    end: int
    is_intact: bool
    made_file: bool
    """There was no file before."""


def wrapped(body: str, indent: int = 0, *, made_file: bool = False, line_end: str = "\n") -> str:
    """Put our part between its marks.

    Args:
        body: its lines, without indentation of their own level.
        indent: how many spaces stand before each.
        made_file: there is no file yet.
        line_end: as the rest of the text has it.
    """
    space = " " * indent
    lines = [space + line if line else "" for line in body.splitlines()]
    made = " (made this file)" if made_file else ""
    marked = [f"{space}# >>> agentloop hook {_digest(lines)}{made}", *lines, f"{space}# <<< agentloop hook"]
    return "".join(line + line_end for line in marked)


def find(text: str) -> Block | None:
    """Find our part; None when there is none."""
    match = _BLOCK.search(text)
    if match is None:
        return None
    intact = _digest(match["body"].splitlines()) == match["digest"]
    return Block(match.start(), match.end(), intact, match["made"] is not None)


def without(text: str, where: str) -> str | None:
    """The text as it was before our part came; None for a file that was made for it and holds nothing else.

    Args:
        text: with our part in it.
        where: the file, for people.

    Raises:
        UsageError: somebody has changed our part.
    """
    block = find(text)
    if (block is None and _TRACE in text) or (block and not block.is_intact):
        raise UsageError(
            f"{where} was changed since: what agentloop added is not as it was",
            hint="take out what stands between the marks of agentloop hook yourself",
        )
    if block is None:
        return text
    rest = text[: block.start] + text[block.end :]
    return None if block.made_file and not rest else rest


def _digest(lines: list[str]) -> str:
    return sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:12]
