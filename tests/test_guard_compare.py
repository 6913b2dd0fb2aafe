"""Tests that vanish or are skipped are seen whatever runner named them; what was no test may go."""

from pathlib import PurePosixPath

import pytest

from agentloop.events import TestCounts
from agentloop.guard.compare import lost_tests
from agentloop.predicate.reports import output
from agentloop.predicate.reports.report import TestReport
from agentloop.predicate.reports.tally import Outcome

STAYS = "stays"
# runner, a test by its id, the file that it is in, as far as its id tells
TESTS = [
    ("pytest", "tests/test_shop.py::test_tax", "pkg/tests/test_shop.py"),
    ("unittest", "test_tax (test_shop.Prices.test_tax)", "tests/test_shop.py"),
    ("unittest", "test_tax (pkg.test_shop.Prices.test_tax)", "src/pkg/test_shop.py"),
    ("cargo test", "tests/whole.rs whole > taxes", "tests/whole.rs"),
    ("jest", "./shop.test.js › prices › taxes", "web/shop.test.js"),  # noqa: RUF001 - jest's own sign
    ("vitest", "shop.test.js > prices > taxes", "web/shop.test.js"),
    ("Gradle", "shop.PricesTest > taxes()", "src/test/java/shop/PricesTest.java"),
]
NOWHERE = [
    ("cargo test", "src/lib.rs shop > tests::taxes"),
    ("go test", "shop > TestTaxes"),
    ("node --test", "prices > taxes"),
    ("TAP", "taxes"),
    ("ctest", "taxes"),
    ("mocha", "prices > taxes"),
]
NO_TESTS = [
    ("pytest", "tests/test_broken.py"),
    ("unittest", "test_broken (unittest.loader._FailedTest.test_broken)"),
    ("unittest", "setUpClass (test_shop.Prices)"),
    ("go test", "shop > build failed"),
    ("node --test", "/tree/broken.test.js"),
    ("TAP", "/tree/broken.test.mjs"),
    ("jest", "./broken.test.js › Test suite failed to run"),  # noqa: RUF001 - jest's own sign
    ("vitest", "broken.test.js"),
    ("mocha", 'prices > "before all" hook for "taxes"'),
    ("Gradle", "shop.PricesTest > initializationError"),
]


def report(runner: str, outcomes: dict[str, Outcome]) -> TestReport:
    outcomes = {STAYS: "passed", **outcomes}
    found = list(outcomes.values())
    counts = TestCounts(passed=found.count("passed"), failed=found.count("failed"), skipped=found.count("skipped"))
    return TestReport(runner=runner, outcomes=outcomes, counts=counts, complete=True)


@pytest.mark.parametrize(("runner", "test"), [*[row[:2] for row in TESTS], *NOWHERE])
@pytest.mark.parametrize("outcome", ["passed", "failed"])
def test_a_test_that_is_gone_or_skipped_is_named(runner: str, test: str, outcome: Outcome) -> None:
    before = report(runner, {test: outcome})
    assert lost_tests(before, report(runner, {test: "passed"}), ()) == []
    assert lost_tests(before, report(runner, {}), ()) == [f"tests that were there at the start are gone: {test}"]
    assert lost_tests(before, report(runner, {test: "skipped"}), ()) == [
        f"tests that were there at the start are skipped now: {test}"
    ]


@pytest.mark.parametrize(("runner", "test", "file"), TESTS)
def test_tests_of_a_file_that_the_task_is_about_may_go(runner: str, test: str, file: str) -> None:
    before, after = report(runner, {test: "passed"}), report(runner, {})
    assert lost_tests(before, after, ("docs/index.md", file)) == []
    other = str(PurePosixPath(file).with_name(f"other_{PurePosixPath(file).name}"))
    assert lost_tests(before, after, ("docs/index.md", other)) == lost_tests(before, after, ()) != []


@pytest.mark.parametrize(("runner", "test"), NOWHERE)
def test_a_test_of_an_unknown_file_may_go_when_any_file_may_be_edited(runner: str, test: str) -> None:
    before, after = report(runner, {test: "passed"}), report(runner, {})
    assert lost_tests(before, after, ("src/prices.rs",)) == []


@pytest.mark.parametrize(("runner", "name"), NO_TESTS)
def test_what_could_not_be_loaded_or_set_up_may_go(runner: str, name: str) -> None:
    before = report(runner, {name: "failed"})
    assert lost_tests(before, report(runner, {}), ()) == []


def test_many_lost_tests_are_counted() -> None:
    names = [f"m > t{n}" for n in range(30)]
    before = report("go test", dict.fromkeys(names, "passed"))
    assert lost_tests(before, report("go test", {}), ())[0].endswith("m > t7 and 22 more")


def read(text: str) -> list[str]:
    reader = output.OutputReader()
    reader.feed(text.encode())
    found = reader.finish()
    assert found
    return list(found[1].outcomes)


def test_a_package_that_does_not_build_is_named_as_such() -> None:
    text = "FAIL\tshop/broken [build failed]\n=== RUN   TestTax\n--- PASS: TestTax (0.00s)\nok  \tshop\t0.01s\n"
    assert set(read(text)) == {"shop/broken > build failed", "shop > TestTax"}


def test_the_time_of_a_test_is_no_part_of_its_id() -> None:
    assert read("TAP version 14\nok 1 - adds # time=3.25ms\nnot ok 2 - taxes # time=1.5ms\n1..2\n") == ["adds", "taxes"]


def passed(*tests: str) -> TestReport:
    return report("pytest", dict.fromkeys(tests, "passed"))


def test_ids_with_a_time_in_them_are_told_by_their_number() -> None:
    before = passed("t.py::test_t[17.1]", "t.py::test_t[17.2]")
    assert not lost_tests(before, passed("t.py::test_t[18.1]", "t.py::test_t[18.2]"), ())
    assert lost_tests(before, passed("t.py::test_t[18.1]", "t.py::test_x"), ())
    assert lost_tests(before, passed("t.py::test_t[17.1]", "t.py::test_t[9]"), ())


def test_a_command_that_has_to_fail_may_report_failures() -> None:
    red = report("pytest", {"t.py::a": "failed"})
    assert lost_tests(red, red, ())
    assert not lost_tests(red, red, (), exited_0=False)
