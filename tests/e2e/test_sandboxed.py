"""Checks within walls, and an agent within bubblewrap: real runs that try to write elsewhere."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agentloop.process import landlock

from .conftest import Bench, git

Step = Callable[..., dict[str, Any]]
RIGHT = {"run": "echo 3 > count"}
needs_landlock = pytest.mark.skipif(
    landlock.version() < landlock.MIN_VERSION, reason="the kernel has no Landlock that is enough"
)
needs_bubblewrap = pytest.mark.skipif(
    subprocess.run("bwrap --unshare-pid --ro-bind / / --proc /proc true", shell=True, capture_output=True, check=False)
    .returncode != 0,
    reason="bubblewrap is not installed, or does not work here",
)  # fmt: skip


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that is no temporary one, nor of a tree: below the home that the system knows."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    if not os.access(home, os.W_OK) or home.is_relative_to("/tmp"):
        pytest.skip("no folder outside of the temporary ones can be written to")
    folder = Path(tempfile.mkdtemp(prefix=".agentloop-test-", dir=home))
    (folder / "file").write_text("theirs\n")
    yield folder
    shutil.rmtree(folder)


def looks(folder: Path) -> list[tuple[str, str]]:
    return [(path.name, path.read_text()) for path in sorted(folder.iterdir())]


def test_the_summary_and_the_journal_say_what_was_in_force(bench: Bench) -> None:
    bench.steps(RIGHT)
    done = bench.run("--sandbox", "none", "--distill", "never")
    assert "checks could write anywhere: --sandbox none" in done.stdout
    events = [json.loads(line) for line in bench.agentloop("logs", "--json").stdout.splitlines()]
    assert [event["sandbox"] for event in events if event["type"] == "check.ended"] == ["none", "none"]


@needs_landlock
def test_a_check_of_a_run_writes_to_its_tree_and_nowhere_else(bench: Bench, outside: Path) -> None:
    """What it writes in temporary folders, to its cache and by git is no matter."""
    before = looks(outside)
    (bench.repo / "check.sh").write_text(
        "read n < count; [ $n = 3 ] || exit 1\n"
        f"echo x > {outside}/file && exit 1\n"
        f"rm -r {outside} 2> /dev/null && exit 1\n"
        "set -e\nmktemp > /dev/null\necho x > made\nmkdir -p ~/.cache/tool\ngit add made\ngit status > /dev/null\n"
    )
    git(bench.repo, "commit", "-qam", "Check more")
    bench.steps({"run": f"echo agent > {outside}/agent; rm {outside}/agent; echo 3 > count"})
    done = bench.run("--distill", "never")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(Landlock)" in done.stdout
    assert looks(outside) == before


@needs_landlock
def test_the_replay_is_kept_to_its_tree_as_well(bench: Bench, outside: Path) -> None:
    """The check is edited, so that it is replayed as it was, which writes where it may not."""
    (bench.repo / "check.sh").write_text(f"read n < count; (echo x > {outside}/file) 2> /dev/null; [ $n = 3 ]\n")
    git(bench.repo, "commit", "-qam", "Check elsewhere")
    bench.steps({"run": "echo '# better' >> check.sh; echo 3 > count"})
    done = bench.run("--distill", "never", "--json")
    result = json.loads(done.stdout)
    assert (result["outcome"], result["guard"]["replayed"], result["sandbox"]) == ("reached", True, "landlock")
    assert looks(outside) == [("file", "theirs\n")]


@needs_landlock
def test_a_denial_is_named_with_the_ways_out(bench: Bench, outside: Path) -> None:
    argv = ["check", f"sh -c 'echo x >> {outside}/file' passes"]
    denied = bench.agentloop(*argv)
    assert denied.returncode == 1
    for word in (f"{outside}/file", "sandbox_writable", "--sandbox none"):
        assert word in denied.stdout
    assert looks(outside) == [("file", "theirs\n")]
    assert bench.agentloop(*argv, "--sandbox-writable", str(outside)).returncode == 0
    assert bench.agentloop(*argv, "--sandbox", "none").returncode == 0
    assert looks(outside) == [("file", "theirs\nx\nx\n")]


@needs_landlock
def test_a_verdict_under_other_walls_is_another_verdict(bench: Bench) -> None:
    for flags, remembered in (((), False), ((), True), (("--sandbox", "none"), False), (("--sandbox", "none"), True)):
        done = bench.agentloop("check", "test -f count passes", *flags)
        assert ("as on" in done.stderr) == remembered


@needs_landlock
def test_our_own_logs_are_no_way_out(bench: Bench, outside: Path) -> None:
    """A command puts links where we shall write, of the file and of the folder."""
    logs = bench.repo / "logs"
    for trick in (f"ln -s {outside}/file logs/2.log", f"mv logs old && ln -s {outside} logs"):
        bench.agentloop("check", "--logs", str(logs), f"sh -c '{trick}' passes", "echo x passes")
        shutil.rmtree(bench.repo / "old", ignore_errors=True)
        logs.unlink() if logs.is_symlink() else shutil.rmtree(logs)
    assert looks(outside) == [("file", "theirs\n")]


@needs_bubblewrap
def test_bubblewrap_keeps_agent_and_check_to_the_tree(bench: Bench, outside: Path, write_skill: Step) -> None:
    tries = f"echo x > {outside}/file; mount -o remount,rw,bind / /; echo x > {outside}/file"
    git(bench.repo, "config", "agentloop.test", "before")
    sets = "git config agentloop.test after; echo x > .git/hooks/post-commit; mv .git .gone"
    (bench.repo / "check.sh").write_text(f"({tries}); read n < count; echo count is $n; [ $n = 3 ]\n")
    git(bench.repo, "commit", "-qam", "Check elsewhere")
    bench.steps({"run": f"({tries}; {sets}) 2>&1; echo 2 > count"}, RIGHT, write_skill())
    done = bench.run("--sandbox", "bwrap", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert (result["verdicts"], result["sandbox"], result["skill"]["name"]) == (
        ["fail", "pass"], "bwrap", "keep-counting",
    )  # fmt: skip
    assert looks(outside) == [("file", "theirs\n")]
    assert git(bench.repo, "config", "agentloop.test") == "before\n"
    assert not (bench.repo / ".git/hooks/post-commit").exists()


@needs_bubblewrap
@pytest.mark.slow
def test_the_embedded_agent_keeps_its_session_within_bubblewrap(bench: Bench) -> None:
    (bench.repo / "shop.py").write_text("def total(a, b):\n    return a - b\n")
    (bench.repo / "test_shop.py").write_text(
        "from shop import total\n\ndef test_total():\n    assert total(2, 3) == 5\n"
    )
    git(bench.repo, "add", ".")
    git(bench.repo, "commit", "-qm", "Add a shop")
    python = f"{sys.executable} -m pytest -q passes"
    done = bench.agentloop(
        "run", "--until", python, "--agent", "offline", "--sandbox", "bwrap", "--json", "--distill", "never", "Mend it"
    )
    assert json.loads(done.stdout)["outcome"] == "reached", done.stdout + done.stderr


@needs_bubblewrap
@pytest.mark.parametrize(
    ("command", "reason"),
    [("no-such-program", "command not found"), ("sh -c 'kill -11 $$'", "SIGSEGV"), ("sh -c 'exit 3'", "exited 3")],
)
def test_bubblewrap_does_not_change_what_an_end_means(bench: Bench, command: str, reason: str) -> None:
    done = bench.agentloop("check", "--sandbox", "bwrap", "--json", f"{command} passes")
    assert reason in json.loads(done.stdout)["tree"]["reason"]
