"""Predicates are read without eval, run without a shell, and have three values."""

import os
import sys
from pathlib import Path

import pytest

from agentloop.errors import PredicateError
from agentloop.events import VerdictValue
from agentloop.predicate import evaluate, evidence, grammar
from agentloop.process import child_environment


@pytest.mark.parametrize(
    ("source", "argv"),
    [
        ("pytest passes", ("pytest",)),
        ("pytest", ("pytest",)),
        ("ruff check . passes", ("ruff", "check", ".")),
        ("make 'my target' passes", ("make", "my target")),
        ('"a | b" passes', ("bash", "-o", "pipefail", "-c", "a | b")),
        ("'a && b'", ("bash", "-o", "pipefail", "-c", "a && b")),
    ],
)
def test_a_command_is_read(source: str, argv: tuple[str, ...]) -> None:
    assert grammar.parse(source).argv == argv


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "empty"),
        ("passes", "empty"),
        ("pytest | tail passes", "column 8"),
        ("pytest > log passes", "needs a shell"),
        ("pytest; true", "needs a shell"),
        ('"pytest || true" passes', "never fail"),
        ("pytest passes and ruff passes", "column 8"),
        ("echo 'x passes", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(source: str, words: str) -> None:
    with pytest.raises(PredicateError, match=words):
        grammar.parse(source)


def run(source: str, tmp_path: Path, timeout_s: float = 20) -> tuple[VerdictValue, str, str]:
    verdict, leaves = evaluate.evaluate(
        [grammar.parse(source)],
        cwd=tmp_path,
        env=child_environment(f"test-{os.getpid()}"),
        logs=tmp_path,
        timeout_s=timeout_s,
    )
    return verdict, leaves[0].reason, leaves[0].output


def test_exit_codes_make_verdicts(tmp_path: Path) -> None:
    assert run("true passes", tmp_path)[0] == "pass"
    assert run("false passes", tmp_path)[:2] == ("fail", "exited 1")
    assert run("no-such-command-here passes", tmp_path)[:2] == (
        "error",
        "command not found: no-such-command-here",
    )
    assert run("'no-such-command-here' passes", tmp_path)[0] == "error"
    assert run("'kill -SEGV $$' passes", tmp_path)[:2] == ("error", "ended by SIGSEGV")
    assert run("sleep 20 passes", tmp_path, timeout_s=0.3)[0] == "error"


def test_a_pipe_does_not_hide_a_failure(tmp_path: Path) -> None:
    assert run("'false | cat' passes", tmp_path)[0] == "fail"


def test_no_tests_is_no_pass(tmp_path: Path) -> None:
    verdict, reason, _output = run(f"{sys.executable} -m pytest -p no:cacheprovider passes", tmp_path)
    assert (verdict, reason) == ("error", "no tests ran (exit 5)")


def test_all_of_several_must_hold() -> None:
    assert evaluate.combine(["pass", "pass"]) == "pass"
    assert evaluate.combine(["pass", "error"]) == "error"
    assert evaluate.combine(["error", "fail"]) == "fail"


def test_long_output_becomes_short_evidence_and_a_whole_log(tmp_path: Path) -> None:
    program = tmp_path / "loud.py"
    program.write_text("print('first')\nfor _ in range(200_000):\n    print('y' * 80)\nprint('last')\nexit(3)\n")
    source = f"{sys.executable} {program} passes"
    _verdict, reason, output = run(source, tmp_path)
    assert reason == "exited 3"
    assert len(output) < evidence.MAX_EXCERPT_CHARS + 100
    assert output.startswith("first")
    assert output.endswith("last")
    assert (tmp_path / "1.log").stat().st_size > 15_000_000


def test_evidence_holds_no_escape_codes_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "SERVICE_TOKEN", "zq81-secret-value")
    text = evidence.excerpt("\x1b[31mred\x1b[0m zq81-secret-value")
    assert text.startswith("red ")
    assert "zq81" not in text
