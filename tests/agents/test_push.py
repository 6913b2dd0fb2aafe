"""Sessions driven without agentloop that made commits: found, resumed and distilled at `agentloop push`."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Place, git, write_skill
from .dialects import Run, Say
from .test_by_hand import COMMANDS, UNTIL, WORK, assert_was_asked, call

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]


@pytest.mark.parametrize(
    ("place", "commit"),
    [
        ("claude", "git commit -am 'Count everybody of age'"),
        ("codex", "git commit -qam 'Count everybody of age'"),  # git says nothing of it
    ],
    indirect=["place"],
)
def test_the_session_that_made_the_pushed_commit_is_distilled(
    place: Callable[..., Place], commit: str, tmp_path: Path
) -> None:
    there = place(*WORK[:-1], Run(commit), WORK[-1], write_skill, Say("Written."))
    name = there.agent.name
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", str(remote))
    git(there.repo, "remote", "add", "origin", str(remote))
    git(there.repo, "push", "-q", "-u", "origin", "HEAD")
    done = call(there, *COMMANDS[name], "Make the tests pass")
    assert done.returncode == 0, done.stderr
    done = call(there, sys.executable, "-m", "agentloop", "push", *UNTIL, "origin", "HEAD")
    assert done.returncode == 0, done.stderr
    assert "1 commit; its transcript has the commit" in done.stderr
    assert_was_asked(there, len(WORK) + 1)
    pushed = git(remote, "log", "--all", "--format=%s").splitlines()
    assert pushed[-3:] == ["Add skill limits-are-inclusive", "Count everybody of age", "Begin"]
    done = call(there, sys.executable, "-m", "agentloop", "push", *UNTIL, "origin", "HEAD:refs/heads/another")
    assert done.returncode == 0, done.stderr
    assert len(there.model.main) == len(WORK) + 3
