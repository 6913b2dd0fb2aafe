"""How a prompt is typed into a terminal: pure, text in, bytes out."""

from dataclasses import dataclass

from agentloop.process.pty import Discipline

_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"
_ENDS_TOO = "\x9b201~"  # the same with the one-byte introducer
_MAX_LINE_BYTES = 4000


@dataclass(frozen=True, slots=True)
class Typed:
    """What is typed: the words, and what is typed for itself once they have been taken in, to send them off."""

    words: bytes
    enter: bytes


def typed(prompt: str, discipline: Discipline, *, pastes: bool) -> Typed | None:
    """Say how a prompt is typed; None when it cannot be, and has to be read from a file.

    Args:
        prompt: the prompt.
        discipline: what the terminal does to it; the characters that it acts upon are left out.
        pastes: the program tells pastes from keys.
    """
    if pastes and not discipline.canonical:
        inner = _without_ends(prompt).encode().translate(None, discipline.reserved)
        return Typed(_PASTE_BEGINS.encode() + inner + _PASTE_ENDS.encode(), b"\r")
    words = prompt.strip("\n").encode()
    if b"\n" in words or b"\r" in words:
        return None  # each line would be a prompt of its own
    words = words.translate(None, discipline.reserved + b"\x1b")
    if discipline.canonical:
        return Typed(words + b"\n", b"") if len(words) <= _MAX_LINE_BYTES else None
    return Typed(words, b"\r")


def _without_ends(text: str) -> str:
    """The text without anything that ends the paste, and without what is left together when that is taken out."""
    while _PASTE_ENDS in text or _ENDS_TOO in text:
        text = text.replace(_PASTE_ENDS, "").replace(_ENDS_TOO, "")
    return text
