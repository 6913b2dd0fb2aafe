"""Edits of calls, slices, loops and the ends of functions."""

import ast
from collections.abc import Iterator

from agentloop.offline.places import Edit, Function, Place, Rule
from agentloop.offline.rules_logic import one_more_or_less

_TWINS = (
    ("min", "max"), ("any", "all"), ("strip", "lstrip", "rstrip"), ("lower", "upper"), ("append", "extend"),
    ("startswith", "endswith"), ("split", "rsplit"), ("find", "rfind"), ("index", "rindex"), ("floor", "ceil"),
    ("add", "discard"), ("keys", "values", "items"), ("union", "intersection", "difference"), ("title", "capitalize"),
    ("partition", "rpartition"), ("bisect_left", "bisect_right"), ("popleft", "pop"), ("removeprefix", "removesuffix"),
    ("ljust", "rjust"), ("issubset", "issuperset"),
)  # fmt: skip
_OTHERS = {name: [other for other in twins if other != name] for twins in _TWINS for name in twins}
_FALSY = {"list": "[]", "dict": "{}", "str": '""', "int": "0", "float": "0.0", "bool": "False", "set": "set()"}


def twins(node: ast.Call, place: Place) -> Iterator[Edit]:
    """A method or function with a near relation: `lstrip` for `strip`, `max` for `min`."""
    end = place.source.span(node.func)[1]
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    for other in _OTHERS.get(name, []):
        yield Edit("wrong method", end - len(name), end, other)


def arguments(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Two neighbouring arguments the other way round; a range that ends one later or earlier."""
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        return
    for left, right in zip(node.args, node.args[1:], strict=False):
        first, second = place.source.span(left), place.source.span(right)
        between = place.source.text(first[1], second[0])
        swapped = place.source.of(right) + between + place.source.of(left)
        yield Edit("swapped arguments", first[0], second[1], swapped)
    if isinstance(node.func, ast.Name) and node.func.id == "range":
        for bound in node.args[:2]:
            if not isinstance(bound, ast.Constant):
                yield from one_more_or_less("missing one", bound, place)


def sorting(node: ast.Call, place: Place) -> Iterator[Edit]:
    """The other order."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name not in ("sorted", "sort") or any(word.arg == "reverse" for word in node.keywords):
        return
    end = place.source.span(node)[1] - 1
    yield Edit("sort order", end, end, ", reverse=True" if node.args or node.keywords else "reverse=True")


def slices(node: ast.Subscript, place: Place) -> Iterator[Edit]:
    """A bound one further or nearer, or left out; an index one further or nearer."""
    if not isinstance(node.ctx, ast.Load):
        return
    if not isinstance(node.slice, ast.Slice):
        if isinstance(node.slice, ast.Name | ast.BinOp):
            yield from one_more_or_less("slice bounds", node.slice, place)
        return
    for bound in (node.slice.lower, node.slice.upper):
        if bound is not None:
            yield place.replaced("slice bounds", bound, "")
            if not isinstance(bound, ast.Constant):
                yield from one_more_or_less("slice bounds", bound, place)


def loop_exits(node: ast.Break | ast.Continue, place: Place) -> Iterator[Edit]:
    """`continue` for `break`, and the reverse."""
    yield place.replaced("loop exit", node, "continue" if isinstance(node, ast.Break) else "break")


def endings(node: Function, place: Place) -> Iterator[Edit]:
    """A function whose last statement computes something and returns nothing."""
    last = node.body[-1]
    if any(isinstance(inner, ast.Return) and inner.value for inner in ast.walk(node)):
        return
    start, end = place.source.span(last)
    if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Constant | ast.Yield | ast.YieldFrom):
        yield Edit("missing return value", start, start, "return ")
    for name in _assigned(node):
        yield Edit("missing return value", end, end, f"\n{place.source.indent(node.body[0])}return {name}")


def _assigned(node: Function) -> list[str]:
    stores = (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store))
    return list(dict.fromkeys(stores))


def bare_returns(node: ast.Return, place: Place) -> Iterator[Edit]:
    """A `return` without a value where the function has one at hand."""
    if place.function and (node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None)):
        for name in _assigned(place.function):
            yield place.replaced("missing return value", node, f"return {name}")


def guards(node: Function, place: Place) -> Iterator[Edit]:
    """An early return for an empty or missing argument."""
    first = next((line for line in node.body if not _is_docstring(line)), None)
    if first is None:
        return
    start = place.source.span(first)[0]
    indent = place.source.indent(first)
    for argument in [*node.args.args, *node.args.kwonlyargs]:
        if argument.arg in ("self", "cls"):
            continue
        for value in _empty_results(node, argument.arg):
            guard = f"if not {argument.arg}:\n{indent}    return {value}\n{indent}"
            yield Edit("missing guard", start, start, guard)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _empty_results(node: Function, argument: str) -> list[str]:
    """What a function may return for nothing: by its annotation, else nothing, zero, or the argument itself."""
    declared = ast.unparse(node.returns).split("[")[0] if node.returns else ""
    return [_FALSY[declared]] if declared in _FALSY else ["None", "0", argument]


CALL_RULES: tuple[Rule, ...] = (
    (ast.Call, twins),
    (ast.Call, arguments),
    (ast.Call, sorting),
    (ast.Subscript, slices),
    ((ast.Break, ast.Continue), loop_exits),
    ((ast.FunctionDef, ast.AsyncFunctionDef), endings),
    (ast.Return, bare_returns),
    ((ast.FunctionDef, ast.AsyncFunctionDef), guards),
)
