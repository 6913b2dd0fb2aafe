"""What a push is held against is read once, and again when something has changed; the hook loads next to nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentloop.hook.rules import Rules, rules

from .conftest import Pushing


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_all_that_decides_is_read(tmp_path: Path, state: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.agentloop]\nuntil = ["a", "b passes"]\nskills-dir = "docs/skills"\n'
    )
    (tmp_path / "agentloop.toml").write_text('hook = {gate = "run", timeout = "2m"}\nqueue.worker = true\n')
    told = rules(tmp_path, {}, state)
    assert told == Rules("a passes and b passes", "run", 120.0, "docs/skills", distills=True)
    assert rules(tmp_path, {}, state) == told


def test_a_worker_is_the_user_s_to_say(tmp_path: Path, state: Path, isolated_home: Path) -> None:
    users = isolated_home / ".config/agentloop/agentloop.toml"
    users.parent.mkdir(parents=True)
    users.write_text("queue.worker = true\n")
    assert rules(tmp_path, {"XDG_CONFIG_HOME": str(users.parents[1])}, state).worker


def test_the_only_check_is_the_predicate_and_never_distilled_is_never_queued(tmp_path: Path, state: Path) -> None:
    (tmp_path / "agentloop.toml").write_text('distill = "never"\n[checks]\ntests = "pytest passes"\n')
    assert rules(tmp_path, {}, state) == Rules("pytest passes")


def test_what_changes_is_noticed(tmp_path: Path, state: Path) -> None:
    file = tmp_path / "agentloop.toml"
    assert rules(tmp_path, {}, state) == Rules()
    file.write_text('until = "a passes"\n')
    assert rules(tmp_path, {}, state).predicate == "a passes"
    file.write_text('until = "b passes"\n')
    assert rules(tmp_path, {}, state).predicate == "b passes"
    assert rules(tmp_path, {"AGENTLOOP_UNTIL": "c passes"}, state).predicate == "c passes"
    file.unlink()
    assert rules(tmp_path, {}, state) == Rules()


def test_it_is_not_read_again_while_nothing_changes(tmp_path: Path, state: Path) -> None:
    (tmp_path / "agentloop.toml").write_text('until = "a passes"\n')
    rules(tmp_path, {}, state)
    (kept,) = (state / "hook-rules").iterdir()
    content = json.loads(kept.read_text())
    kept.write_text(json.dumps({**content, "rules": {**content["rules"], "predicate": "kept"}}))
    assert rules(tmp_path, {}, state).predicate == "kept"
    for damaged in ("", "[]", '{"key": 1}', json.dumps({**content, "rules": {"unknown": 1}})):
        kept.write_text(damaged)
        assert rules(tmp_path, {}, state).predicate == "a passes"


def test_the_hook_loads_the_standard_library_alone(pushing: Pushing) -> None:
    """With the rules kept and a receipt there; what is slow to load would make every push slow."""
    pushing.receipt(pushing.commit())
    pushing.push()
    line = f"refs/heads/main {pushing.git('rev-parse', 'HEAD')} refs/heads/other {'0' * 40}\n"
    pushing.git("update-ref", "-d", "refs/remotes/origin/main")
    program = (
        "import sys; before = set(sys.modules); from agentloop.hook import entry; entry.main(['origin', 'there']);"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=pushing.root,
        env=env,
        input=line,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "passed" in done.stderr
    assert done.stdout.split() == ["agentloop"]
