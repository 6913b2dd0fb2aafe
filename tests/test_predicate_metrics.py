"""Metrics: read from what the check's commands did, or measured by a command of one's own."""

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agentloop.errors import ConfigError
from agentloop.events import TestCounts
from agentloop.job import MetricSpec
from agentloop.predicate import evaluate, metrics
from agentloop.predicate.context import Ran, Record
from agentloop.predicate.evaluate import Context, Evaluation
from agentloop.predicate.language import grammar
from agentloop.predicate.language.nodes import Metric
from agentloop.process import child_environment


@pytest.fixture
def context(tmp_path: Path) -> Context:
    logs, tree = tmp_path / "logs", tmp_path / "tree"
    logs.mkdir()
    tree.mkdir()
    return Context(cwd=tree, env=child_environment(f"test-{os.getpid()}"), logs=logs, timeout_s=60)


def check(source: str, context: Context) -> Evaluation:
    return evaluate.evaluate(grammar.parse(source, grammar.Names(metrics=[*context.metrics])), context)


@pytest.mark.parametrize(
    ("output", "percent"),
    [
        ("Name  Stmts  Miss  Cover\na.py  5  1  80%\nTOTAL        120     15    88%\n", 88),
        ("TOTAL   120  15  30  4  87.25%\n", 87.25),
        ("TOTAL 5 1 80%\nRequired test coverage of 50% reached. Total coverage: 80.12%\n", 80.12),
        ("ok  \texample.com/a\t0.1s\tcoverage: 85.7% of statements\n", 85.7),
        ("a.go:3:\tF\t100.0%\ntotal:\t(statements)\t66.7%\n", 66.7),
        ("---|---|\nFile | % Stmts | % Branch |\nAll files  |   91.66 |    50 |\n a.js | 10 | 1 |\n", 91.66),
        ("Statements   : 83.33% ( 5/6 )\nBranches : 50% ( 1/2 )\n", 83.33),
        ("72.50% coverage, 29/40 lines covered\n", 72.5),
        ("Line Coverage: 97.1% (34 / 35)\n", 97.1),
        ("  Lines:   75.00% (3/4)\n", 75),
        ("  lines......: 64.3% (9 of 14 lines)\n", 64.3),
        ("TOTAL  10  2  80.00%  4  1  75.00%  30  3  90.00%\n", 90),
    ],
)
def test_the_total_is_found_in_the_output_of_coverage_tools(output: str, percent: float, context: Context) -> None:
    (context.cwd / "out").write_text(output)
    done = check("coverage >= 50 and cat out passes", context)
    assert done.metrics == {"coverage": percent}
    assert done.verdict == "pass"


def test_several_totals_are_no_total(context: Context) -> None:
    line = "ok  \ta\t0.1s\tcoverage: {}% of statements\n"
    (context.cwd / "out").write_text(line.format(80) + line.format(90))
    leaf = check("cat out passes and coverage >= 50", context).leaves[1]
    assert leaf.verdict == "error"
    assert "different totals" in leaf.reason
    assert "[metrics.coverage]" in leaf.reason


def test_coverage_that_nothing_measures_is_an_error_with_its_remedy(context: Context) -> None:
    (context.cwd / ".coverage").write_text("old")
    os.utime(context.cwd / ".coverage", (1, 1))
    for source in ("coverage >= 1 and true passes", "not coverage >= 1"):
        leaf = check(source, context).leaves[0]
        assert leaf.verdict == "error"
        assert "[metrics.coverage]" in leaf.reason


def test_coverage_is_read_from_the_data_that_the_check_wrote(context: Context) -> None:
    (context.cwd / "a.py").write_text("import os\nif os.sep == 'x':\n    print(1)\n    print(2)\n")
    program = Path(sys.executable).parent / "coverage"
    context = replace(context, env={**context.env, "PATH": f"{program.parent}:{context.env['PATH']}"})
    clean = {name: value for name, value in context.env.items() if not name.startswith("COVERAGE")}
    done = check(f"{program} run a.py passes and coverage = 50%", replace(context, env=clean))
    assert (done.verdict, dict(done.metrics)) == ("pass", {"coverage": 50})


def test_duration_is_that_of_the_checks_commands(context: Context) -> None:
    done = check("sleep 0.1 passes and duration >= 100ms and duration < 1h", context)
    assert done.verdict == "pass"
    assert 0.1 <= done.metrics["duration"] < 60


def test_tests_counts_those_that_passed(context: Context) -> None:
    record = metrics.new_record()
    leaf = check("true passes", context).leaves[0]
    for number, counts in enumerate((TestCounts(passed=3, failed=1), TestCounts(passed=2), None)):
        record.commands[number] = Ran(leaf.model_copy(update={"tests": counts}), "")
    compared = metrics.compare(Metric("tests", "=", 5), 9, context, record)
    assert compared.finding == ("pass", "tests is 5, wanted = 5")


def test_without_a_report_the_tests_are_unknown(context: Context) -> None:
    assert metrics.compare(Metric("tests", ">", 0), 1, context, Record(0.0)).finding[0] == "error"


@pytest.mark.parametrize(
    ("spec", "verdict", "reason"),
    [
        ({"command": "echo p95=120ms; echo p95=80ms", "regex": r"p95=(\d+)ms"}, "pass", "p95 is 80, wanted < 100"),
        ({"command": "echo 1,250", "regex": r"[\d,]+"}, "fail", "p95 is 1250, wanted < 100"),
        ({"command": 'echo \'{"a": [{"b": 7}]}\'', "jmespath": "a[0].b"}, "pass", "p95 is 7, wanted < 100"),
        ({"command": 'echo \'{"a": "12.5%"}\'', "jmespath": "a"}, "pass", "p95 is 12.5, wanted < 100"),
        ({"command": "echo none", "regex": r"\d+"}, "error", "matches nothing"),
        ({"command": "echo 1; exit 3", "regex": r"\d+"}, "error", "exited 3"),
        ({"command": "no-such-x", "regex": r"\d+"}, "error", "command not found"),
        ({"command": "echo '{'", "jmespath": "a"}, "error", "no JSON"),
        ({"command": "echo '{}'", "jmespath": "a"}, "error", "'None' is no number"),
        ({"command": "echo '{\"a\": 1e999}'", "jmespath": "a"}, "error", "no number"),
        ({"command": "echo '{\"a\": true}'", "jmespath": "a"}, "error", "no number"),
        ({"command": "echo nan", "regex": ".+"}, "error", "'nan' is no number"),
    ],
)
def test_a_metric_of_ones_own(spec: dict[str, str], verdict: str, reason: str, context: Context) -> None:
    done = check("p95 < 100", replace(context, metrics={"p95": MetricSpec(**spec)}))
    (leaf,) = done.leaves
    assert leaf.verdict == verdict
    assert reason in leaf.reason
    assert leaf.command == spec["command"]
    assert leaf.missing == ("not found" in reason)
    assert ("p95" in done.metrics) == (verdict != "error")


def test_a_configured_metric_comes_before_the_one_of_that_name(context: Context) -> None:
    spec = MetricSpec(command="echo total 12", regex=r"\d+")
    assert check("coverage = 12", replace(context, metrics={"coverage": spec})).verdict == "pass"


@pytest.mark.parametrize(
    ("source", "before", "verdict"),
    [
        ("size >= baseline", {}, "pass"),
        ("size > baseline", {}, "fail"),
        ("size >= baseline", {"size": 51.0}, "fail"),
        ("size >= baseline - 1", {"size": 51.0}, "pass"),
        ("size > baseline+9", {"size": 40.0}, "pass"),
        ("size = baseline", {"size": 50.0000000001}, "pass"),
        ("size != 50", {}, "fail"),
        ("size <= 50.0", {}, "pass"),
    ],
)
def test_the_baseline_is_what_was_measured_first(
    source: str, before: dict[str, float], verdict: str, context: Context
) -> None:
    spec = MetricSpec(command="echo 50", regex=r"\d+")
    assert check(source, replace(context, metrics={"size": spec}, baseline=before)).verdict == verdict


def test_the_table_of_patterns_names_one_number_each() -> None:
    assert all(re.compile(pattern).groups == 1 for _tool, pattern in metrics.COVERAGE_PATTERNS)


@pytest.mark.parametrize(
    "text",
    [
        'metrics.a = {command = "x"}',
        'metrics.a = {command = "x", regex = "a", jmespath = "b"}',
        'metrics.a = {command = "x", regex = "("}',
        'metrics.a = {command = "x", jmespath = "a["}',
        'metrics.a = {command = "", regex = "a"}',
        'metrics."a b" = {command = "x", regex = "a"}',
        'checks."a b" = "pytest passes"',
        "checks.a = 3",
        'checks = "a"',
    ],
)
def test_a_table_that_is_wrong_is_a_clear_error(text: str, tmp_path: Path) -> None:
    from agentloop import config

    (tmp_path / "agentloop.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"agentloop\.toml: (metrics|checks)"):
        config.load(tmp_path, {})


def test_tables_of_several_files_are_joined(tmp_path: Path) -> None:
    from agentloop import config

    user = config.user_folder()
    user.mkdir(parents=True)
    (user / "agentloop.toml").write_text('[checks]\nmine = "a passes"\nboth = "b passes"\n')
    (tmp_path / "agentloop.toml").write_text('[checks]\nboth = "c passes"\nmy-lint = "ruff passes"\n')
    settings = config.load(tmp_path, {}).settings
    assert settings.checks == {"mine": "a passes", "both": "c passes", "my-lint": "ruff passes"}
