"""The tests of an accepting check against those of the baseline: none may vanish, be skipped or stop passing. Pure."""

from collections.abc import Callable, Iterable

from agentloop.predicate.reports.report import TestReport

_SHOWN = 8


def lost_tests(
    before: TestReport | None, after: TestReport | None, may_change: Callable[[str], bool], *, exited_0: bool
) -> list[str]:
    """Say in what a report is worse than the baseline's, although the command passed.

    Args:
        before: the baseline's report; None when the runner gave none.
        after: the report of the check that passed.
        may_change: says of a test's file whether the task is about it.
        exited_0: the command said that all is well, and did not have to fail.

    Returns:
        Problems, a line each.
    """
    if after is None or (before is not None and before.from_document and not after.from_document):
        return ["the tests left no report, and they did before: the run was cut short, or something else ran"] * bool(
            before
        )
    problems = []
    if after.counts.failed and exited_0:
        problems.append(f"the command exited with success, but its report counts {after.counts.failed} failed tests")
    if before is None:
        return problems
    if before.complete and after.complete:
        return problems + _by_name(before, after, may_change)
    return problems + _by_number(before, after)


def speaks_of_other_tests(before: TestReport | None, after: TestReport | None) -> bool:
    """The reports have no test in common, as when a command runs two runners and the last one reports."""
    if not before or not after or not before.outcomes or not after.outcomes:
        return False
    return before.outcomes.keys().isdisjoint(after.outcomes)


def _by_name(before: TestReport, after: TestReport, may_change: Callable[[str], bool]) -> list[str]:
    if speaks_of_other_tests(before, after):
        return []
    watched = [
        test
        for test, outcome in before.outcomes.items()
        if outcome != "skipped" and "::" in test and not may_change(test.partition("::")[0])
    ]
    gone = [test for test in watched if test not in after.outcomes]
    skipped = [test for test in watched if after.outcomes.get(test) == "skipped"]
    return _named("gone", gone) + _named("skipped now", skipped)


def _named(what: str, tests: list[str]) -> list[str]:
    if not tests:
        return []
    more = f" and {len(tests) - _SHOWN} more" if len(tests) > _SHOWN else ""
    return [f"tests that were there at the start are {what}: {_list(tests[:_SHOWN])}{more}"]


def _list(tests: Iterable[str]) -> str:
    return ", ".join(tests)


def _by_number(before: TestReport, after: TestReport) -> list[str]:
    problems = []
    ran = [report.counts.passed + report.counts.failed for report in (before, after)]
    if ran[1] < ran[0]:
        problems.append(f"fewer tests ran than at the start: {ran[1]}, they were {ran[0]}")
    if after.counts.skipped > before.counts.skipped:
        problems.append(f"more tests are skipped than at the start: {after.counts.skipped}")
    return problems
