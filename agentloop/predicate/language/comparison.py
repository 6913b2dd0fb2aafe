"""Reading a metric that is compared with a number, or with what was measured first."""

import re
from collections.abc import Mapping
from typing import cast

from agentloop.predicate.language import suggest
from agentloop.predicate.language.lexer import Edits, Scope, Token
from agentloop.predicate.language.nodes import Metric, Operator

METRIC_UNITS: Mapping[str, Mapping[str, float]] = {
    "coverage": {"": 1, "%": 1},
    "tests": {"": 1},
    "duration": {"": 1, "s": 1, "ms": 0.001, "m": 60, "min": 60, "h": 3600},
}
"""The metrics that need no configuration, and what a unit of each is worth."""

_COMPARISON = re.compile(r"(?P<name>[A-Za-z_][\w-]*)(?P<space>[ \t]*)(?P<op><=|>=|==|!=|=|<|>)[ \t]*", re.ASCII)
_NUMBER = re.compile(r"(?P<number>-?\d{1,15}(?:\.\d{1,15})?)(?:\s*(?P<percent>%)|(?P<unit>[A-Za-z]{0,8}))", re.ASCII)
_BASELINE = re.compile(r"baseline(?:\s*(?P<sign>[+-])\s*(?P<number>\d{1,15}(?:\.\d{1,15})?)(?P<unit>%|[A-Za-z]{0,8}))?")


def read(scope: Scope) -> Metric | None:
    """Read a comparison at the lexer's position; None when there is none.

    Raises:
        PredicateError: the metric is unknown, or not compared with a number.
    """
    lexer = scope.lexer
    start = lexer.skip_space()
    head = _COMPARISON.match(lexer.source, start)
    if not head:
        return None
    known = head["name"] in METRIC_UNITS or head["name"] in scope.metrics
    value = _NUMBER.match(lexer.source, head.end()) or _BASELINE.match(lexer.source, head.end())
    if not known and (not value or (head["op"] == "=" and not head["space"])):
        return None
    name = Token(head["name"], start, head.end("name"))
    if not known:
        near = suggest.near_name(name.text, [*METRIC_UNITS, *scope.metrics])
        expected = f"a metric ({', '.join([*METRIC_UNITS, *scope.metrics])}), or a command and a verb"
        raise scope.error(
            name, f"no metric is called {name.text!r}", expected, [(start, name.end, near)] if near else ()
        )
    lexer.position = head.end()
    wanted = lexer.peek()
    if not value or not _ends(lexer.source, value.end()):
        raise scope.error(wanted, f"{name.text} is compared with a number",
                          "a number such as 90, or baseline",
                          _edits(head, wanted))  # fmt: skip
    lexer.position = value.end()
    parts = value.groupdict()
    number, unit = float(parts["number"] or 0), parts.get("percent") or parts["unit"] or ""
    units = METRIC_UNITS.get(name.text, {}) if name.text not in scope.metrics else {}
    if units and unit not in units:
        raise scope.error(wanted, f"{unit!r} is no unit of {name.text}", f"one of {', '.join(filter(None, units))}"
                          if len(units) > 1 else "a plain number")  # fmt: skip
    return Metric(
        name.text,
        cast(Operator, "=" if head["op"] == "==" else head["op"]),
        -number if parts.get("sign") == "-" else number,
        unit,
        baseline=value.re is _BASELINE,
        source=scope.text_since(start),
    )


def _edits(head: re.Match[str], wanted: Token) -> Edits:
    """What may have been meant: an operator in one piece and in order, or `baseline`."""
    rest = re.match(r"[<>=]+", wanted.text)
    if rest:
        signs = head["op"] + rest[0]
        return [(head.start("op"), wanted.start + rest.end(), sign) for sign in ("<=", ">=") if set(sign) == set(signs)]
    word = re.match(r"[a-z]*", wanted.text)
    near = suggest.near_name(word[0], ["baseline"]) if word else ""
    return [(wanted.start, wanted.start + len(word[0]), near)] if word and near else []


def _ends(source: str, at: int) -> bool:
    return at == len(source) or source[at].isspace() or source[at] == ")"
