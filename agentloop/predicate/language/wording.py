"""A predicate in words: as its own language writes it, and as one would say it."""

import re
from decimal import Decimal

from agentloop.predicate.language.nodes import (
    And,
    Approved,
    Command,
    FileIs,
    Judge,
    LeafNode,
    Metric,
    Node,
    Not,
    Or,
    Pattern,
    Times,
    UrlIs,
    Within,
)

_PLAIN = r"A-Za-z0-9_@%+:,./~*?\[\]{}$^#-"
_PLAIN_WORD = re.compile(rf"-[={_PLAIN}]+|[{_PLAIN}]+")
_ODD_IN_URL = re.compile(r"[\s()\"'\\]")
_SPECIAL = re.compile(rf"([^{_PLAIN}])")
RESERVED = frozenset(
    (
        *("passes", "pass", "succeeds", "fails", "exits", "prints", "and", "or", "not"),
        *("file", "url", "judge", "approved", "exists", "contains", "matches"),
    )
)
_OPERATORS = {
    "<": "below",
    "<=": "at most",
    "=": "exactly",
    "!=": "other than",
    ">=": "at least",
    ">": "above",
}


def render(node: Node) -> str:
    """The node in the predicate language; parsed again without any named checks, it is the same node."""
    match node:
        case Or():
            return " or ".join(_inside(child, Or) for child in node.children)
        case And():
            return " and ".join(_inside(child, Or, And) for child in node.children)
        case Not(child):
            return f"not {_inside(child, Or, And)}"
        case Times(child, count):
            return f"{_inside(child, Or, And, Not, Times, Within)} {count} times"
        case Within(child, limit_s):
            return f"{_inside(child, Or, And, Not, Within)} within {number(limit_s)}s"
        case _:
            return _leaf(node)


def _leaf(node: LeafNode) -> str:
    match node:
        case Command():
            return f"{_command(node)} {_verb(node)}"
        case Metric():
            return f"{node.name} {node.operator} {_bound(node)}"
        case FileIs(path, test, pattern):
            return f"file {_word(path)} {test}" + (f" {write_pattern(pattern)}" if pattern else "")
        case UrlIs(url, status):
            address = _ODD_IN_URL.sub(r"\\\g<0>", url)
            return f"url {address} " + ("is up" if status is None else f"returns {status}")
        case Judge(question):
            return f"judge {quote(question)}"
        case Approved():
            return "approved"


def _inside(child: Node, *looser: type[Node]) -> str:
    return f"({render(child)})" if isinstance(child, looser) else render(child)


def _command(node: Command) -> str:
    if node.shell:
        return quote(node.argv[0])
    if len(node.argv) == 1:
        return _word(node.argv[0])
    return " ".join(_word(word) for word in node.argv)


def _verb(node: Command) -> str:
    match node.verb:
        case "exits":
            return f"exits {node.code}"
        case "prints" if node.pattern:
            return f"prints {write_pattern(node.pattern)}"
        case verb:
            return verb


def write_pattern(pattern: Pattern) -> str:
    """The text in quotes, or the expression between slashes."""
    if not pattern.is_regex:
        return quote(pattern.text)
    return "/" + re.sub(r"\\.|/", lambda match: r"\/" if match[0] == "/" else match[0], pattern.text, flags=re.S) + "/"


def _bound(node: Metric) -> str:
    if not node.baseline:
        return f"{number(node.number)}{node.unit}"
    if not node.number:
        return "baseline"
    return f"baseline{'-' if node.number < 0 else '+'}{number(abs(node.number))}{node.unit}"


def number(value: float) -> str:
    """A number without an exponent and without digits that say nothing."""
    text = f"{Decimal(repr(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quote(text: str) -> str:
    """The text in one pair of quotes."""
    if "'" not in text and ('"' in text or "\\" in text):
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _word(text: str) -> str:
    """The text as one word: a backslash before what would mean something, so that it is no lone quotation."""
    if not text:
        return "''"
    if text.strip(",.;:") in RESERVED:
        return f"\\{text}"
    return text if _PLAIN_WORD.fullmatch(text) else _SPECIAL.sub(r"\\\1", text)


def explain(node: Node, indent: str = "") -> list[str]:
    """How the predicate was understood, as lines for people."""
    match node:
        case And(children) | Or(children):
            head = "all of:" if isinstance(node, And) else "any of:"
            return [indent + head, *(line for child in children for line in explain(child, indent + "  "))]
        case Not(child):
            return [f"{indent}the opposite of (an error stays an error):", *explain(child, indent + "  ")]
        case Times(child, count):
            return [
                f"{indent}{count} times in a row, up to the first that does not hold:",
                *explain(child, indent + "  "),
            ]
        case Within(child, limit_s):
            return [f"{indent}tried again for at most {number(limit_s)} s:", *explain(child, indent + "  ")]
        case _:
            return [indent + _say(node)]


def _say(leaf: LeafNode) -> str:
    match leaf:
        case Command():
            how = "run by bash -o pipefail" if leaf.shell else "run without a shell"
            return f"`{leaf.command}`, {how}, {_say_verb(leaf)}"
        case Metric():
            return f"the metric {leaf.name} is {_OPERATORS[leaf.operator]} {_say_bound(leaf)}"
        case FileIs(path, test, pattern):
            return f"the file {path} {test}" + (f" {write_pattern(pattern)}" if pattern else "")
        case UrlIs(url, status):
            return f"{url} answers " + ("with a status below 400" if status is None else f"with status {status}")
        case Judge(question):
            return f"a model, shown the task and the diff alone, says yes to: {question}"
        case _:
            return "a person approves it"


def _say_verb(leaf: Command) -> str:
    match leaf.verb:
        case "passes":
            return "exits with 0"
        case "fails":
            return "ends by itself with another code than 0"
        case "exits":
            return f"exits with {leaf.code}"
        case "prints":
            return f"exits with 0 and prints {write_pattern(leaf.pattern or Pattern(''))}"


def _say_bound(leaf: Metric) -> str:
    if not leaf.baseline:
        return f"{number(leaf.number)}{leaf.unit}"
    return "what was measured first" + (f" {leaf.number:+g}{leaf.unit}" if leaf.number else "")
