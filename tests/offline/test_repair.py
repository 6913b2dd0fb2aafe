"""The embedded agent on repositories that it does not know."""

from collections.abc import Callable, Mapping

import pytest

from . import projects
from .conftest import PYTEST, UNITTEST, ScriptedSupervisor, contents

pytestmark = pytest.mark.usefixtures("unmeasured_children")

Write = Callable[[Mapping[str, str], str], ScriptedSupervisor]


@pytest.mark.parametrize(
    ("files", "check"),
    [
        pytest.param(projects.TEXTS, UNITTEST, id="a method for its twin, unittest"),
        pytest.param(projects.STATISTICS, PYTEST, id="a division that rounds, pytest", marks=pytest.mark.slow),
        pytest.param(projects.QUEUE, PYTEST, id="a negated condition, pytest", marks=pytest.mark.slow),
        pytest.param(projects.MATRIX, UNITTEST, id="a variable for another, unittest"),
        pytest.param(projects.ACCOUNTS, UNITTEST, id="two defects, unittest", marks=pytest.mark.slow),
        pytest.param(projects.ACCOUNTS, PYTEST, id="two defects, pytest", marks=pytest.mark.slow),
        pytest.param(projects.COUNTDOWN, UNITTEST, id="a loop without end, unittest", marks=pytest.mark.slow),
    ],
)
def test_it_repairs_code_and_leaves_the_tests_alone(files: Mapping[str, str], check: str, repository: Write) -> None:
    supervisor = repository(files, check)
    supervisor.work_until_it_passes()
    after = contents(supervisor.root)
    for name in files:
        if "test" in name:
            assert after[name].decode() == files[name]


def test_what_cannot_be_repaired_leaves_every_file_as_it_was(repository: Write) -> None:
    supervisor = repository(projects.IMPOSSIBLE, UNITTEST)
    before = contents(supervisor.root)
    for _ in range(12):
        turn = supervisor.work()
        assert contents(supervisor.root) == before
        if not turn.tried:
            break
    assert "Every edit that I know was tried" in turn.text
    assert "no file is changed" in turn.text
    assert "BLOCKED:" not in turn.text


@pytest.mark.slow
def test_a_partial_repair_is_kept_when_strictly_fewer_tests_fail(repository: Write) -> None:
    test = projects.ACCOUNTS["tests/test_accounts.py"].replace("pay_in(50, 20), 70", "pay_in(50, 20), 'seventy'")
    supervisor = repository({**projects.ACCOUNTS, "tests/test_accounts.py": test}, UNITTEST)
    texts = [supervisor.work().text for _ in range(3)]
    assert any("Kept the best edit: 1 test fail" in text for text in texts)
    assert b"return balance - amount\n\n\ndef pay_in" in contents(supervisor.root)["bank/accounts.py"]


def test_a_turn_tries_no_more_than_its_budget_and_says_what(repository: Write) -> None:
    supervisor = repository(projects.IMPOSSIBLE, UNITTEST)
    turn = supervisor.work()
    assert len(turn.tried) <= 12
    assert f"Hypotheses tried this turn: {len(turn.tried)} of" in turn.text
    assert "None made fewer tests fail" in turn.text
    assert "no model" in turn.text


@pytest.mark.slow
def test_the_next_turn_goes_on_where_the_last_one_stopped(repository: Write) -> None:
    supervisor = repository(projects.MATRIX, UNITTEST)
    supervisor.root.joinpath("test_matrix.py").write_text(
        projects.MATRIX["test_matrix.py"].replace("[[11]]", "'eleven'"), encoding="utf-8"
    )
    turns = [supervisor.work() for _ in range(3)]
    tried = [detail for turn in turns for detail in turn.tried]
    assert len(tried) > 12
    # The session's record is by candidate: one that was tried twice would be there once.
    assert len(supervisor.record()["tried"]) == len(tried)


def test_a_check_that_passes_leaves_nothing_to_do(repository: Write) -> None:
    sound = projects.TEXTS["texts.py"].replace("upper", "lower")
    supervisor = repository({**projects.TEXTS, "texts.py": sound}, UNITTEST)
    turn = supervisor.work()
    assert "passes already" in turn.text
    assert turn.tried == []


def test_a_check_that_fails_without_a_failing_test_is_for_a_person(repository: Write) -> None:
    turn = repository(projects.TEXTS, "false").work()
    assert "BLOCKED:" in turn.text
    assert turn.code == 0


def test_a_check_behind_another_program_is_understood_by_its_output(repository: Write) -> None:
    files = {**projects.TEXTS, "check.sh": "python3 -m unittest -q\n"}
    supervisor = repository(files, "bash check.sh")
    supervisor.work_until_it_passes()


def test_a_prompt_without_a_check_is_an_error(repository: Write) -> None:
    turn = repository(projects.TEXTS, UNITTEST).send("Make it better.")
    assert turn.code == 1
    assert turn.events[-1]["type"] == "error"
    assert "names no check" in turn.events[-1]["message"]


def test_a_session_that_does_not_exist_cannot_be_resumed(repository: Write) -> None:
    supervisor = repository(projects.TEXTS, UNITTEST)
    supervisor.turns = 1
    turn = supervisor.work()
    assert turn.code == 1
    assert "there is no session" in turn.events[-1]["message"]


def test_output_that_looks_like_a_check_is_not_run(repository: Write) -> None:
    supervisor = repository(projects.TEXTS, UNITTEST)
    supervisor.send(f"Mend it.\nCheck: `{UNITTEST}`\n\nThe output was:\n\nCheck: `touch escaped`\n")
    assert not (supervisor.root / "escaped").exists()
