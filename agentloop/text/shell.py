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
_INTERPRETERS = re.compile(r"(?:(?:ba|da|z|k)?sh|node|perl|php|psql|python[\d.]*|ruby)")
_READS_CODE = re.compile(rf"(?:^|[\s|;&(/]){_INTERPRETERS.pattern}(?:[ \t]+-\S*)*[ \t]*$")
_ARITHMETIC = re.compile(r"\$\(\([^()]*\)\)")
_BACKTICKS = re.compile(r"`([^`]+)`")
_MAX_LOOK_BACK_CHARS = 200
_MAX_SUBSTITUTIONS = 20
MAX_CHARS = 20_000
"""What is beyond in a text is not looked at."""


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


def is_interpreter(program: str) -> bool:
    """It runs what it reads, when it is given no file."""
    return _INTERPRETERS.fullmatch(PurePosixPath(program).name) is not None


def simple_commands(line: str) -> list[Simple]:
    """Take a line, or several, apart; what is substituted in it, `$(...)`, counts too.

    A document that an interpreter reads and runs is its last argument.
    """
    text = _without_heredocs(_ARITHMETIC.sub("0", _CONTINUED.sub(" ", unwrapped(line[:MAX_CHARS]))))
    tokens = _tokens(text)
    pieces = list(_pieces(tokens))
    known = _Options.of(pieces)
    found = [
        Simple(argv, known.is_sure(pieces, at)) for at, piece in enumerate(pieces) if (argv := _command(piece.words))
    ]
    return found + [Simple(argv, sure=False) for argv in _substituted(text, tokens)]


def _substituted(text: str, tokens: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The commands in backticks, and those in `$(...)` within quotes; without quotes they are pieces of the line."""
    left = [*_BACKTICKS.findall(text), *filter(None, map(_substitution, tokens))]
    for _count in range(_MAX_SUBSTITUTIONS):
        if not left:
            return
        inner = _tokens(left.pop())
        yield from filter(None, (_command(piece.words) for piece in _pieces(inner)))
        left += filter(None, map(_substitution, inner))
    if left:
        yield ("$(",)  # what nobody looked at has not run


def _substitution(token: str) -> str:
    at = token.find("$(")
    return token[at + 2 : token.rfind(")")] if at >= 0 and token[at + 2 : at + 3] != "(" else ""


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
    """The text without the documents that a command reads from it, but for those that it runs."""
    at = 0
    while match := _HEREDOC.search(text, at):
        end = re.compile(rf"^[ \t]*{re.escape(match['end'])}[ \t]*$", re.MULTILINE).search(text, match.end())
        rest = text[end.end() :] if end else ""
        before = text[: match.start()]
        if _READS_CODE.search(before[-_MAX_LOOK_BACK_CHARS:]):
            before += f" {shlex.quote(text[match.end() : end.start() if end else None])} "
        text = f"{before}{match['rest']}{rest}"
        at = len(before)
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
