"""Reading a predicate: a lexer and a recursive descent, no eval.

predicate := and { "or" and }          and  := unary { "and" unary }
unary     := "not" unary | atom [ N "times" ] [ "within" DURATION ]
atom      := "(" predicate ")" | NAME of a check | condition   (conditions.py)
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from agentloop.errors import PredicateError
from agentloop.predicate.language import conditions, suggest
from agentloop.predicate.language.lexer import JOINS, Edits, Lexer, Scope, Token
from agentloop.predicate.language.nodes import And, Node, Not, Or, Times, Within, judges_suffice
from agentloop.predicate.language.wording import RESERVED
from agentloop.text import amounts

MAX_DEPTH = 40
MAX_TIMES = 100
MAX_WITHIN_S = 86400.0
MAX_CHECKS = 200
_EXAMPLE = 'for example: "pytest passes and ruff check . passes"'


@dataclass(frozen=True, slots=True)
class Names:
    """What a predicate may name beside the words of the language."""

    checks: Mapping[str, str] = field(default_factory=dict)
    """Predicates by their names."""
    metrics: Collection[str] = ()
    """Metrics beside coverage, tests and duration."""
    allow_judge_only: bool = False


def parse(source: str, names: Names = Names()) -> Node:
    """Read one predicate.

    Raises:
        PredicateError: it cannot be read; says the column, what was expected, and what may have been meant.
    """
    return _Parser(source, names).whole()


def parse_all(sources: Sequence[str], names: Names = Names()) -> Node:
    """Read several predicates, all of which have to hold.

    Raises:
        PredicateError: one of them cannot be read, or models alone could make all of them hold.
    """
    if not sources:
        raise PredicateError("the predicate, column 1: there is none", hint=_EXAMPLE)
    taken = sorted(RESERVED.intersection(names.checks))
    if taken:
        raise PredicateError(f"the check {taken[0]!r}, column 1: this is a word of the language", hint="rename it")
    nodes = tuple(parse(source, names) for source in sources)
    node = nodes[0] if len(nodes) == 1 else And(nodes, source=" and ".join(sources))
    if judges_suffice(node) and not names.allow_judge_only:
        source = next(source for source, part in zip(sources, nodes, strict=True) if judges_suffice(part))
        at = max(source.find("judge"), 0)
        raise Lexer(source, "the predicate").error(
            at,
            at + len("judge"),
            "a model's word alone would make it hold, and a model can be talked into it",
            expected="a condition beside it that is run, or --allow-judge-only",
            meant=lambda: f"pytest passes and {source}",
        )
    return node


class _Parser:
    """Reads one text.

    Args:
        source: the text.
        names: see `Names`.
        suggests: make suggestions; a suggestion is read once more without any.
        around: the checks that are being read around this text.
        depth: how deep this text lies.
    """

    def __init__(
        self, source: str, names: Names, *, suggests: bool = True, around: tuple[str, ...] = (), depth: int = 0
    ) -> None:
        self.source = source
        self.names = names
        self.suggests = suggests
        self.around = around
        self.depth = depth
        self.read_checks = 0
        self.lexer = Lexer(source, f"the check {around[-1]!r}" if around else "the predicate")
        self.scope = Scope(self.lexer, names.checks, names.metrics, self.first_of)

    def whole(self) -> Node:
        """Read all of it."""
        first = self.lexer.peek()
        if first.is_end:
            raise self.lexer.error(first.start, first.end, "it is empty", expected=_EXAMPLE)
        node = self.either()
        rest = self.lexer.peek()
        if not rest.is_end:
            raise self.left_over(rest)
        return node

    def either(self) -> Node:
        return self.joined("or", lambda: self.joined("and", self.unary, And), Or)

    def joined(self, word: str, part: Callable[[], Node], kind: type[And] | type[Or]) -> Node:
        start = self.lexer.skip_space()
        nodes = [part()]
        while self.lexer.peek().is_word(word):
            self.lexer.next()
            nodes.append(part())
        return nodes[0] if len(nodes) == 1 else kind(tuple(nodes), source=self.since(start))

    def unary(self) -> Node:
        token = self.lexer.peek()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.lexer.error(token.start, token.end, f"it is nested more than {MAX_DEPTH} deep")
        node = self.negated() if token.is_word("not") else self.repeated()
        self.depth -= 1
        return node

    def negated(self) -> Node:
        start = self.lexer.next().start
        return Not(self.unary(), source=self.since(start))

    def repeated(self) -> Node:
        start = self.lexer.skip_space()
        node = self.atom()
        node = self.times(node, start)
        if self.lexer.peek().is_word("within"):
            self.lexer.next()
            limit_s = self.duration()
            node = Within(node, limit_s, source=self.since(start))
        return node

    def times(self, node: Node, start: int) -> Node:
        before = self.lexer.position
        number = self.lexer.next()
        if not (number.text.isascii() and number.text.isdigit() and self.lexer.peek().is_word("times", "time")):
            self.lexer.position = before
            return node
        self.lexer.next()
        count = int(number.text) if len(number.text) <= 9 else 0
        if not 1 <= count <= MAX_TIMES:
            raise self.lexer.error(number.start, number.end, f"times wants a number from 1 to {MAX_TIMES}")
        return Times(node, count, source=self.since(start))

    def duration(self) -> float:
        token = self.lexer.next()
        try:
            limit_s = amounts.duration_s(token.text)
        except ValueError:
            limit_s = 0.0
        if not isinstance(limit_s, float) or not 0 < limit_s <= MAX_WITHIN_S:
            raise self.lexer.error(
                token.start, token.end, "within wants a duration", expected="30s, 5m or 1.5h; a day at most"
            )
        return limit_s

    def atom(self) -> Node:
        token = self.lexer.peek()
        if token.text == "(" and not token.quoted:
            return self.group()
        if token.text == ")" and not token.quoted:
            raise self.lexer.error(
                token.start, token.end, "nothing stands before this", expected="a condition; quote it in a command"
            )
        return self.check(token) or conditions.read(self.scope)

    def group(self) -> Node:
        opening = self.lexer.next()
        node = self.either()
        closing = self.lexer.next()
        if closing.text != ")" or closing.quoted:
            if not closing.is_end:
                raise self.left_over(closing)
            raise self.lexer.error(opening.start, opening.end, "this parenthesis is not closed", expected="a )")
        return node

    def check(self, name: Token) -> Node | None:
        """The predicate that a name stands for, also with `passes` behind it; None when it is no check's name."""
        if name.quoted or name.text not in self.names.checks or name.text in RESERVED:
            return None
        before = self.lexer.position
        self.lexer.next()
        follows = self.lexer.peek()
        if follows.is_word("passes", "pass", "succeeds"):
            self.lexer.next()
        elif follows.is_word("fails"):
            raise self.lexer.error(
                follows.start,
                follows.end,
                f"{name.text!r} is a check of the configuration, and `fails` is for commands",
                meant=self.first_of([(name.start, follows.end, f"not {name.text}")]),
            )
        elif not self.ends_condition(follows):
            self.lexer.position = before
            return None
        return self.expand(name)

    def ends_condition(self, token: Token) -> bool:
        if token.is_end or token.is_word(*JOINS, ")", "within"):
            return True
        return token.text.isdigit() or bool(not token.quoted and suggest.join_for(token.text))

    def expand(self, name: Token) -> Node:
        if name.text in self.around:
            circle = " -> ".join([*self.around[self.around.index(name.text) :], name.text])
            raise self.lexer.error(
                name.start,
                name.end,
                f"the check {name.text!r} stands for itself ({circle})",
                expected=f'another name, or "{name.text}" in quotes for the command',
            )
        self.read_checks += 1
        inner = _Parser(
            self.names.checks[name.text],
            self.names,
            suggests=self.suggests,
            around=(*self.around, name.text),
            depth=self.depth,
        )
        inner.read_checks = self.read_checks
        if self.read_checks > MAX_CHECKS:
            raise self.lexer.error(name.start, name.end, f"more than {MAX_CHECKS} checks are named")
        node = inner.whole()
        self.read_checks = inner.read_checks
        return node

    def left_over(self, token: Token) -> PredicateError:
        join = suggest.join_for(token.text) if not token.quoted else ""
        edits = [(token.start, token.end, join)] if join else []
        edits += suggest.misplaced(self.source, token.start, token.end) if not token.quoted else []
        edits += [(token.start, token.start, "and ")]
        what = "and, or"
        if token.text == ")" and not token.quoted:
            return self.lexer.error(token.start, token.end, "this closes no parenthesis", expected=what)
        return self.lexer.error(
            token.start,
            token.end,
            "the condition before this has ended",
            expected=f"{what}, N times, within DURATION, or the end",
            meant=self.first_of(edits),
        )

    def since(self, start: int) -> str:
        return self.source[start : self.lexer.position].strip()

    def first_of(self, edits: Edits) -> Callable[[], str]:
        """The first of some edits, each (start, end, text), after which the whole can be read."""

        def near() -> str:
            for start, end, text in edits if self.suggests else ():
                candidate = f"{self.source[:start]}{text}{self.source[end:]}".strip()
                try:
                    _Parser(candidate, self.names, suggests=False, around=self.around).whole()
                except PredicateError:
                    continue
                return candidate
            return ""

        return near
