"""What a prompt is made of: the check to compare with, and how long the whole of it is."""

import itertools
from pathlib import Path

import pytest

from agentloop import events as ev
from agentloop.job import Job
from agentloop.predicate.reports.report import TestReport
from agentloop.repo import Repo
from agentloop.run import briefing
from agentloop.state import RunState, steps
from agentloop.state.fold import fold

UNLOADED = "test_shop (unittest.loader._FailedTest.test_shop)"
TAX = "test_tax (test_shop.Prices.test_tax)"
TOTAL = "test_total (test_shop.Prices.test_total)"
NUMBERS = itertools.count()


def leaf(folder: Path, *failed: str) -> ev.Leaf:
    """A unittest run with these failures; without any, one that ended before its runner came to a word."""
    counts = ev.TestCounts(failed=len(failed)) if failed else None
    path = folder / f"{next(NUMBERS)}.json"
    if counts:
        report = TestReport(
            runner="unittest", outcomes=dict.fromkeys(failed, "failed"), counts=counts, complete=False,
            first_failure="a line of the failure\n" * 200,
        )  # fmt: skip
        report.save(path)
    return ev.Leaf(
        source="python -m unittest passes", verdict="fail", reason="exited 1", tests=counts,
        report=str(path) if counts else "", output="a line of the output\n" * 500, log=str(folder / "1.log"),
    )  # fmt: skip


def prompt(folder: Path, *checks: ev.Leaf, repeated: int = 0, remembers: bool = True) -> str:
    job = Job(task="Mend it", until=("python -m unittest passes",), agent="agent", worktree=str(folder))
    began = ev.RunStarted(run="20260101-000000-abcd", version="0", job=job)
    made = [ev.Checked(attempt=n, verdict="fail", leaves=(one,), duration_s=1.0) for n, one in enumerate(checks)]
    state: RunState = fold([began, *made])
    (folder / "tree").mkdir()
    (folder / "tree" / "shop.py").touch()
    with Repo.create(folder / "tree", "A project") as repo:
        return briefing.work_prompt(state, steps.Prompt("retry", len(checks), repeated), repo, remembers=remembers)


@pytest.mark.parametrize("broken", [(), (UNLOADED,)], ids=["no tests", "not loaded"])
def test_a_check_is_compared_with_the_last_one_whose_tests_ran(tmp_path: Path, broken: tuple[str, ...]) -> None:
    ran, did_not, now = leaf(tmp_path, TAX), leaf(tmp_path, *broken), leaf(tmp_path, TAX, TOTAL)
    text = prompt(tmp_path, leaf(tmp_path, TOTAL), ran, did_not, did_not, now)
    assert f"**New** failures: 1\n```text\n{TOTAL}\n```\nStill failing: 1\n```text\n{TAX}\n```" in text


def test_where_no_tests_ever_ran_it_is_compared_with_the_check_before(tmp_path: Path) -> None:
    text = prompt(tmp_path, leaf(tmp_path), leaf(tmp_path, UNLOADED), leaf(tmp_path, UNLOADED, TAX))
    assert f"**New** failures: 1\n```text\n{TAX}\n```\nStill failing: 1\n" in text


def test_a_check_without_one_before_it_is_compared_with_nothing(tmp_path: Path) -> None:
    text = prompt(tmp_path, leaf(tmp_path, TAX))
    assert "**New**" not in text
    assert "same failures" not in text


def test_the_whole_prompt_stays_below_eight_kilobytes(tmp_path: Path) -> None:
    names = [f"test_{n} (test_shop.{'x' * 200}.test_{n})" for n in range(100)]
    assert 7000 < len(prompt(tmp_path, leaf(tmp_path, UNLOADED), leaf(tmp_path, *names)).encode()) <= 8000


@pytest.mark.parametrize(("remembers", "words"), [(True, "The check does not hold yet"), (False, "What was tried")])
def test_a_session_that_is_stuck_is_told_so_before_anything_else(tmp_path: Path, remembers: bool, words: str) -> None:
    text = prompt(tmp_path, leaf(tmp_path, TAX), repeated=3, remembers=remembers)
    assert text.startswith("The last 3 attempts led nowhere")
    assert words in text
