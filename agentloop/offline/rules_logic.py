"""Edits of comparisons, conditions, arithmetic and constants."""

import ast
from collections.abc import Iterator

from agentloop.offline.places import Edit, Place, Rule

_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.In: "in",
    ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not", ast.Add: "+", ast.Sub: "-", ast.Mult: "*",
    ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.And: "and", ast.Or: "or",
}  # fmt: skip
_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_OPPOSITE = {"==": "!=", "!=": "==", "in": "not in", "not in": "in", "is": "is not", "is not": "is",
             "<": ">", ">": "<", "<=": ">=", ">=": "<="}  # fmt: skip
_ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "//", "//": "%"}
_DIVISION = {"/": "//", "//": "/"}
_ATOMS = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.Constant, ast.Compare)


def comparisons(node: ast.Compare, place: Place) -> Iterator[Edit]:
    """Another boundary, or the opposite comparison."""
    operands = [node.left, *node.comparators]
    for operator, left, right in zip(node.ops, operands, operands[1:], strict=False):
        symbol = _SYMBOLS[type(operator)]
        gap = place.gap(left, right, symbol)
        if gap:
            yield Edit("wrong comparison", *gap, _OPPOSITE[symbol])
            if symbol in _BOUNDARY:
                yield Edit("comparison boundary", *gap, _BOUNDARY[symbol])


def arithmetic(node: ast.BinOp, place: Place) -> Iterator[Edit]:
    """Another operator; a `+ 1` or `- 1` left out."""
    symbol = _SYMBOLS.get(type(node.op), "")
    if not symbol or any(isinstance(side, ast.JoinedStr) or _is_text(side) for side in (node.left, node.right)):
        return
    gap = place.gap(node.left, node.right, symbol)
    if gap:
        yield Edit("swapped operator", *gap, _ARITHMETIC[symbol])
        if symbol in _DIVISION:
            yield Edit("integer division", *gap, _DIVISION[symbol])
    if symbol in "+-" and _is_one(node.right):
        yield place.replaced("extra one", node, place.source.of(node.left))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1 and not isinstance(node.value, bool)


def accumulations(node: ast.AugAssign, place: Place) -> Iterator[Edit]:
    """`+=` for `-=`, and the like."""
    symbol = _SYMBOLS.get(type(node.op), "")
    gap = place.gap(node.target, node.value, symbol + "=") if symbol in _ARITHMETIC else None
    if gap:
        yield Edit("swapped operator", *gap, _ARITHMETIC[symbol] + "=")


def joined_conditions(node: ast.BoolOp, place: Place) -> Iterator[Edit]:
    """`and` for `or`; one of the joined conditions left out."""
    symbol = _SYMBOLS[type(node.op)]
    for left, right in zip(node.values, node.values[1:], strict=False):
        gap = place.gap(left, right, symbol)
        if gap:
            yield Edit("swapped logic", *gap, "or" if symbol == "and" else "and")
    if len(node.values) == 2:
        for kept in node.values:
            yield place.replaced("extra condition", node, place.source.of(kept))


def conditions(node: ast.If | ast.While | ast.IfExp, place: Place) -> Iterator[Edit]:
    """The condition's opposite."""
    yield from _negation(node.test, place)


def filters(node: ast.comprehension, place: Place) -> Iterator[Edit]:
    """The opposite of a comprehension's condition."""
    for test in node.ifs:
        yield from _negation(test, place)


def results(node: ast.Return, place: Place) -> Iterator[Edit]:
    """A truth value's opposite; a count with one more or less."""
    if isinstance(node.value, ast.BoolOp | ast.UnaryOp):
        yield from _negation(node.value, place)
    elif isinstance(node.value, ast.BinOp | ast.Name | ast.Attribute | ast.Call) and not _is_joined(node.value):
        yield from one_more_or_less("missing one", node.value, place)


def _is_joined(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and (_is_one(node.right) or _is_text(node.left) or _is_text(node.right))


def _negation(test: ast.expr, place: Place) -> Iterator[Edit]:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield place.replaced("negated condition", test, place.source.of(test.operand))
    elif not (isinstance(test, ast.Compare) and len(test.ops) == 1):
        # The opposite of a single comparison is an edit of its own, or nearly so.
        text = place.source.of(test)
        yield place.replaced("negated condition", test, f"not {text}" if isinstance(test, _ATOMS) else f"not ({text})")


def one_more_or_less(operator: str, node: ast.expr, place: Place) -> Iterator[Edit]:
    """The node's value with one more, and with one less."""
    text = place.source.of(node)
    plain = isinstance(node, _ATOMS) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub))
    whole = text if plain and "\n" not in text else f"({text})"
    yield place.replaced(operator, node, f"{whole} + 1")
    yield place.replaced(operator, node, f"{whole} - 1")


def constants(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """A whole number's neighbours; the other truth value."""
    if isinstance(node.value, bool):
        yield place.replaced("flipped flag", node, str(not node.value))
    elif isinstance(node.value, int):
        starts = isinstance(place.parent, ast.Assign | ast.AnnAssign) and place.function is not None
        operator = "wrong initial value" if starts else "off-by-one constant"
        yield place.replaced(operator, node, str(node.value + 1))
        yield place.replaced(operator, node, str(node.value - 1) if node.value else "-1")


LOGIC_RULES: tuple[Rule, ...] = (
    (ast.Compare, comparisons),
    (ast.BinOp, arithmetic),
    (ast.AugAssign, accumulations),
    (ast.BoolOp, joined_conditions),
    ((ast.If, ast.While, ast.IfExp), conditions),
    (ast.comprehension, filters),
    (ast.Return, results),
    (ast.Constant, constants),
)
