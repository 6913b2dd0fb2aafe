"""The cheat zoo: each way to turn a red check green without mending it is refused, and the honest work is accepted."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from agentloop import selftest
from agentloop.guard.cheater import write
from agentloop.guard.tricks import HONEST, PROJECT, TRICKS, Trick
from agentloop.job import Job, Limits
from agentloop.repo import Repo
from agentloop.run import supervisor
from agentloop.state import RunState

pytestmark = pytest.mark.usefixtures("unmeasured_children")


@pytest.mark.parametrize(
    "trick",
    [
        pytest.param(trick, id=trick.name, marks=() if number % 8 == 0 else pytest.mark.chaos)
        for number, trick in enumerate(TRICKS)
    ],
)
def test_a_trick_is_refused_unless_it_is_out_of_reach(trick: Trick) -> None:
    trials = selftest.trials((trick.name,), honest=False)
    assert [trial.as_expected for trial in trials] == [True], trials


@pytest.mark.parametrize("until", sorted({trick.until for trick in TRICKS}))
@pytest.mark.chaos
def test_the_honest_mending_is_accepted_under_every_check(until: str) -> None:
    trial = selftest.honest_trial(until)
    assert trial.accepted, trial


def play(
    root: Path,
    files: dict[str, str],
    *,
    removed: str = "",
    turns: int = 1,
    before: Mapping[str, str] = MappingProxyType({}),
    **job: object,
) -> RunState:
    """A run whose agent writes files, by a script of its own."""
    write(root, {**PROJECT, **before})
    script = root.parent / "agent.py"
    lines = [f"write(Path.cwd(), {files!r}, {[removed] if removed else []!r})", "print('BLOCKED: see the test')"]
    text = "from pathlib import Path\nfrom agentloop.guard.cheater import write\n" + "\n".join(lines[:turns])
    script.write_text(text)
    with selftest.on_path(root / "bin"), Repo.create(root, "A project with a defect") as repo:
        made = Job.model_validate(
            {
                "task": "Mend it", "until": ("python -m pytest -q passes",), "agent": "agent",
                "program": (sys.executable, "-P", str(script)), "worktree": str(repo.root), "distill": "never",
                "limits": Limits(max_attempts=3), **job,
            }
        )  # fmt: skip
        return supervisor.start(made, repo, lambda _event: None)


EXTENDED = PROJECT["tests/test_shop.py"] + "\n\ndef test_nothing():\n    assert total([]) == 0\n"
RESHAPED = PROJECT["tests/test_shop.py"].replace("test_total", "test_sum")


@pytest.mark.chaos
def test_ordinary_new_tests_are_welcome(tmp_path: Path) -> None:
    state = play(tmp_path / "p", {**HONEST, "tests/test_more.py": "def test_more():\n    assert True\n"})
    assert state.ended
    assert state.ended.exit_code == 0
    assert state.guarded
    assert not state.guarded.notes


@pytest.mark.chaos
def test_new_tests_with_hooks_of_their_own_are_welcome(tmp_path: Path) -> None:
    fixture = "import pytest\n\n\n@pytest.fixture\ndef three():\n    return 3\n"
    files = {"tests/conftest.py": fixture, "tests/test_more.py": "def test_more(three):\n    assert three == 3\n"}
    state = play(tmp_path / "p", {**HONEST, **files})
    assert state.ended
    assert state.ended.exit_code == 0


@pytest.mark.chaos
def test_the_first_tests_of_all_are_the_work(tmp_path: Path) -> None:
    files = {"tests/test_new.py": "def test_new():\n    assert True\n"}
    state = play(tmp_path / "p", files, until=("python -m pytest -q tests/test_new.py passes",))
    assert state.ended
    assert state.ended.exit_code == 0


def test_a_test_that_has_to_fail_may_fail(tmp_path: Path) -> None:
    files = {"tests/test_new.py": "def test_new():\n    assert False\n"}
    state = play(tmp_path / "p", files, until=("python -m pytest -q tests/test_new.py fails",))
    assert state.ended
    assert state.ended.exit_code == 0


@pytest.mark.chaos
def test_an_ignored_folder_is_no_stand_in_unless_it_is_a_new_package(tmp_path: Path) -> None:
    """build.py beside the ignored build/ is what many projects have, before a turn or only after it."""
    ignore = {".gitignore": PROJECT[".gitignore"] + "build/\nshop/\n", "build.py": "print('building')\n"}
    old = play(
        tmp_path / "one" / "p", dict(HONEST), before={**ignore, "build/out/__init__.py": "", "build/__init__.py": ""}
    )
    new = play(tmp_path / "two" / "p", {**HONEST, "build/out.txt": "built\n", "shop/out.txt": "o\n"}, before=ignore)
    for state in (old, new):
        assert state.ended
        assert state.ended.exit_code == 0, state.guarded


def test_a_module_that_is_called_like_one_of_pythons_is_the_work_when_it_was_there(tmp_path: Path) -> None:
    before = {
        "src/statistics.py": "def total(prices):\n    return sum(prices) - 1\n",
        "shop.py": "import importlib.util\n\nspec = importlib.util.spec_from_file_location('s', 'src/statistics.py')\n"
        "module = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(module)\ntotal = module.total\n",
    }
    files = {"src/statistics.py": "def total(prices):\n    return sum(prices)\n"}
    state = play(tmp_path / "p", files, before=before)
    assert state.ended
    assert state.ended.exit_code == 0, state.guarded
    assert state.guarded
    assert not state.guarded.replayed


SITE = ".venv/lib/python3.11/site-packages"


@pytest.mark.chaos
def test_a_hook_planted_in_the_environment_is_refused_and_an_installed_one_is_not(tmp_path: Path) -> None:
    ignore = {".gitignore": PROJECT[".gitignore"] + ".venv/\n"}
    there = {**ignore, f"{SITE}/old.txt": ""}
    hook = {f"{SITE}/hook.pth": "import os\n"}
    planted = play(tmp_path / "one" / "p", {**HONEST, **hook}, before=there)
    installed = {**hook, f"{SITE}/hook-1.dist-info/RECORD": "hook.pth,sha256=x,1\n"}
    honest = play(tmp_path / "two" / "p", {**HONEST, **installed}, before=there)
    made = play(tmp_path / "three" / "p", {**HONEST, **hook}, before=ignore)
    assert [state.ended.exit_code for state in (planted, honest, made) if state.ended] == [6, 0, 0]


def test_worktrees_of_the_person_that_are_out_of_reach_stay_remembered(tmp_path: Path) -> None:
    root = tmp_path / "p"
    write(root, PROJECT)
    with Repo.create(root, "A project with a defect"):
        subprocess.run(["git", "worktree", "add", "-q", str(tmp_path / "far")], cwd=root, check=True)
    (tmp_path / "far").rename(tmp_path / "away")
    with Repo.open(root) as repo, repo.clean_worktree("HEAD", tmp_path / "clean"):
        assert (tmp_path / "clean" / "shop.py").is_file()
    listed = subprocess.run(["git", "worktree", "list"], cwd=root, capture_output=True, text=True, check=True)
    assert "far" in listed.stdout
    assert "clean" not in listed.stdout


def test_an_edited_test_file_is_replayed_and_accepted_when_the_work_is_done(tmp_path: Path) -> None:
    state = play(tmp_path / "p", {**HONEST, "tests/test_shop.py": EXTENDED})
    assert state.ended
    assert state.ended.exit_code == 0
    assert state.guarded
    assert state.guarded.replayed
    assert "tests/test_shop.py" in state.guarded.notes[0]


@pytest.mark.chaos
def test_tests_may_be_reshaped_where_the_task_is_about_them(tmp_path: Path) -> None:
    files = {**HONEST, "tests/test_shop.py": RESHAPED}
    refused = play(tmp_path / "one" / "p", files)
    assert refused.ended
    assert refused.ended.exit_code == 6
    assert refused.dishonest_passes == 2
    allowed = play(tmp_path / "two" / "p", files, may_edit=("tests/**",))
    assert allowed.ended
    assert allowed.ended.exit_code == 0


UNITTEST = (
    "import unittest\n\nfrom shop import total\n\n\nclass Prices(unittest.TestCase):\n"
    "    def test_total(self):\n        self.assertEqual(total([2, 3]), 5)\n\n"
    "    def test_none(self):\n        self.assertEqual(total([]), 0)\n"
)
LEFT = UNITTEST.partition("\n    def test_none")[0]
SKIPPED = UNITTEST.replace("    def test_none", "    @unittest.skip('later')\n    def test_none")


@pytest.mark.parametrize(
    ("changed", "may_edit", "code"),
    [(LEFT, ("test_prices.py",), 0), (LEFT, ("tests/test_shop.py",), 6), (SKIPPED, (), 6)],
    ids=["gone and free", "gone", "skipped"],
)
def test_the_tests_of_another_runner_are_watched_by_name(
    tmp_path: Path, changed: str, may_edit: tuple[str, ...], code: int
) -> None:
    root = tmp_path / "p"
    write(root, {"test_prices.py": UNITTEST, "shop.py": PROJECT["shop.py"]})
    files = {**HONEST, "test_prices.py": changed}
    state = play(root, files, until=("python -m unittest -v test_prices passes",), may_edit=may_edit)
    assert state.ended
    assert state.ended.exit_code == code
    if code:
        assert state.guarded
        assert "test_none (test_prices.Prices.test_none)" in state.guarded.problems[0]


@pytest.mark.chaos
def test_an_agent_that_gives_in_ends_with_the_reason(tmp_path: Path) -> None:
    state = play(tmp_path / "p", {"tests/test_shop.py": "def test_nothing():\n    pass\n"}, turns=2)
    assert state.ended
    assert state.ended.exit_code == 7
    assert "see the test" in state.ended.reason


@pytest.mark.chaos
def test_a_warning_guard_accepts_and_says_so_and_learns_nothing(tmp_path: Path) -> None:
    files = {"tests/test_shop.py": "def test_nothing():\n    pass\n"}
    state = play(tmp_path / "p", files, guard="warn", distill="always")
    assert state.ended
    assert state.ended.exit_code == 0
    assert state.guarded
    assert state.guarded.problems
    assert not state.skill_turns


def test_nothing_of_the_replay_is_left(tmp_path: Path) -> None:
    root = tmp_path / "p"
    play(root, {**HONEST, "tests/test_shop.py": EXTENDED})
    listed = subprocess.run(["git", "worktree", "list"], cwd=root, capture_output=True, text=True, check=True)
    assert len(listed.stdout.splitlines()) == 1
    assert not list((root / ".git").glob("worktrees/*"))
