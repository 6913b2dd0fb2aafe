"""Predicates are evaluated with real programs, in three values, with the evidence for each condition."""

import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from agentloop.events import Leaf
from agentloop.predicate import evaluate, evidence, kleene
from agentloop.predicate.evaluate import Context, Evaluation
from agentloop.predicate.language import grammar
from agentloop.process import child_environment


@pytest.fixture
def context(tmp_path: Path) -> Context:
    logs = tmp_path / "logs"
    logs.mkdir()
    tree = tmp_path / "tree"
    tree.mkdir()
    return Context(cwd=tree, env=child_environment(f"test-{os.getpid()}-{id(logs)}"), logs=logs, timeout_s=20)


def check(source: str, context: Context) -> Evaluation:
    return evaluate.evaluate(grammar.parse(source), context)


def only(source: str, context: Context) -> Leaf:
    (leaf,) = check(source, context).leaves
    return leaf


@pytest.mark.parametrize(
    ("source", "verdict", "reason"),
    [
        ("true passes", "pass", "exited 0"),
        ("false passes", "fail", "exited 1"),
        ("false fails", "pass", "exited 1"),
        ("true fails", "fail", "exited 0"),
        ("'exit 3' exits 3", "pass", "exited 3"),
        ("'exit 4' exits 3", "fail", "exited 4, 3 is wanted"),
        ("no-such-command-here passes", "error", "command not found: no-such-command-here"),
        ("no-such-command-here fails", "error", "command not found: no-such-command-here"),
        ("'no-such-command-here' fails", "error", "command not found (exit 127): no-such-command-here"),
        ("'exit 126' fails", "error", "command cannot be executed (exit 126): exit 126"),
        ("'kill -SEGV $$' fails", "error", "ended by SIGSEGV"),
        ("'sh -c \"kill -ABRT \\$\\$\"; exit $?' fails", "error", "ended by SIGABRT (exit 134)"),
        ("'exit 134' exits 134", "pass", "exited 134"),
        ("'false | cat' passes", "fail", "exited 1"),
        ("echo one two prints 'one two'", "pass", "printed 'one two'"),
        ("echo one prints 'two'", "fail", "did not print 'two'"),
        ("'echo one; exit 1' prints 'one'", "fail", "exited 1"),
        ("'echo x; echo p95=12ms' prints /^p95=\\d+ms$/", "pass", "printed /^p95=\\d+ms$/"),
        ("\"printf '\\033[1mred\\033[0m and green'\" prints 'red and green'", "pass", "printed 'red and green'"),
    ],
)
def test_what_a_command_comes_to(source: str, verdict: str, reason: str, context: Context) -> None:
    leaf = only(source, context)
    assert (leaf.verdict, leaf.reason) == (verdict, reason)
    assert leaf.source == source
    assert leaf.missing == ("not found" in reason or "cannot be executed" in reason)


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("lnt", "the check lint"),
        ("lnt passes", "the check lint"),
        ("aproved", "approved"),
        ("http://localhost:8000 is up", "url http://localhost:8000 is up"),
        ("covrage is 90", "the metric coverage"),
        ("covrage passes", "the metric coverage"),
    ],
)
def test_a_program_that_is_missing_may_be_a_misspelt_name(source: str, meant: str, context: Context) -> None:
    names = grammar.Names(checks={"lint": "true passes"})
    (leaf,) = evaluate.evaluate(grammar.parse(source, names), context).leaves
    assert leaf.verdict == "error"
    assert leaf.reason.startswith("command not found: ")
    assert leaf.reason.endswith(f" (did you mean {meant}?)")


def test_a_command_that_takes_too_long_is_an_error(context: Context) -> None:
    for verb in ("passes", "fails"):
        leaf = only(f"sleep 20 {verb}", replace(context, timeout_s=0.3))
        assert leaf.verdict == "error"
        assert leaf.reason.startswith("did not end within")


@pytest.mark.parametrize(
    ("files", "flags", "reason"),
    [
        ({}, "", "no tests ran (exit 5)"),
        ({"test_a.py": "import nowhere"}, "", "pytest was interrupted, or could not collect the tests (exit 2)"),
        ({}, "--no-such-flag", "pytest could not be used as asked (exit 4)"),
    ],
)
def test_pytest_that_did_not_test_neither_passes_nor_fails(
    files: dict[str, str], flags: str, reason: str, context: Context
) -> None:
    for name, text in files.items():
        (context.cwd / name).write_text(text)
    command = f"{sys.executable} -m pytest -p no:cacheprovider {flags}".strip()
    for source in (f"not {command} passes", f"'cd . && {command}' fails"):
        leaf = only(source, context)
        assert (leaf.verdict, leaf.reason) == ("error", reason)


def test_a_code_that_is_asked_for_by_its_number_counts_also_for_pytest(context: Context) -> None:
    assert only(f"{sys.executable} -m pytest -p no:cacheprovider exits 5", context).verdict == "pass"


def test_a_program_that_only_has_pytest_among_its_words_fails_as_it_says(context: Context) -> None:
    (context.cwd / "Makefile").write_text("pytest:\n\texit 5\n")
    assert only("make pytest passes", context).verdict == "fail"


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ("true passes and true passes", "pass"),
        ("true passes and gone-x passes", "error"),
        ("gone-x passes and false passes", "fail"),
        ("gone-x passes or true passes", "pass"),
        ("gone-x passes or false passes", "error"),
        ("not gone-x passes", "error"),
        ("not false passes", "pass"),
        ("not (true passes and false passes)", "pass"),
        ("not (false passes or gone-x passes)", "error"),
    ],
)
def test_three_values(source: str, verdict: str, context: Context) -> None:
    assert check(source, context).verdict == verdict


def test_what_is_possible_covers_what_comes_out() -> None:
    for one in kleene.EVERY:
        for other in kleene.EVERY:
            parts = [frozenset((one,)), frozenset((other,))]
            assert kleene.possible_all(parts) == {kleene.all_of((one, other))}
            assert kleene.possible_any(parts) == {kleene.any_of((one, other))}
    assert kleene.possible_all([frozenset(("fail",)), kleene.EVERY]) == {"fail"}
    assert kleene.possible_any([frozenset(("error",)), kleene.EVERY]) == {"error", "pass"}


def test_every_condition_is_looked_at_and_shown_once(context: Context) -> None:
    done = check("(false passes and 'echo seen' passes) or not ('echo out' passes or file x exists)", context)
    assert done.verdict == "fail"
    assert [(leaf.source, leaf.verdict) for leaf in done.leaves] == [
        ("false passes", "fail"),
        ("'echo seen' passes", "pass"),
        ("not 'echo out' passes", "fail"),
        ("not file x exists", "pass"),
    ]
    assert [leaf.output for leaf in done.leaves] == ["", "", "out", ""]
    assert [Path(leaf.log).name for leaf in done.leaves[:3]] == ["1.log", "2.log", "3.log"]
    assert Path(done.leaves[0].tool).name == "false"


def test_times_stops_at_the_first_that_does_not_pass(context: Context) -> None:
    command = "'echo x >> seen; test $(wc -l < seen) -lt 3'"
    done = check(f"{command} passes 5 times", context)
    assert (done.verdict, done.tree.reason, len(done.leaves)) == ("fail", "fail at time 3 of 5", 1)
    assert (context.cwd / "seen").read_text() == "x\n" * 3
    (context.cwd / "seen").unlink()
    assert check(f"{command} passes 2 times", context).verdict == "pass"


def test_within_tries_until_it_passes(context: Context) -> None:
    command = "'echo x >> seen; test $(wc -l < seen) -ge 3'"
    done = check(f"{command} passes within 30s", context)
    assert done.verdict == "pass"
    assert (context.cwd / "seen").read_text() == "x\n" * 3
    assert len(done.leaves) == 1


def test_within_ends_when_the_time_is_up_and_keeps_what_was_seen(context: Context) -> None:
    done = check("'test -e seen && sleep 30; touch seen; echo not yet; exit 1' passes within 0.4s", context)
    assert (done.verdict, done.leaves[0].reason, done.leaves[0].output) == ("fail", "exited 1", "not yet")


def test_within_does_not_wait_for_a_command_that_is_missing(context: Context) -> None:
    began = time.monotonic()
    assert check("gone-x passes within 100s", context).verdict == "error"
    assert time.monotonic() - began < 50


@pytest.mark.parametrize(
    ("source", "answer", "verdict", "asked"),
    [
        ("true passes and approved", True, "pass", 1),
        ("approved and true passes", False, "fail", 1),
        ("false passes and approved", True, "fail", 0),
        ("gone-x passes and approved", True, "error", 0),
        ("true passes or approved", False, "pass", 0),
        ("false passes or approved", True, "pass", 1),
        ("true passes and (true passes or approved)", False, "pass", 0),
        ("not (true passes and approved)", False, "pass", 1),
        ("not (false passes and approved)", False, "pass", 0),
        ("(true passes and approved) 2 times", True, "pass", 2),
        ("(true passes and approved) within 20s", False, "fail", 1),
        ("('test -e x || { touch x; false; }' passes and approved) within 20s", True, "pass", 1),
    ],
)
def test_a_person_is_asked_only_when_it_matters(
    source: str, answer: bool, verdict: str, asked: int, context: Context
) -> None:
    questions: list[str] = []

    def ask(question: str, _timeout_s: float) -> bool:
        questions.append(question)
        return answer

    done = check(source, replace(context, ask=ask))
    assert (done.verdict, len(questions)) == (verdict, asked)
    if not asked:
        (leaf,) = [leaf for leaf in done.leaves if leaf.kind == "approved"]
        assert (leaf.verdict, leaf.reason.split(":")[0]) == ("error", "not asked")


def test_without_a_person_an_approval_is_an_error(context: Context) -> None:
    leaf = only("approved", context)
    assert (leaf.kind, leaf.verdict) == ("approved", "error")
    assert "a person has to approve it" in leaf.reason


@pytest.mark.parametrize(("source", "limit_s"), [("approved", math.inf), ("approved within 2s", 2.0)])
def test_a_person_has_as_long_as_within_allows(source: str, limit_s: float, context: Context) -> None:
    given: list[float] = []

    def ask(_question: str, timeout_s: float) -> bool:
        given.append(timeout_s)
        raise TimeoutError

    leaf = only(source, replace(context, ask=ask))
    assert (leaf.verdict, leaf.reason) == ("error", "nobody answered in time")
    assert given == [limit_s]


def test_a_regular_expression_that_never_ends_is_an_error(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentloop.predicate.search.SEARCH_TIMEOUT_S", 0.5)
    leaf = only(f"echo {'a' * 60}b prints /(a+)+$/", context)
    assert leaf.verdict == "error"
    assert "did not end" in leaf.reason


def test_the_time_of_a_condition_includes_its_regular_expression(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentloop.predicate.search.SEARCH_TIMEOUT_S", 0.5)
    leaf = only(f"echo {'a' * 60}b prints /(a+)+$/", context)
    assert leaf.duration_s >= 0.5


def test_long_output_becomes_short_evidence_and_a_whole_log(context: Context) -> None:
    program = context.cwd / "loud.py"
    program.write_text("print('first')\nfor _ in range(200_000):\n    print('y' * 80)\nprint('last')\nexit(3)\n")
    leaf = only(f"{sys.executable} {program} passes", context)
    assert leaf.reason == "exited 3"
    assert len(leaf.output) < evidence.MAX_EXCERPT_CHARS + 100
    assert leaf.output.startswith("first")
    assert leaf.output.endswith("last")
    assert Path(leaf.log).stat().st_size > 15_000_000


def test_evidence_holds_no_escape_codes_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "SERVICE_TOKEN", "zq81-secret-value")
    text = evidence.excerpt("\x1b[31mred\x1b[0m zq81-secret-value")
    assert text.startswith("red ")
    assert "zq81" not in text
