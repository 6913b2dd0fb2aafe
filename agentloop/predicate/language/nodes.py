"""What a predicate is once it has been read: a tree of small frozen records.

`source` is the part of the text as the person wrote it; it is for showing, and two trees are equal without it.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Verb = Literal["passes", "fails", "exits", "prints"]
Operator = Literal["<", "<=", "=", "!=", ">=", ">"]
FileTest = Literal["exists", "contains", "matches"]

SHELL = ("bash", "-o", "pipefail", "-c")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text to be found as it stands, or a regular expression."""

    text: str
    is_regex: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A program that is run, and what it has to do."""

    argv: tuple[str, ...]
    """The words; one word alone, the shell's line, when `shell` is set."""
    shell: bool = False
    verb: Verb = "passes"
    code: int = 0
    """The exit code that `exits` wants."""
    pattern: Pattern | None = None
    """What `prints` wants to be printed."""
    bare: bool = field(default=False, compare=False)
    """It was written without a verb."""
    near: str = field(default="", compare=False)
    """What else may have been meant, to be told when there is no such program."""
    source: str = field(default="", compare=False)

    @property
    def command(self) -> str:
        """The command as one would type it in a terminal."""
        return self.argv[0] if self.shell else shlex.join(self.argv)

    @property
    def program(self) -> tuple[str, ...]:
        """What is started."""
        return (*SHELL, *self.argv) if self.shell else self.argv


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that is measured and compared with one that is given, or with the first one measured."""

    name: str
    operator: Operator
    number: float = 0.0
    """The bound; with `baseline` what is added to it."""
    unit: str = ""
    baseline: bool = False
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class FileIs:
    """A file that exists, or has something in it."""

    path: str
    test: FileTest = "exists"
    pattern: Pattern | None = None
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class UrlIs:
    """An address that answers."""

    url: str
    status: int | None = None
    """The status it has to answer with; None: any below 400."""
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Judge:
    """A question that a model answers from the task and the diff."""

    question: str
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Approved:
    """A person has to say yes."""

    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; an error stays one."""

    child: "Node"
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    children: "tuple[Node, ...]"
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    children: "tuple[Node, ...]"
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Times:
    """So many times in a row."""

    child: "Node"
    count: int
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Within:
    """Once before the time is up."""

    child: "Node"
    limit_s: float
    source: str = field(default="", compare=False)


LeafNode = Command | Metric | FileIs | UrlIs | Judge | Approved
Node = LeafNode | Not | And | Or | Times | Within


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below."""
    match node:
        case And() | Or():
            return node.children
        case Not() | Times() | Within():
            return (node.child,)
        case _:
            return ()


def leaves(node: Node) -> Iterator[LeafNode]:
    """The conditions, from left to right."""
    if isinstance(node, Not | And | Or | Times | Within):
        for child in children(node):
            yield from leaves(child)
    else:
        yield node


def judges_suffice(node: Node, *, holds: bool = True) -> bool:
    """The node could come to pass (with `holds`; to fail without) by what models say alone.

    Under `not` the sides change: `not (A and judge "...")` holds as soon as the model says no.
    """
    match node:
        case Judge():
            return True
        case Not(child):
            return judges_suffice(child, holds=not holds)
        case And() | Or():
            needs_all = isinstance(node, And) is holds
            return (all if needs_all else any)(judges_suffice(child, holds=holds) for child in node.children)
        case Times(child) | Within(child):
            return judges_suffice(child, holds=holds)
        case _:
            return False
