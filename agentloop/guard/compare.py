"""The tests of an accepting check against those of the baseline: none may vanish, be skipped or stop passing. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from agentloop.predicate.reports.report import TestReport
from agentloop.predicate.reports.runners import named

_SHOWN = 8


def lost_tests(
    before: TestReport | None, after: TestReport | None, freed: Collection[str], *, exited_0: bool = True
) -> list[str]:
    """Say in what a report is worse than the baseline's, although the command passed.

    Args:
        before: the baseline's report; None when the runner gave none.
        after: the report of the check that passed.
        freed: the files that the task is about, as they were called at the start.
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
        return problems + _by_name(before, after, freed)
    return problems + _by_number(before, after)


def speaks_of_other_tests(before: TestReport | None, after: TestReport | None) -> bool:
    """The reports have no test in common, as when a command runs two runners and the last one reports."""
    if not before or not after or not before.outcomes or not after.outcomes:
        return False
    return before.outcomes.keys().isdisjoint(after.outcomes)


def _by_name(before: TestReport, after: TestReport, freed: Collection[str]) -> list[str]:
    if speaks_of_other_tests(before, after):
        return []
    runner = named(before.runner)
    watched = [test for test, outcome in before.outcomes.items() if outcome != "skipped" and runner.is_test(test)]
    gone = _but_for_other_parameters([test for test in watched if test not in after.outcomes], before, after)
    skipped = [test for test in watched if after.outcomes.get(test) == "skipped"]
    if freed:
        about = _Freed(before.runner, freed)
        gone, skipped = ([test for test in tests if not about.has(test)] for tests in (gone, skipped))
    return _named("gone", gone) + _named("skipped now", skipped)


def _but_for_other_parameters(gone: list[str], before: TestReport, after: TestReport) -> list[str]:
    """Ids of parameters may hold a time or an address: as many others of the same function stand for them."""
    was, now = (Counter(test.partition("[")[0] for test in report.outcomes) for report in (before, after))
    stays = {test.partition("[")[0] for test in after.outcomes if test in before.outcomes}
    return [
        test for test in gone if "[" not in test or (name := test.partition("[")[0]) in stays or now[name] < was[name]
    ]


class _Freed:
    """The files that the task is about, to be found by what a runner calls a test."""

    def __init__(self, runner: str, files: Collection[str]) -> None:
        self._place = named(runner).place
        paths = [PurePosixPath(file) for file in files]
        self._files = _endings(paths)
        self._modules = _endings(path.with_suffix("") for path in paths)

    def has(self, test: str) -> bool:
        """The test is in one of the files; where its id tells no file, it may be."""
        place = self._place.match(test) if self._place else None
        if not place:
            return True
        told = place.groupdict()
        if file := told.get("file"):
            return file in self._files
        parts = told["module"].split(".")
        return any("/".join(parts[:count]) in self._modules for count in range(1, len(parts) + 1))


def _endings(paths: Iterable[PurePosixPath]) -> set[str]:
    """Each path as it is called from the root and from each folder on the way: nobody knows where the runner ran."""
    return {"/".join(path.parts[start:]) for path in paths for start in range(len(path.parts))}


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
