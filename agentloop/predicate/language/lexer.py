"""The words of a predicate, and errors that point at one of them."""

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from agentloop.errors import PredicateError
from agentloop.text.quoting import plain

MAX_CHARS = 10_000
JOINS = ("and", "or")
SHELL_CHARS = "|;&<>"
_LINE_CHARS = 100
_SPACE = re.compile(r"\s*")
_USER = re.compile(r"(?<=://)[^\s/?#]+(?=@)")
_UNREADABLE = re.compile(r"[\x00\ud800-\udfff]")


Edits = Sequence[tuple[int, int, str]]
"""Changes to a text, each (start, end, what stands there instead); the first that helps is suggested."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, an unquoted parenthesis, or the end (an empty token that is not quoted)."""

    text: str
    """Without its quotes and backslashes."""
    start: int
    end: int
    quoted: bool = False
    """A part of it is quoted or escaped, so it is never a word of the language."""
    lone: bool = False
    """It is one quotation and nothing else."""
    shell_at: int = -1
    """Where its first unquoted character stands that only a shell understands; -1 when there is none."""

    def is_word(self, *words: str) -> bool:
        """It is one of these words of the language."""
        return not self.quoted and self.text in words

    @property
    def is_end(self) -> bool:
        """Nothing follows."""
        return self.start == self.end


class Lexer:
    """Reads tokens one by one; the parser says where a regular expression is wanted.

    Args:
        source: the text.
        label: how messages call it: `the predicate`, or the name of a check.

    Raises:
        PredicateError: the text is too long, or holds what no program can be given.
    """

    def __init__(self, source: str, label: str) -> None:
        self.source = source
        self.label = label
        self.position = 0
        if len(source) > MAX_CHARS:
            raise self.error(MAX_CHARS, len(source), f"it is longer than {MAX_CHARS} characters")
        unreadable = _UNREADABLE.search(source)
        if unreadable:
            raise self.error(*unreadable.span(), "this character cannot be passed to a program")

    def skip_space(self) -> int:
        """Go to the next token, and say where it is."""
        match = _SPACE.match(self.source, self.position)
        self.position = match.end() if match else self.position
        return self.position

    def peek(self) -> Token:
        """The next token, left where it is.

        Raises:
            PredicateError: a quotation is not closed.
        """
        start = self.skip_space()
        if start < len(self.source) and self.source[start] in "()":
            return Token(self.source[start], start, start + 1)
        return self._word(start)

    def next(self) -> Token:
        """The next token; see `peek`."""
        token = self.peek()
        self.position = token.end
        return token

    def _word(self, start: int) -> Token:
        source, at, text, segments, shell_at = self.source, start, "", 0, -1
        bare = False
        while at < len(source) and not source[at].isspace() and source[at] not in "()":
            char = source[at]
            if char in "\"'":
                part, at = self._quotation(at)
                text += part
                segments += 1
                continue
            if char == "\\":
                if at + 1 == len(source):
                    raise self.error(at, at + 1, "a backslash with nothing behind it")
                text += source[at + 1]
                segments, bare, at = segments + 1, True, at + 2
                continue
            if char in SHELL_CHARS and shell_at < 0:
                shell_at = at
            text, bare, at = text + char, True, at + 1
        return Token(text, start, at, segments > 0, segments == 1 and not bare, shell_at)

    def _quotation(self, start: int) -> tuple[str, int]:
        source, quote, at, text = self.source, self.source[start], start + 1, ""
        while at < len(source):
            char = source[at]
            if char == quote:
                return text, at + 1
            if char == "\\" and quote == '"' and source[at + 1 : at + 2] in ('"', "\\"):
                at += 1
            text, at = text + source[at], at + 1
        raise self.error(start, len(source), f"this quotation is not closed: another {quote} is wanted")

    def regex(self) -> tuple[str, int, int]:
        """The regular expression that begins with the slash at the position, and its first and last position.

        Raises:
            PredicateError: it is not closed, or something is attached to it.
        """
        source, start = self.source, self.skip_space()
        at, text = start + 1, ""
        while at < len(source) and source[at] != "/":
            step = 2 if source[at] == "\\" else 1
            part = source[at : at + step]
            text, at = text + ("/" if part == "\\/" else part), at + step
        if at >= len(source):
            raise self.error(start, len(source), "this regular expression is not closed: another / is wanted")
        self.position = at + 1
        if self.position < len(source) and not source[self.position].isspace() and source[self.position] != ")":
            raise self.error(
                self.position,
                self.position + 1,
                "the regular expression ended before this",
                expected=r"a space; a slash inside of it is written \/",
            )
        return text, start, self.position

    def error(
        self, start: int, end: int, what: str, *, expected: str = "", meant: Callable[[], str] = lambda: ""
    ) -> PredicateError:
        """An error that shows the line and points at a part of it.

        Args:
            start: where the part begins.
            end: where it ends.
            what: what is wrong with it.
            expected: what would be right there.
            meant: makes the nearest predicate that can be read; empty when there is none.
        """
        line_start = self.source.rfind("\n", 0, start) + 1
        line_end = self.source.find("\n", line_start)
        line = self.source[line_start : line_end if line_end >= 0 else len(self.source)]
        line = _USER.sub(lambda user: "*" * len(user[0]), line)
        column = start - line_start
        row = self.source.count("\n", 0, line_start)
        place = f"column {column + 1}" if not row else f"line {row + 1}, column {column + 1}"
        cut = max(0, column - _LINE_CHARS // 2)
        shown = "".join(char if char.isprintable() else " " for char in line[cut : cut + _LINE_CHARS])
        width = max(1, _columns(shown[column - cut : column - cut + end - start]))
        lines = [
            f"{self.label}, {place}: {what}",
            f"  {shown}",
            f"  {' ' * _columns(shown[: column - cut])}^{'~' * (width - 1)}",
        ]
        if expected:
            lines.append(f"  expected: {expected}")
        near = meant()
        can_be_shown = bool(near) and plain(near) == near
        return PredicateError("\n".join(lines), hint=f"did you mean: {near}" if can_be_shown else "")


def _columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(_columns_of(char) for char in text)


def _columns_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a condition is read from, and what it may name."""

    lexer: Lexer
    checks: Collection[str]
    metrics: Collection[str]
    first_of: Callable[[Edits], Callable[[], str]]
    """Makes a suggestion of the first edit after which the whole can be read."""

    def error(self, token: Token, what: str, expected: str = "", edits: Edits = ()) -> PredicateError:
        """An error that points at a token."""
        return self.lexer.error(token.start, token.end, what, expected=expected, meant=self.first_of(edits))

    def text_since(self, start: int) -> str:
        """What was read since a position."""
        return self.lexer.source[start : self.lexer.position]
