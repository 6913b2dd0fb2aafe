"""Edits that put another name where one stands: variables, attributes, keys."""

import ast
import difflib
from collections.abc import Iterator

from agentloop.offline.places import Edit, Function, Place, Rule

_MOST = 4


def variables(node: ast.Name, place: Place) -> Iterator[Edit]:
    """Another variable of the function, the most similar names first."""
    if not isinstance(node.ctx, ast.Load) or place.function is None:
        return
    if isinstance(place.parent, ast.Call) and place.parent.func is node:
        return
    known = _names(place.function)
    if node.id in known:
        for other in _nearest(node.id, known):
            yield place.replaced("wrong variable", node, other)


def _names(function: Function) -> list[str]:
    arguments = function.args
    names = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]
    names += [node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return [name for name in dict.fromkeys(names) if name not in ("self", "cls", "_")]


def attributes(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Another attribute that the file reads from a thing of the same name."""
    called = isinstance(place.parent, ast.Call) and place.parent.func is node
    if called or not isinstance(node.ctx, ast.Load) or not isinstance(node.value, ast.Name):
        return
    known = list(dict.fromkeys(
        other.attr
        for other in ast.walk(_scope(node.value.id, place))
        if isinstance(other, ast.Attribute) and isinstance(other.value, ast.Name) and other.value.id == node.value.id
    ))  # fmt: skip
    end = place.source.span(node)[1]
    for other in _nearest(node.attr, known):
        yield Edit("wrong attribute", end - len(node.attr), end, other)


def _scope(name: str, place: Place) -> ast.AST:
    """Where a name means the same kind of thing: `self` within its class, others within the file."""
    return place.owner if name in ("self", "cls") and place.owner else place.source.tree


def keys(node: ast.Subscript, place: Place) -> Iterator[Edit]:
    """Another key that the file uses."""
    if not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)):
        return
    known = list(dict.fromkeys(
        other.slice.value
        for other in ast.walk(place.source.tree)
        if isinstance(other, ast.Subscript)
        and isinstance(other.slice, ast.Constant)
        and isinstance(other.slice.value, str)
    ))  # fmt: skip
    for other in _nearest(node.slice.value, known):
        yield place.replaced("wrong key", node.slice, repr(other))


def _nearest(name: str, known: list[str]) -> list[str]:
    others = [other for other in known if other != name]
    return sorted(others, key=lambda other: -difflib.SequenceMatcher(None, name, other).ratio())[:_MOST]


NAME_RULES: tuple[Rule, ...] = (
    (ast.Name, variables),
    (ast.Attribute, attributes),
    (ast.Subscript, keys),
)
