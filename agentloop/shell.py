"""Command lines taken apart: which programs a line runs, and which of them are known to have succeeded if it did.

An approximation of the shell's grammar that is meant for reading what people and agents typed, never for running it.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
_BEFORE = frozenset(
    {"!", "command", "do", "elif", "else", "exec", "if", "nohup", "then", "time", "until", "while", "{"}
)
_ALONE = frozenset(["done", "esac", "fi", "}"])
_UNSURE = frozenset(["!", "case", "elif", "else", "for", "if", "then", "until", "while"])
_PUNCTUATION = "();<>|&\n"
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_CONTINUED = re.compile(r"\\\r?\n")
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)(?P<end>\w+)\1(?P<rest>[^\n]*)\n")
_MAX_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Simple:
    """One program with its arguments, without redirections and assignments."""

    argv: tuple[str, ...]
    sure: bool
    """It ran and succeeded if the whole line succeeded."""

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return PurePosixPath(self.argv[0]).name


def unwrapped(command: str) -> str:
    """The line that a shell was given: `bash -lc 'make test'` is `make test`."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    if len(words) == 3 and PurePosixPath(words[0]).name in _SHELLS and re.fullmatch(r"-\w*c", words[1]):
        return words[2]
    return command


def simple_commands(line: str) -> list[Simple]:
    """Take a line, or several, apart."""
    pieces = list(_pieces(_tokens(_without_heredocs(_CONTINUED.sub(" ", unwrapped(line[:_MAX_CHARS]))))))
    known = _Options.of(pieces)
    return [
        Simple(argv, known.is_sure(pieces, at)) for at, piece in enumerate(pieces) if (argv := _command(piece.words))
    ]


@dataclass(frozen=True, slots=True)
class _Piece:
    words: tuple[str, ...]
    operator: str
    """What follows it; empty at the end."""


@dataclass(frozen=True, slots=True)
class _Options:
    """What decides whether a failure in the middle of a line is one of the line."""

    certain: bool
    """There are no loops, conditions and substitutions."""
    exits: bool
    """`set -e`."""
    pipes: bool
    """`set -o pipefail`."""

    @classmethod
    def of(cls, pieces: Sequence[_Piece]) -> "_Options":
        settings = [word for piece in pieces if piece.words[:1] == ("set",) for word in piece.words[1:]]
        return cls(
            certain=not any(word in _UNSURE or word.endswith("$") for piece in pieces for word in piece.words),
            exits=any(re.fullmatch(r"-\w*e\w*", word) for word in settings),
            pipes="pipefail" in settings,
        )

    def is_sure(self, pieces: Sequence[_Piece], at: int) -> bool:
        """The piece ran, and its failure would have been one of the whole line."""
        end = max((number for number, piece in enumerate(pieces) if piece.words), default=0)
        before = "".join(piece.operator for piece in pieces[:at]).replace("\n", ";").rpartition(";")[2]
        after = [piece.operator for piece in pieces[at:end]]
        trailing = "".join(piece.operator for piece in pieces[end:])
        hidden = any(self._hides(operator, first=number == 0) for number, operator in enumerate(after))
        return self.certain and not hidden and "||" not in before and "&" not in trailing

    def _hides(self, operator: str, *, first: bool) -> bool:
        """A failure before this operator goes unnoticed."""
        if set(operator) <= set("()") or operator == "&&":
            return False
        if operator in ("|", "|&"):
            return first and not self.pipes
        return not (self.exits and set(operator) <= set(";\n()"))


def _tokens(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=_PUNCTUATION)
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    tokens: list[str] = []
    with suppress(ValueError):  # a quote that is not closed: what came before it stands
        tokens.extend(lexer)
    return tokens


def _without_heredocs(text: str) -> str:
    """The text without the documents that a command reads from it."""
    at = 0
    while match := _HEREDOC.search(text, at):
        end = re.compile(rf"^[ \t]*{re.escape(match['end'])}[ \t]*$", re.MULTILINE).search(text, match.end())
        rest = text[end.end() :] if end else ""
        text = f"{text[: match.start()]}{match['rest']}{rest}"
        at = match.start()
    return text


def _pieces(tokens: Sequence[str]) -> Iterator[_Piece]:
    """The words between the operators, each with the operator that follows it."""
    words: list[str] = []
    left = list(reversed(tokens))
    while left:
        token = left.pop()
        if token.startswith("#"):
            while left and "\n" not in left[-1]:
                left.pop()
        elif not token or set(token) - set(_PUNCTUATION):
            words.append(token)
        elif set(token) & set("<>") and not set(token) & set("(\n;|"):
            if left and not set(left[-1]) <= set(_PUNCTUATION):
                left.pop()
            if words and words[-1] in ("1", "2"):
                words.pop()
        else:
            yield _Piece(tuple(words), token)
            words = []
    yield _Piece(tuple(words), "")


def _command(words: Sequence[str]) -> tuple[str, ...]:
    """The program and its arguments; empty when there is none."""
    at = 0
    while at < len(words) and (words[at] in _BEFORE or _ASSIGNMENT.match(words[at])):
        at += 1
    argv = tuple(words[at:])
    if not argv or argv[0] in _ALONE or argv[0] in ("for", "case", "function", "$") or argv[0].startswith("-"):
        return ()
    return argv
