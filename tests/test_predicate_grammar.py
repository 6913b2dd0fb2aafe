"""The predicate language: what is read, what is refused with a column, and what was probably meant."""

import pytest

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
    judges_suffice,
)

NAMES = grammar.Names(checks={"tests": "pytest passes", "lint": "ruff check . passes"}, metrics=("p95",))
A, B, C = Command(("a",)), Command(("b",)), Command(("c",))


def shell(line: str) -> Command:
    return Command((line,), shell=True)


@pytest.mark.parametrize(
    ("source", "node"),
    [
        ("pytest passes", Command(("pytest",))),
        ("pytest", Command(("pytest",))),
        ("pytest pass", Command(("pytest",))),
        ("ruff check . succeeds", Command(("ruff", "check", "."))),
        ("make 'my target' passes", Command(("make", "my target"))),
        ("make --name='my target' passes", Command(("make", "--name=my target"))),
        (r"my\ prog passes", Command(("my prog",))),
        ('"a | b" passes', shell("a | b")),
        ("'a && b'", shell("a && b")),
        (r'"echo \"x\" \$y" passes', shell(r'echo "x" \$y')),
        ('"pass" through passes', Command(("pass", "through"))),
        ("make fails", Command(("make",), verb="fails")),
        ("make exits 3", Command(("make",), verb="exits", code=3)),
        ('make prints "a b"', Command(("make",), verb="prints", pattern=Pattern("a b"))),
        (r"make prints /a\/b \d/", Command(("make",), verb="prints", pattern=Pattern(r"a/b \d", is_regex=True))),
        ("/usr/bin/env true passes", Command(("/usr/bin/env", "true"))),
        ("coverage run -m pytest passes", Command(("coverage", "run", "-m", "pytest"))),
        ("coverage >= 90%", Metric("coverage", ">=", 90, "%")),
        ("tests>3", Metric("tests", ">", 3)),
        ("duration < 1.5min", Metric("duration", "<", 1.5, "min")),
        ("p95 == 200ms", Metric("p95", "=", 200, "ms")),
        ("tests >= baseline", Metric("tests", ">=", baseline=True)),
        ("coverage >= baseline - 0.5%", Metric("coverage", ">=", -0.5, "%", baseline=True)),
        ("file a.md exists", FileIs("a.md")),
        ('file "a b" contains "c"', FileIs("a b", "contains", Pattern("c"))),
        ("file a matches /^b c/", FileIs("a", "matches", Pattern("^b c", is_regex=True))),
        ('"file" a.out prints "ELF"', Command(("file", "a.out"), verb="prints", pattern=Pattern("ELF"))),
        ("url http://localhost:80/?a=1&b=2 is up", UrlIs("http://localhost:80/?a=1&b=2")),
        ("url https://a.b returns 204", UrlIs("https://a.b", 204)),
        ('judge "is it so?"', Judge("is it so?")),
        ("approved", Approved()),
        ("a passes and b passes or c passes", Or((And((A, B)), C))),
        ("a passes and (b passes or c passes)", And((A, Or((B, C))))),
        ("not a passes and b passes", And((Not(A), B))),
        ("not not a passes", Not(Not(A))),
        ("not a passes 3 times", Not(Times(A, 3))),
        ("a passes 3 times within 2m", Within(Times(A, 3), 120)),
        ("(a passes or b passes) within 30s", Within(Or((A, B)), 30)),
        ("tests", Command(("pytest",))),
        ("tests pass and not lint", And((Command(("pytest",)), Not(Command(("ruff", "check", ".")))))),
        ("lint --fix passes", Command(("lint", "--fix"))),
    ],
)  # fmt: skip
def test_what_is_read(source: str, node: Node) -> None:
    assert grammar.parse(source, NAMES) == node


@pytest.mark.parametrize(
    ("source", "column", "words", "meant"),
    [
        ("", 1, "empty", ""),
        ("  ", 3, "empty", ""),
        ("passes", 1, "no command", ""),
        ("pytest passess", 8, "'passess' is no verb", "pytest passes"),
        ("pytest fail", 8, "no verb", "pytest fails"),
        ("pytest passes and ruff check .", 19, "no verb", "pytest passes and ruff check . passes"),
        ("pytest and ruff passes", 1, "no verb", "pytest passes and ruff passes"),
        ("lnit and pytest passes", 1, "no verb", "lint and pytest passes"),
        ("pytest | tail passes", 8, "needs a shell", '"pytest | tail" passes'),
        ("pytest > log passes", 8, "needs a shell", '"pytest > log" passes'),
        ("pytest; true passes", 7, "could never fail", ""),
        ("pytest || true", 8, "could never fail", ""),
        ("pytest & passes", 8, "needs a shell", '"pytest &" passes'),
        ("make && ruff passes", 6, "needs a shell", '"make && ruff" passes'),
        ('"pytest || true" passes', 1, "never fail", ""),
        ('"pytest ; exit 0" passes', 1, "never fail", ""),
        ('"pytest || echo no" passes', 1, "never fail", ""),
        ("pytest passes && ruff passes", 15, "has ended", "pytest passes and ruff passes"),
        ("pytest passes AND ruff passes", 15, "has ended", "pytest passes and ruff passes"),
        ("pytest passes ruff passes", 15, "has ended", "pytest passes and ruff passes"),
        ("pytest passes, ruff passes", 8, "no verb", "pytest passes and ruff passes"),
        ("pytest not passes", 8, "not stands before", "not pytest passes"),
        ("FOO=1 pytest passes", 1, "variable", "env FOO=1 pytest passes"),
        ("pytest -k (a or b) passes", 11, "quoted", 'pytest -k "(a or b)" passes'),
        ("(pytest passes", 1, "not closed", ""),
        ("pytest passes)", 14, "closes no", ""),
        ("echo 'x passes", 6, "not closed", ""),
        ("pytest passes and", 18, "condition is wanted", ""),
        ("make exits soon", 12, "exit code", ""),
        ("make exits 127", 12, "never a pass", ""),
        ("make prints all good", 13, "text", 'make prints "all good"'),
        ("make prints /a(/", 15, "cannot be read", ""),
        ("make prints /a", 13, "not closed", ""),
        ("cov >= 80", 1, "no metric is called 'cov'", "coverage >= 80"),
        ("coverage >= high", 13, "number", ""),
        ("tests > 3s", 9, "no unit", ""),
        ("file a", 7, "what has to be so", "file a exists"),
        ("file a exits", 8, "what has to be so", "file a exists"),
        ("file a.out passes", 12, "what has to be so", '"file" a.out passes'),
        ("url localhost:80 is up", 5, "no address", "url http://localhost:80 is up"),
        ("url ftp://a is up", 5, "no address", ""),
        ("url http://ann:zq81@a/ is up", 5, "no user and no password", ""),
        ("url http://ann@a/ is up", 5, "no user and no password", ""),
        ("url http://a/\u00fc?q=\u00e9 is up", 5, "percent-encoded", "url http://a/%C3%BC?q=%C3%A9 is up"),
        ("url http://\u00fc.org/ is up", 5, "percent-encoded", ""),
        ("coverage is 90", 1, "is a metric", "coverage >= 90"),
        ("coverage at least 90%", 1, "is a metric", "coverage >= 90%"),
        ("duration below 5s", 1, "is a metric", "duration < 5s"),
        ("coverage", 1, "is a metric", "coverage >= baseline"),
        ("coverage run -m pytest", 1, "is a metric", "coverage run -m pytest passes"),
        ("pytest passes adn true passes", 15, "has ended", "pytest passes and true passes"),
        ("pytest passes withn 3s", 15, "has ended", "pytest passes within 3s"),
        ("url http://x is up wihtin 30s", 20, "has ended", "url http://x is up within 30s"),
        ("url http://x is up within 30 s", 30, "has ended", "url http://x is up within 30s"),
        ("true passes 3times", 13, "has ended", "true passes 3 times"),
        ("true passes 3 tiems", 13, "has ended", "true passes 3 times"),
        ("judge", 6, "one question", ""),
        ("$(ls) passes", 2, "quoted", '"$(ls)" passes'),
        ("echo $(ls) passes", 7, "quoted", '"echo $(ls)" passes'),
        ("pytest does not pass", 13, "not stands before", "not pytest passes"),
        ("a.txt exists", 7, "file stands before", "file a.txt exists"),
        ("true passes and a.txt contains 'x'", 23, "file stands before", "true passes and file a.txt contains 'x'"),
        ("coverage >= basline", 13, "number", "coverage >= baseline"),
        ("coverage > = 90", 12, "number", "coverage >= 90"),
        ("coverage => 90", 11, "number", "coverage >= 90"),
        ("coverage =< 90", 11, "number", "coverage <= 90"),
        ('file a.txt matches "x/y"', 12, "wants a /regex/", "file a.txt matches /x\\/y/"),
        ("file a.txt contains /x/", 12, "wants a", 'file a.txt contains "x"'),
        ("url http://a", 13, "what has to be so", "url http://a is up"),
        ("url http://a returns 20", 22, "status", ""),
        ("judge is it so", 7, "one question", 'judge "is it so"'),
        ("a passes 0 times", 10, "from 1 to 100", ""),
        ("a passes within soon", 17, "duration", ""),
        ("a passes within 9999999d", 17, "duration", ""),
        ("lint fails", 6, "for commands", "not lint"),
        ("a\0b passes", 2, "cannot be passed", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_column(source: str, column: int, words: str, meant: str) -> None:
    with pytest.raises(PredicateError) as caught:
        grammar.parse(source, NAMES)
    message = caught.value.message
    assert f"column {column}: " in message
    assert words in message
    assert caught.value.hint == (f"did you mean: {meant}" if meant else "")


def test_the_message_shows_the_line_and_points_at_the_part() -> None:
    with pytest.raises(PredicateError) as caught:
        grammar.parse("'a\nb' passes and\n  ruff chekc")
    assert caught.value.message.splitlines() == [
        "the predicate, line 3, column 3: no verb after this command",
        "    ruff chekc",
        "    ^~~~~~~~~~",
        '  expected: passes, fails, exits N, prints "text" or prints /regex/',
    ]
    assert caught.value.hint == "did you mean: 'a\nb' passes and\n  ruff chekc passes"


def test_a_long_line_is_cut_around_the_column() -> None:
    with pytest.raises(PredicateError) as caught:
        grammar.parse(f"echo {'x' * 500} | cat passes")
    _first, shown, caret, *_rest = caught.value.message.splitlines()
    assert len(shown) < 120
    assert shown[caret.index("^")] == "|"


@pytest.mark.parametrize(
    "source", ["url http://ann:zq81@a is up", "url http://ann:z@q81@a", "url ftp://zq81:b@a is up"]
)
def test_a_password_in_an_address_is_not_shown(source: str) -> None:
    with pytest.raises(PredicateError) as caught:
        grammar.parse(source)
    assert "q81" not in caught.value.message + caught.value.hint
    assert len(caught.value.message.splitlines()[1]) == len(source) + 2


@pytest.mark.parametrize(
    ("source", "caret"),
    [
        ("\u65e5\u672c\u8a9e passess", "         ^~~~~~~"),
        ("e\u0301te\u0301 passess", "      ^~~~~~~"),
        ("a \u65e5\u672c passess", "         ^~~~~~~"),
        ("url \u65e5\u672c is up", "      ^~~~"),
    ],
)
def test_the_caret_stands_below_the_part_also_behind_wide_characters(source: str, caret: str) -> None:
    with pytest.raises(PredicateError) as caught:
        grammar.parse(source)
    assert caught.value.message.splitlines()[2] == caret


def test_a_shell_line_may_end_in_a_word_that_only_looks_like_an_excuse() -> None:
    for line in ("grep -q true", "test -e x && true", "(rm x || true) && make", "set -x; make", "printf x; cat y"):
        assert grammar.parse(f'"{line}" passes') == shell(line)
    assert grammar.parse("\"curl -s x; echo\" prints 'ok'").source == "\"curl -s x; echo\" prints 'ok'"


def test_a_check_that_names_itself_is_refused() -> None:
    names = grammar.Names(checks={"a": "b and x passes", "b": "not a", "c": "pytest passess"})
    with pytest.raises(PredicateError, match=r"the check 'b', column 5: .*a -> b -> a"):
        grammar.parse("a", names)
    with pytest.raises(PredicateError, match=r"the check 'c', column 8"):
        grammar.parse("c", names)


def test_a_check_cannot_take_a_word_of_the_language() -> None:
    with pytest.raises(PredicateError, match="the check 'file', column 1"):
        grammar.parse_all(["pytest passes"], grammar.Names(checks={"file": "a passes"}))


def test_depth_length_and_expansion_are_bounded() -> None:
    assert grammar.parse("(" * 30 + "a passes" + ")" * 30) == A
    checks = {f"c{n}": f"c{n + 1} and c{n + 1}" for n in range(30)} | {"c30": "a passes"}
    for source in ("(" * 5000, "not " * 2000 + "a passes", "x" * 20_000, "c0"):
        with pytest.raises(PredicateError, match=r"column \d+"):
            grammar.parse(source, grammar.Names(checks=checks))


@pytest.mark.parametrize(
    ("source", "alone"),
    [
        ('judge "x"', True),
        ('judge "x" and pytest passes', False),
        ('judge "x" or pytest passes', True),
        ('not judge "x"', True),
        ('judge "x" 2 times within 5s', True),
        ('not (pytest fails and judge "x")', True),
        ('not (pytest fails or judge "x")', False),
        ('judge "x" and approved', False),
    ],
)
def test_a_models_word_alone_is_no_pass(source: str, alone: bool) -> None:
    assert judges_suffice(grammar.parse(source)) is alone
    if alone:
        with pytest.raises(PredicateError, match=r"column \d+: a model's word alone"):
            grammar.parse_all([source])
    assert isinstance(grammar.parse_all([source, "pytest passes"]), And)
    assert grammar.parse_all([source], grammar.Names(allow_judge_only=True)) == grammar.parse(source)
