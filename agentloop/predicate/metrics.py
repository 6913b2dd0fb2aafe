"""Measuring what a predicate compares: from what the check's own commands did, or by a configured command."""

import json
import math
import operator
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from agentloop.events import VerdictValue
from agentloop.job import MetricSpec
from agentloop.predicate import commands
from agentloop.predicate.context import Context, Finding, Ran, Record
from agentloop.predicate.language.comparison import METRIC_UNITS
from agentloop.predicate.language.nodes import Command, Metric
from agentloop.predicate.language.wording import number
from agentloop.predicate.search import SearchError, search
from agentloop.text.quoting import one_line
from agentloop.text.redact import redact

COVERAGE_PATTERNS: tuple[tuple[str, str], ...] = (
    ("pytest-cov", r"^Required test coverage of .*? reached\. Total coverage: ([\d.]+)%"),
    ("pytest-cov", r"^FAIL Required test coverage of .*? not reached\. Total coverage: ([\d.]+)%"),
    ("coverage.py", r"^TOTAL(?:[ \t]+\d+){2,4}[ \t]+([\d.]+)%[ \t]*$"),
    ("cargo llvm-cov", r"^TOTAL(?:[ \t]+\d+[ \t]+\d+[ \t]+[\d.]+%){2}[ \t]+\d+[ \t]+\d+[ \t]+([\d.]+)%"),
    ("go tool cover", r"^total:[ \t]+\(statements\)[ \t]+([\d.]+)%"),
    ("go test", r"^(?:ok[ \t].*)?coverage: ([\d.]+)% of statements"),
    ("jest, vitest, nyc", r"^[ \t]*All files[ \t]*\|[ \t]*([\d.]+)[ \t]*\|"),
    ("istanbul", r"^Statements[ \t]*:[ \t]*([\d.]+)%"),
    ("cargo tarpaulin", r"^([\d.]+)% coverage, \d+/\d+ lines covered"),
    ("simplecov", r"^Line Coverage: ([\d.]+)%"),
    ("simplecov", r"^Coverage report generated .* \(([\d.]+)%\) covered\.?$"),
    ("phpunit", r"^[ \t]*Lines:[ \t]+([\d.]+)% "),
    ("lcov", r"^[ \t]*lines\.+:[ \t]*([\d.]+)%"),
    ("coverlet", r"^\|[ \t]*Total[ \t]*\|[ \t]*([\d.]+)%"),
)
"""Where the total stands in the output of coverage tools, as a percentage."""

_COVERAGE = tuple((tool, re.compile(pattern, re.MULTILINE)) for tool, pattern in COVERAGE_PATTERNS)
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?")
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OWN_COVERAGE = "name a command for it: [metrics.coverage] in agentloop.toml"


class _UnknownError(Exception):
    """The metric cannot be measured; the message is one line.

    Args:
        reason: why.
        ran: the command that failed to measure it.
    """

    def __init__(self, reason: str, ran: Ran | None = None) -> None:
        super().__init__(reason)
        self.ran = ran


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric that was compared, and the command that measured it when it has one of its own."""

    finding: Finding
    ran: Ran | None = None


def compare(node: Metric, number_of_leaf: int, context: Context, record: Record) -> Measured:
    """Measure a metric, note it in the record, and compare it with what is wanted.

    Raises:
        Interrupted: a signal was noted.
    """
    ran = None
    try:
        spec = context.metrics.get(node.name)
        if spec:
            value, ran = _configured(node, spec, number_of_leaf, context)
        else:
            value = _BUILT_IN[node.name](context, record)
    except _UnknownError as unknown:
        return Measured(("error", f"{node.name} is unknown: {unknown}"), unknown.ran)
    record.metrics[node.name] = value
    wanted = node.number * (1 if node.name in context.metrics else METRIC_UNITS[node.name][node.unit])
    if node.baseline:
        wanted += context.baseline.get(node.name, value)
    verdict: VerdictValue = "pass" if _holds(value, node.operator, wanted) else "fail"
    return Measured((verdict, f"{node.name} is {_shown(value)}, wanted {node.operator} {_shown(wanted)}"), ran)


def _holds(value: float, comparison: str, wanted: float) -> bool:
    same = math.isclose(value, wanted, rel_tol=1e-9, abs_tol=1e-9)
    match comparison:
        case "=":
            return same
        case "!=":
            return not same
        case "<=" | ">=" if same:
            return True
        case _:
            return _COMPARE[comparison](value, wanted)


def _shown(value: float) -> str:
    return number(round(value, 4))


def _configured(node: Metric, spec: MetricSpec, leaf: int, context: Context) -> tuple[float, Ran]:
    command = Command((spec.command,), shell=True, source=node.source)
    ran = commands.run(command, leaf, context)
    if ran.leaf.verdict != "pass":
        raise _UnknownError(f"`{spec.command}` {ran.leaf.reason}", ran)
    try:
        text = _by_jmespath(spec.jmespath, ran.output) if spec.jmespath else _by_regex(spec.regex, ran.output, context)
        return _number(text), ran
    except _UnknownError as unknown:
        raise _UnknownError(str(unknown), ran) from unknown


def _by_regex(pattern: str, output: str, context: Context) -> object:
    try:
        found = search(pattern, output, cwd=context.cwd, env=context.env, last=True)
    except SearchError as error:
        raise _UnknownError(str(error)) from error
    if found is None:
        raise _UnknownError(f"its regex /{pattern}/ matches nothing in the output")
    return found


def _by_jmespath(expression: str, output: str) -> object:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, json.loads(output))
    except (ValueError, RecursionError) as error:
        raise _UnknownError("the output is no JSON, or too long to be kept") from error
    except JMESPathError as error:
        raise _UnknownError(f"its jmespath fails: {one_line(str(error), 200)}") from error


def _number(found: object) -> float:
    if isinstance(found, int | float) and not isinstance(found, bool):
        value = float(found) if abs(found) < 1e15 else math.inf
    else:
        text = str(found).strip().rstrip("%").replace(",", "").replace("_", "")
        value = float(text) if isinstance(found, str) and _NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(value):
        raise _UnknownError(f"{redact(one_line(str(found), 60))!r} is no number")
    return value


def _coverage(context: Context, record: Record) -> float:
    for number_of_leaf in sorted(record.commands, reverse=True):
        value = _coverage_in(record.commands[number_of_leaf].output)
        if value is not None:
            return value
    value = _coverage_from_data(context, record)
    if value is None:
        raise _UnknownError(f"no command of this check printed a total; {_OWN_COVERAGE}")
    return value


def _coverage_in(output: str) -> float | None:
    for tool, pattern in _COVERAGE:
        totals = {float(match[1]) for match in pattern.finditer(output) if _NUMBER.fullmatch(match[1])}
        if len(totals) > 1:
            raise _UnknownError(f"{tool} printed {len(totals)} different totals; {_OWN_COVERAGE}")
        if totals:
            return totals.pop()
    return None


def _coverage_from_data(context: Context, record: Record) -> float | None:
    """What coverage.py says of the data that this check has written; None when there is none, or no coverage.py."""
    try:
        written_at = (context.cwd / ".coverage").stat().st_mtime
    except OSError:
        return None
    if written_at < record.began_at - 0.01:
        return None
    command = Command(("coverage", "report", "--format=total"), source="coverage report --format=total")
    ran = commands.run(command, 0, replace(context, timeout_s=min(60.0, context.timeout_s)))
    text = ran.output.strip()
    return float(text) if ran.leaf.exit_code in (0, 2) and _NUMBER.fullmatch(text) else None


def _tests(_context: Context, record: Record) -> float:
    counts = [ran.leaf.tests for ran in record.commands.values() if ran.leaf.tests]
    if not counts:
        raise _UnknownError("no command of this check ran tests that are understood")
    return float(sum(count.passed for count in counts))


def _duration(_context: Context, record: Record) -> float:
    if not record.commands:
        raise _UnknownError("this check runs no command")
    return sum(ran.leaf.duration_s for ran in record.commands.values())


_BUILT_IN: Mapping[str, Callable[[Context, Record], float]] = {
    "coverage": _coverage,
    "tests": _tests,
    "duration": _duration,
}


def new_record() -> Record:
    """The record of a check that begins now."""
    return Record(began_at=time.time())
