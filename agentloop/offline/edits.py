"""Candidates: small typed edits of a file's syntax tree, each a replacement of one stretch of its bytes."""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agentloop.offline.operators import BY_NAME, ORDER
from agentloop.offline.places import Edit, Place, Source
from agentloop.offline.rules_calls import CALL_RULES
from agentloop.offline.rules_logic import LOGIC_RULES
from agentloop.offline.rules_names import NAME_RULES

_RULES = (*LOGIC_RULES, *CALL_RULES, *NAME_RULES)
_NEVER = (ast.JoinedStr, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.Assert)
_SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "bases", "type_params"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One edit that may be the repair: bytes `start`..`end` of the file become `new`."""

    path: str
    line: int
    operator: str
    start: int
    end: int
    old: str
    new: str
    function: str
    statement: str
    """The statement's own text (for a compound one, its head)."""
    key: str
    """The same edit of the same statement has the same key, wherever in the file it has moved to."""
    score: float

    def apply(self, content: bytes) -> bytes:
        """The file's new content."""
        return content[: self.start] + self.new.encode() + content[self.end :]

    def __str__(self) -> str:
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        what = f"`{_short(old)}` -> `{_short(new)}`" if old else f"insert `{_short(new)}`"
        return f"{self.operator} at {self.path}:{self.line}: {what}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def candidates(sources: Mapping[str, Source], suspicion: Mapping[tuple[str, int], float]) -> list[Candidate]:
    """All edits of suspicious statements, the most promising first."""
    found: dict[tuple[str, int, int, str], Candidate] = {}
    for source in sources.values():
        for place, edit in _edits(source):
            score = max((suspicion.get((source.path, line), 0.0) for line in place.lines), default=0.0)
            if score and source.text(edit.start, edit.end) != edit.new:
                found.setdefault((source.path, edit.start, edit.end, edit.new), _candidate(place, edit, score))
    return sorted(found.values(), key=lambda one: (-one.score, one.path, one.line, ORDER[one.operator], one.start))


def _candidate(place: Place, edit: Edit, score: float) -> Candidate:
    source = place.source
    start, end = place.extent
    statement = source.text(start, end)
    position = f"{edit.start - start}-{edit.end - start}"
    identity = "\0".join((source.path, place.name, statement, position, edit.operator, edit.new))
    return Candidate(
        path=source.path,
        line=source.line_of(edit.start),
        operator=edit.operator,
        start=edit.start,
        end=edit.end,
        old=source.text(edit.start, edit.end),
        new=edit.new,
        function=place.name,
        statement=statement,
        key=hashlib.sha256(identity.encode()).hexdigest()[:20],
        score=score * BY_NAME[edit.operator].weight,
    )


def _edits(source: Source) -> Iterator[tuple[Place, Edit]]:
    for node, place in _walk(source.tree, Place(source)):
        for kinds, rule in _RULES:
            if isinstance(node, kinds):
                for edit in rule(node, place):
                    yield place, edit


def _walk(node: ast.AST, place: Place) -> Iterator[tuple[ast.AST, Place]]:
    """Every node that may be edited, with the place it stands at."""
    if isinstance(node, _NEVER) or _is_docstring(node):
        return
    here = place.at(node)
    yield node, here
    for field, value in ast.iter_fields(node):
        if field in _SKIPPED_FIELDS:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child, here.below(node))


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
