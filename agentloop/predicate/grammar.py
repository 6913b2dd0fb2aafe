"""Reading a predicate: `COMMAND passes`, or a bare command.

A command in one pair of quotes is run by `bash -o pipefail`; any other is an argv without a shell.
"""

import re
import shlex
from dataclasses import dataclass

from agentloop.errors import PredicateError

_VERBS = ("passes", "pass", "succeeds")
_SHELL_WORDS = re.compile(r"^(\||\|\||&&?|;|<|>|>>|2>|2>&1)$|[|;<>]")
_QUOTED = re.compile(r"""^(?P<quote>["'])(?P<command>.+)(?P=quote)$""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CommandPasses:
    """One command that must exit with 0."""

    source: str
    """As the user wrote it."""
    argv: tuple[str, ...]
    command: str
    """The command as one would type it in a terminal."""

    @property
    def read_as(self) -> str:
        """How it was understood, to be echoed."""
        return f"`{self.command}` passes"


def parse(source: str) -> CommandPasses:
    """Read one `--until`.

    Raises:
        PredicateError: it is empty, unbalanced, or holds what only a shell understands; says the column.
    """
    text = source.strip()
    command = _without_verb(text)
    if not command:
        raise PredicateError("the predicate is empty", hint='write for example: --until "pytest passes"')
    quoted = _QUOTED.match(command)
    if quoted and quoted["quote"] not in quoted["command"]:
        return _shell(source, quoted["command"])
    return _argv(source, command)


def _without_verb(text: str) -> str:
    head, _space, last = text.rpartition(" ")
    if last in _VERBS and head.strip():
        return head.strip()
    return "" if text in _VERBS else text


def _shell(source: str, command: str) -> CommandPasses:
    if re.search(r"\|\|\s*(true|:|exit\s+0)\b", command):
        raise PredicateError(
            f"the predicate can never fail: {command!r} ends in a command that always succeeds",
            hint="leave that part out: a check that cannot fail proves nothing",
        )
    return CommandPasses(source, ("bash", "-o", "pipefail", "-c", command), command)


def _argv(source: str, command: str) -> CommandPasses:
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise PredicateError(f"the predicate {source!r} cannot be read: {error}", hint="close the quotation") from error
    for word in shlex.split(command, posix=False):
        if word[0] not in "\"'" and _SHELL_WORDS.search(word):
            column = source.index(word) + 1
            raise PredicateError(
                f"the predicate {source!r}, column {column}: {word!r} needs a shell",
                hint=f"""quote the whole command: --until '"{command}" passes'""",
            )
    for verb in _VERBS[::2]:
        if verb in argv:
            raise PredicateError(
                f"the predicate {source!r}, column {source.index(verb) + 1}: more follows after {verb!r}",
                hint="give each condition an --until of its own: all of them must hold",
            )
    return CommandPasses(source, tuple(argv), command)
