"""Who is the first of a group: one of all who ask, however they ask, and again the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from agentloop.errors import RunError
from agentloop.job import Job
from agentloop.run import groups

JOB = Job(task="mend it", until=("true passes",), agent="offline", worktree="tree", attempts_in_parallel=3)


def test_of_all_that_ask_at_once_one_is_the_first(tmp_path: Path) -> None:
    group = groups.make(tmp_path, JOB)
    assert groups.winner(tmp_path, group) == ""
    code = "import sys, pathlib\nfrom agentloop.run import groups\n"
    code += "print(groups.claim(pathlib.Path(sys.argv[1]), *sys.argv[2:]))"
    argv = [sys.executable, "-c", code, str(tmp_path), group]
    asking = [subprocess.Popen([*argv, f"run-{n}"], stdout=subprocess.PIPE, text=True) for n in range(4)]
    answers = {one.communicate()[0].strip() for one in asking}
    assert answers == {groups.winner(tmp_path, group)}
    assert groups.claim(tmp_path, group, "late") in answers
    assert sorted(path.name for path in groups.folder_of(tmp_path, group).iterdir()) == ["job.json", "won"]


def test_a_group_is_found_by_either_end_of_its_id_and_knows_its_job(tmp_path: Path) -> None:
    group = groups.make(tmp_path, JOB)
    assert groups.find(tmp_path, group[-4:]) == groups.find(tmp_path, group) == group
    assert groups.find(tmp_path, "") == groups.find(tmp_path, "nothing") == ""
    assert groups.job_of(tmp_path, group) == JOB.model_copy(update={"group": group})
    with pytest.raises(RunError, match="has ended"):
        groups.job_of(tmp_path, "group-gone")
