"""A parsed file and the places in it: what a rule needs to know to propose an edit."""

import ast
import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Edit(NamedTuple):
    """Bytes `start`..`end` of a file become `new`."""

    operator: str
    start: int
    end: int
    new: str


Rule = tuple[type[ast.AST] | tuple[type[ast.AST], ...], Callable[[Any, "Place"], Iterator[Edit]]]


class Source:
    """A file's bytes and its syntax tree.

    Raises:
        SyntaxError, ValueError: it is no Python that we can read as UTF-8.
    """

    def __init__(self, path: str, content: bytes) -> None:
        if content.startswith(b"\xef\xbb\xbf"):
            raise ValueError("a byte order mark shifts the tree's columns")
        content.decode("utf-8")
        self.path = path
        self.content = content
        self.tree = ast.parse(content)
        # The tree counts lines as the tokenizer does: at \n alone, once \r\n is read as one.
        self._starts = [0, *(position + 1 for position, byte in enumerate(content) if byte == 0x0A)]

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node's text begins and ends, in bytes."""
        where: Any = node
        return (
            self._starts[where.lineno - 1] + where.col_offset,
            self._starts[where.end_lineno - 1] + where.end_col_offset,
        )

    def of(self, node: ast.AST) -> str:
        """A node's text."""
        return self.text(*self.span(node))

    def text(self, start: int, end: int) -> str:
        """A stretch of the file."""
        return self.content[start:end].decode("utf-8")

    def line_of(self, offset: int) -> int:
        """The line, from 1, that a byte stands in."""
        return bisect.bisect_right(self._starts, offset)

    def indent(self, node: ast.stmt) -> str:
        """The white space before a statement."""
        return self.text(self._starts[node.lineno - 1], self.span(node)[0])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: its parent, its statement, its function and class."""

    source: Source
    parent: ast.AST | None = None
    statement: ast.stmt | None = None
    function: Function | None = None
    owner: ast.ClassDef | None = None

    def at(self, node: ast.AST) -> "Place":
        """The place of a node met here: a statement is its own."""
        return replace(self, statement=node) if isinstance(node, ast.stmt) else self

    def below(self, node: ast.AST) -> "Place":
        """The place of what a node holds."""
        below = replace(self, parent=node)
        if isinstance(node, Function):
            return replace(below, function=node)
        return replace(below, owner=node, function=None) if isinstance(node, ast.ClassDef) else below

    @property
    def name(self) -> str:
        """The function's name with its class, or the empty string at import time."""
        names = [scope.name for scope in (self.owner, self.function) if scope]
        return ".".join(names)

    @property
    def extent(self) -> tuple[int, int]:
        """Where the statement begins and ends, in bytes; of a compound statement the head alone."""
        if self.statement is None:
            return 0, 0
        start, end = self.source.span(self.statement)
        body = getattr(self.statement, "body", None)
        return start, self.source.span(body[0])[0] if body else end

    @property
    def lines(self) -> range:
        """The lines of the statement; of a compound statement those of its head."""
        if self.statement is None:
            return range(0)
        last = self.statement.end_lineno or self.statement.lineno
        body = getattr(self.statement, "body", None)
        if body:
            last = max(self.statement.lineno, body[0].lineno - 1)
        return range(self.statement.lineno, last + 1)

    def gap(self, left: ast.AST, right: ast.AST, symbol: str) -> tuple[int, int] | None:
        """Where an operator's symbol stands between its operands; None when comments make that unsure."""
        start, end = self.source.span(left)[1], self.source.span(right)[0]
        between = self.source.text(start, end)
        if "#" in between or between.count(symbol) != 1:
            return None
        # Bytes and characters agree: nothing but ASCII stands between two operands.
        at = start + between.index(symbol)
        return at, at + len(symbol)

    def replaced(self, operator: str, node: ast.AST, new: str) -> Edit:
        """An edit that puts a text where a node stands."""
        return Edit(operator, *self.source.span(node), new)
