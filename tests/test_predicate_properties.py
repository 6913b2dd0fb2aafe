"""Whatever is typed: it is read, or refused with a column; and what was read is written as it is read.

AGENTLOOP_EXAMPLES=100000 makes a long run of it; it is the number of all examples together.
"""

import os
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentloop.errors import PredicateError
from agentloop.predicate.language import grammar
from agentloop.predicate.language.nodes import (
    And,
    Approved,
    Command,
    FileIs,
    Judge,
    Metric,
    Node,
    Not,
    Or,
    Pattern,
    Times,
    UrlIs,
    Within,
)
from agentloop.predicate.language.wording import explain, render

EXAMPLES = int(os.environ.get("AGENTLOOP_EXAMPLES", "2000"))
NAMES = grammar.Names(
    checks={"lint": "ruff check . passes", "ring": "ring or lint", "torn": "pytest passess", "all": "lint and torn"},
    metrics=("p95", "bundle-size"),
)
NO_CHECKS = grammar.Names(metrics=NAMES.metrics)
"""Enough to read what was written: a check is written out as what it stands for."""
TOKENS = (
    *("pytest", "ruff check .", "passes", "pass", "succeeds", "fails", "exits", "prints", "passess", "exist"),
    *("and", "or", "not", "AND", "&&", "||", "|", ";", "(", ")", "true", "|| true", "3", "0", "times", "within"),
    *("30s", "5m", "soon", "coverage", "tests", "duration", "p95", "cov", "<", "<=", "=", "==", "!=", ">=", ">"),
    *("90", "90%", "200ms", "-1", "baseline", "baseline+1", "baseline - 0.5%", "file", "a/b.md", "exists", "contains"),
    *(
        "matches",
        "url",
        "http://localhost:80/x?a=1&b=2",
        "localhost",
        "is",
        "up",
        "returns",
        "200",
        "judge",
        "approved",
    ),
    *('"a b"', "'a | b'", '"x || true"', '"', "'", "\\", "/a+/", "/(/", "/a b", "lint", "lnit", "ring", "torn", "all"),
    *("", "\n", "\t", "\x00", "\x1b[31m", "é", "\ud800", "FOO=1", "-k", "--x='y z'", "passes,", "$(x)", "`x`"),
)
soups = st.lists(st.sampled_from(TOKENS), max_size=14).flatmap(
    lambda words: st.sampled_from((" ", "", "  ")).map(lambda gap: gap.join(words))
)

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
commands = st.builds(
    Command,
    st.lists(texts, min_size=1, max_size=4).map(tuple).filter(lambda argv: bool(argv[0].strip())),
    verb=st.sampled_from(("passes", "fails")),
)
lines = st.builds(lambda line: Command((f"{line} x",), shell=True), texts)
exits = st.builds(lambda argv, code: Command((argv,), verb="exits", code=code), st.just("make"), st.integers(0, 125))
patterns = st.one_of(
    texts.map(Pattern),
    st.sampled_from((r"a/b", r"p95=\d+ms", r"\\", r"[/]", "^x$", " ")).map(lambda text: Pattern(text, is_regex=True)),
)
prints = st.builds(lambda pattern: Command(("make", "bench"), verb="prints", pattern=pattern), patterns)
numbers = st.integers(0, 10**8).map(lambda value: value / 1000)
metrics = st.one_of(
    st.builds(Metric, st.just("p95"), st.sampled_from(("<", "=", ">=")), numbers, st.sampled_from(("", "ms", "%"))),
    st.builds(Metric, st.just("coverage"), st.just("!="), numbers.map(lambda value: -value), baseline=st.just(True)),
)
files = st.one_of(
    st.builds(FileIs, texts),
    st.builds(lambda path, text: FileIs(path, "contains", Pattern(text)), texts, texts),
    st.builds(lambda path: FileIs(path, "matches", Pattern("a/ b", is_regex=True)), texts),
)
urls = st.builds(
    UrlIs, st.sampled_from(("http://localhost", "https://a.b:1/c(d)?e='f'&g=h")), st.sampled_from((None, 404))
)
leaves = st.one_of(commands, lines, exits, prints, metrics, files, urls, texts.map(lambda text: Judge(f"{text}?")),
                   st.just(Approved()))  # fmt: skip
trees: st.SearchStrategy[Node] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        st.builds(Times, inner, st.integers(1, 100)),
        st.builds(Within, inner, st.floats(0.001, 86400).map(lambda value: round(value, 3))),
    ),
    max_leaves=8,
)


def examples(share: float) -> settings:
    """Settings for a part of all examples."""
    return settings(
        max_examples=int(EXAMPLES * share), deadline=None, suppress_health_check=list(HealthCheck), database=None
    )


def assert_read_or_refused(source: str) -> None:
    try:
        node = grammar.parse_all([source], NAMES)
    except PredicateError as error:
        refused = error
    else:
        assert explain(node)
        assert grammar.parse(render(node), NO_CHECKS) == node
        return
    assert re.search(r"column \d+: \S", refused.message), refused.message
    assert "\x1b" not in refused.message + refused.hint
    of_a_check = refused.message.startswith("the check")
    if refused.hint.startswith("did you mean: ") and not of_a_check:
        grammar.parse(refused.hint.removeprefix("did you mean: "), NAMES)


@examples(0.3)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_column(source: str) -> None:
    assert_read_or_refused(source)


@examples(0.6)
@given(soups)
def test_any_soup_of_the_languages_words_is_read_or_refused_with_a_column(source: str) -> None:
    assert_read_or_refused(source)


@examples(0.1)
@given(trees)
def test_a_tree_that_is_written_down_is_read_as_the_same_tree(tree: Node) -> None:
    assert grammar.parse(render(tree), NO_CHECKS) == tree
