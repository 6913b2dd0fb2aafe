"""What test runners print is understood: recorded outputs, what documentation shows, and hostile lines."""
# ruff: noqa: RUF001 - jest's own signs

import re
from pathlib import Path

import pytest

from agentloop.events import TestCounts
from agentloop.predicate.reports import output, runners
from agentloop.predicate.reports.tally import Tally
from agentloop.text.quoting import plain

OUTPUTS = Path(__file__).parent / "outputs"
FAILED = {
    "cargo": {"src/lib.rs shop > tests::taxes", "tests/whole.rs whole > breaks"},
    "ctest": {"taxes", "prices", "crashes", "slow"},
    "go": {"shop > TestTaxes", "shop > TestParts", "shop > TestParts/two_words"},
    "jest": {
        "./shop.test.js › prices › taxes",
        "./shop.test.js › prices › deep › breaks",
        "./broken.test.js › Test suite failed to run",
    },
    "mocha": {"prices > taxes", "prices > deep > breaks"},
    "node": {"prices > taxes", "prices > deep > breaks"},
    "prove": {"shop.t"},
    "prove-verbose": {"shop.t > taxes", "shop.t > deep > breaks"},
    "pytest": {
        "tests/sub/test_b.py::TestB::test_shared",
        "tests/sub/test_b.py::U::test_sub",
        "tests/sub/test_b.py::U::test_u",
        "tests/test_a.py::TestX::TestInner::test_p[a[b]]",
        "tests/test_a.py::TestX::TestInner::test_p[x.y/z]",
        r"tests/test_a.py::TestX::TestInner::test_p[new\nline]",
        r"tests/test_a.py::TestX::TestInner::test_p[\x1b[31m]",
        'tests/test_a.py::TestX::TestInner::test_p[<&>"`]',
        "tests/test_a.py::test_both",
        "tests/test_a.py::test_end",
        "tests/test_a.py::test_setup",
        "tests/test_a.py::test_xps",
        "tests/test_broken.py",
    },
    "tap": {"taxes", "deep > breaks"},
    "unittest": {
        "test_broken (unittest.loader._FailedTest.test_broken)",
        "test_crash (test_shop.Prices.test_crash)",
        "test_parts (test_shop.Prices.test_parts)",
        "test_tax (test_shop.Prices.test_tax)",
    },
    "vitest": {"broken.test.js", "shop.test.js > prices > taxes", "shop.test.js > prices > deep > breaks"},
}
RECORDED = [
    # file, runner, (passed, failed, skipped), every test is named
    ("cargo", "cargo test", (4, 2, 1), True),
    ("ctest", "ctest", (1, 4, 1), True),
    ("go", "go test", (0, 3, 0), False),
    ("go-json", "go test", (3, 3, 1), True),
    ("go-verbose", "go test", (3, 3, 1), True),
    ("jest", "jest", (4, 3, 2), False),
    ("jest-verbose", "jest", (4, 3, 2), True),
    ("mocha", "mocha", (3, 2, 1), True),
    ("node-spec", "node --test", (3, 2, 2), True),
    ("node-tap", "TAP", (3, 2, 2), True),
    ("prove", "prove", (3, 2, 0), False),
    ("prove-verbose", "TAP", (2, 2, 2), True),
    ("pytest", "pytest", (5, 14, 3), False),
    ("pytest-verbose", "pytest", (5, 14, 3), True),
    ("tap", "TAP", (2, 2, 2), True),
    ("unittest", "unittest", (1, 4, 2), False),
    ("unittest-verbose", "unittest", (1, 4, 2), True),
    ("vitest", "vitest", (3, 3, 2), False),
    ("vitest-verbose", "vitest", (3, 3, 2), True),
]
FIRST_FAILURE = {
    "cargo": "assertion `left == right` failed: tax",
    "go": "got 1, want 2",
    "jest": "Expected: 2",
    "mocha": "1 !== 2",
    "node-spec": "1 !== 2",
    "node-tap": "testCodeFailure",
    "pytest": "No module named 'nothing_like'",
    "tap": "expected: '2'",
    "unittest": "No module named 'nothing_like_this'",
    "vitest": "Cannot find module './nothing'",
}


def read(*chunks: bytes) -> tuple[str, Tally, bool] | None:
    reader = output.OutputReader()
    for chunk in chunks:
        reader.feed(chunk)
    found = reader.finish()
    return (found[0].name, found[1], found[2]) if found else None


def failed(tally: Tally) -> set[str]:
    return {name for name, outcome in tally.outcomes.items() if outcome == "failed"}


@pytest.mark.parametrize(("file", "runner", "counts", "complete"), RECORDED, ids=[row[0] for row in RECORDED])
def test_a_recorded_output_is_understood(file: str, runner: str, counts: tuple[int, int, int], complete: bool) -> None:
    found = read((OUTPUTS / f"{file}.txt").read_bytes())
    assert found
    name, tally, is_complete = found
    assert (name, is_complete) == (runner, complete)
    passed, failures, skipped = counts
    assert tally.counts == TestCounts(passed=passed, failed=failures, skipped=skipped)
    assert failed(tally) == FAILED[file if file in FAILED else file.partition("-")[0]]
    assert FIRST_FAILURE.get(file, "") in tally.failure
    assert "\x1b" not in "".join(tally.outcomes)
    if complete:
        assert tally.results["passed"] >= passed, "those that passed are named"


@pytest.mark.parametrize("file", [row[0] for row in RECORDED])
def test_it_does_not_matter_where_the_pieces_are_cut(file: str) -> None:
    content = (OUTPUTS / f"{file}.txt").read_bytes()
    whole, pieces = read(content), read(*[content[at : at + 7] for at in range(0, len(content), 7)])
    assert whole
    assert pieces
    assert (whole[0], whole[1].outcomes, whole[1].failure) == (pieces[0], pieces[1].outcomes, pieces[1].failure)


def test_every_runner_that_was_recorded_has_its_output() -> None:
    recorded = {runner.name for runner in runners.known() if runner.seen.startswith("recorded")}
    assert recorded == {row[1] for row in RECORDED}
    assert all(runner.seen.startswith(("recorded", "from documentation")) for runner in runners.known())


@pytest.mark.parametrize(
    ("runner", "lines", "counts", "ids"),
    [
        (
            "rspec",
            "  1) Prices are taxed\n     expected: 2\n"
            "3 examples, 1 failure, 1 pending\n\nrspec ./spec/prices_spec.rb:7 # Prices are taxed",
            (1, 1, 1),
            {"Prices are taxed"},
        ),
        (
            "PHPUnit",
            "There was 1 failure:\n\n1) Shop\\PricesTest::testTax with data set #0 (1, 2)\nFailed asserting.\n\n"
            "FAILURES!\nTests: 4, Assertions: 3, Failures: 1, Skipped: 1.",
            (2, 1, 1),
            {"Shop\\PricesTest::testTax with data set #0 (1, 2)"},
        ),
        (
            "dotnet test",
            "  Passed Shop.Prices.Adds [1 ms]\n  Failed Shop.Prices.Taxes(rate: 2) [< 1 ms]\n"
            "Failed!  - Failed:     1, Passed:     1, Skipped:     0, Total:     2, Duration: 5 ms - Shop.dll (net8.0)",
            (1, 1, 0),
            {"Shop.Prices.Taxes(rate: 2)"},
        ),
        (
            "Maven Surefire",
            "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 1, Time elapsed: 0.1 s <<< FAILURE! -- in shop.P\n"
            "[ERROR] shop.PricesTest.taxes -- Time elapsed: 0.004 s <<< FAILURE!\norg.opentest4j.Failed: 1\n"
            "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 1",
            (1, 1, 1),
            {"shop.PricesTest.taxes"},
        ),
        (
            "Gradle",
            "shop.PricesTest > adds() PASSED\nshop.PricesTest > taxes() FAILED\n    org.opentest4j.Failed at P.java:9\n"
            "2 tests completed, 1 failed",
            (1, 1, 0),
            {"shop.PricesTest > taxes()"},
        ),
    ],
)
def test_what_documentation_shows_is_understood(
    runner: str, lines: str, counts: tuple[int, int, int], ids: set[str]
) -> None:
    found = read(lines.encode())
    assert found
    assert found[0] == runner
    passed, failures, skipped = counts
    assert found[1].counts == TestCounts(passed=passed, failed=failures, skipped=skipped)
    assert failed(found[1]) == ids


@pytest.mark.parametrize("content", [b"", b"make: nothing to be done\n", b"\0" * 100_000, b"  text\n" * 1000])
def test_an_output_without_tests_says_nothing(content: bytes) -> None:
    assert read(content) is None


def test_a_line_without_an_end_is_cut() -> None:
    reader = output.OutputReader()
    for _ in range(500):
        reader.feed(b"x" * 65_536)
        assert len(reader._waiting) < 3 * 65_536
    reader.feed(b" Ran 5 tests in 0.1s\nRan 3 tests in 0.1s\n")
    found = reader.finish()
    assert found
    assert found[1].counts.passed == 3


def test_of_an_endless_output_the_beginning_and_the_end_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "MAX_READ_BYTES", 10_000)
    monkeypatch.setattr(output, "TAIL_BYTES", 10_000)
    first, last = b"test_a (m.C.test_a) ... ok\n", b"test_z (m.C.test_z) ... FAIL\nRan 2 tests in 1s\n"
    reader = output.OutputReader()
    reader.feed(first)
    for _ in range(5000):
        reader.feed(b"test_x (m.C.test_x) ... \n")
        assert len(reader._tail) <= 21_000
    reader.feed(last)
    found = reader.finish()
    assert found
    _runner, tally, complete = found
    assert tally.outcomes == {"test_a (m.C.test_a)": "passed", "test_z (m.C.test_z)": "failed"}
    assert not complete


def test_a_suite_is_known_by_a_title_far_above() -> None:
    noise = b"x" * 99 + b"\n"
    found = read(noise * 700, b"  prices\n", noise * 700, "    ✔ adds\n  1 passing (1ms)\n".encode())
    assert found
    assert list(found[1].outcomes) == ["prices > adds"]


@pytest.mark.parametrize("file", [row[0] for row in RECORDED])
def test_the_words_of_a_runner_are_in_every_line_that_it_reads(file: str) -> None:
    for line in (OUTPUTS / f"{file}.txt").read_text().split("\n"):
        for runner in runners.known():
            bare = plain(line).strip()
            if any(re.match(pattern, bare) for pattern in (*runner.patterns(),)):
                is_title = any(pattern.match(bare) for pattern in runner.title)
                assert is_title or any(word in bare for word in runner.words), (runner.name, line)


@pytest.mark.parametrize("runner", runners.known(), ids=lambda runner: runner.name)
def test_every_pattern_copes_with_endless_repetition(runner: runners.Runner) -> None:
    """A pattern that looks back at every step would not come to an end here."""
    for piece in ("a", "a ", "=", "_ ", "1", "- ", "::", "(", " > ", "1 failed, ", "a.py::", "# ", "test a ... "):
        for line in (piece * 1000, f"{piece * 1000}!"):
            for pattern in runner.patterns():
                re.match(pattern, line[:1000])
            runner.result(line[:1000])
