"""The hook beside the real husky, lefthook and pre-commit framework: installed, pushed with, taken out."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hook.conftest import Pushing, make

from . import clis
from .packages import Package

pytestmark = [pytest.mark.agents, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
NOTE = 'cat > "$PWD/told"'
CONFIG = """\
# what we check
repos:
  # our own
  - repo: local
    hooks:
      - {id: theirs, name: theirs, entry: sh -c 'date > told', language: system, stages: [pre-push], always_run: true}
"""


@dataclass(frozen=True)
class Tool:
    """Another tool that writes git's hooks."""

    package: Package
    files: Mapping[str, str]
    set_up: tuple[str, ...]
    ours: str
    """The file with our part."""

    def path(self) -> str:
        """A PATH with it."""
        folders = [self.package.bin, clis.NODE.bin, Path(sys.executable).parent]
        return os.pathsep.join([*map(str, folders), os.environ["PATH"]])


TOOLS = {
    "husky": Tool(clis.HUSKY, {".husky/pre-push": f"# theirs\n{NOTE}\n"}, ("husky",), ".husky/pre-push"),
    "lefthook": Tool(
        clis.LEFTHOOK,
        {
            "lefthook.yml": f"# theirs\npre-push:\n  jobs:\n    - run: {NOTE}\n      use_stdin: true\n",
            "lefthook-local.yml": "# mine\npre-push:\n  commands:\n    mine:  # too\n      run: 'true'\n",
        },
        ("lefthook", "install"),
        "lefthook-local.yml",
    ),
    "pre-commit": Tool(
        clis.PRE_COMMIT,
        {".pre-commit-config.yaml": CONFIG},
        ("pre-commit", "install", "--hook-type", "pre-push"),
        ".pre-commit-config.yaml",
    ),
}
Beside = tuple[Pushing, Tool]


@pytest.fixture(params=TOOLS)
def beside(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Beside:
    """A repository that the tool is at work in, and the tool."""
    tool = TOOLS[request.param]
    tool.package.install()
    monkeypatch.setenv("PATH", tool.path())
    made = make(tmp_path, "it's a re po")
    for name, text in tool.files.items():
        (made.root / name).parent.mkdir(exist_ok=True)
        (made.root / name).write_text(text)
    (made.root / ".git/info/exclude").write_text("agentloop.toml\ntold\nlefthook-local.yml\n")
    made.commit()
    subprocess.run(tool.set_up, cwd=made.root, check=True, capture_output=True)
    return made, tool


def test_theirs_and_ours_are_both_run_and_theirs_comes_back(beside: Beside) -> None:
    pushing, tool = beside
    file = pushing.root / tool.ours
    before = (file.read_bytes(), file.stat().st_mode)
    done = pushing.agentloop("hook", "install")
    assert done.returncode == 0, done.stderr
    assert f"installed: {file}" in done.stdout
    assert "installed already" in pushing.agentloop("hook", "install").stdout
    status = pushing.agentloop("hook", "status")
    assert (status.returncode, "git runs it" in status.stdout) == (0, True)
    commit = pushing.commit()
    done = pushing.push("origin", "main")
    assert done.returncode == 0, done.stderr
    assert f"main ({commit[:10]}) has not been checked" in done.stdout + done.stderr
    assert [job.tip for job in pushing.queue.waiting()] == [commit]
    told = (pushing.root / "told").read_text()
    if tool.package is not clis.PRE_COMMIT:  # which tells its hooks nothing on stdin
        assert told == f"refs/heads/main {commit} refs/heads/main {'0' * 40}\n"
    assert pushing.agentloop("hook", "uninstall").returncode == 0
    assert (file.read_bytes(), file.stat().st_mode) == before
    (pushing.root / "told").unlink()
    pushing.commit()
    assert "has not been checked" not in pushing.push("origin", "main").stderr
    assert (pushing.root / "told").exists()


def test_a_push_that_is_refused_does_not_go_there(beside: Beside) -> None:
    pushing, _tool = beside
    pushing.agentloop("hook", "install")
    pushing.configure('until = "sh check.sh passes"\nhook.gate = "block"\n')
    pushing.commit()
    done = pushing.push("origin", "main")
    assert (done.returncode, "not pushed (hook.gate)" in done.stdout + done.stderr) == (1, True)
    assert pushing.heads() == ""
    pushing.receipt("HEAD")
    assert pushing.push("origin", "main").returncode == 0


def test_an_address_with_quotes_is_pushed_to(beside: Beside, tmp_path: Path) -> None:
    pushing, _tool = beside
    pushing.agentloop("hook", "install")
    pushing.commit()
    there = tmp_path / "it's $(touch pwned)"
    pushing.git("init", "-q", "--bare", str(there))
    done = pushing.push(str(there), "main")
    assert done.returncode == 0, done.stderr
    assert "has not been checked" in done.stdout + done.stderr
    assert not (pushing.root / "pwned").exists()


def test_our_part_that_was_changed_is_left_alone(beside: Beside) -> None:
    pushing, tool = beside
    pushing.agentloop("hook", "install")
    file = pushing.root / tool.ours
    changed = file.read_text().replace("agentloop hook pre-push", "agentloop hook pre-push --more", 1)
    file.write_text(changed)
    done = pushing.agentloop("hook", "uninstall")
    assert done.returncode == 2
    assert "was changed since" in done.stderr
    assert file.read_text() == changed


def test_an_agentloop_that_does_not_run_fails_no_push(
    beside: Beside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushing, tool = beside
    pushing.agentloop("hook", "install")
    pushing.configure('until = "sh check.sh passes"\nhook.gate = "block"\n')
    commit = pushing.commit()
    half = tmp_path / "half"
    half.mkdir()
    (half / "agentloop").write_text("#!/bin/sh\nexit 1\n")
    (half / "agentloop").chmod(0o755)
    done = pushing.push("origin", "main", env={"PATH": os.pathsep.join([str(half), tool.path()])})
    assert done.returncode == 0, done.stderr
    assert commit in pushing.heads()
    assert commit in (pushing.root / "told").read_text() or tool.package is clis.PRE_COMMIT


def test_whoever_has_no_agentloop_pushes_as_before(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    pushing, tool = beside
    pushing.agentloop("hook", "install")
    pushing.commit()
    path = os.environ["PATH"].split(os.pathsep)
    without = os.pathsep.join(folder for folder in path if not (Path(folder) / "agentloop").exists())
    done = pushing.push("origin", "main", env={"PATH": without})
    is_told = tool.package is clis.LEFTHOOK  # whose part is in nobody else's working tree
    assert (done.returncode, "agentloop: not found" in done.stderr) == (0, is_told), done.stderr
    assert (pushing.root / "told").exists()


@pytest.mark.parametrize("beside", ["lefthook", "pre-commit"], indirect=True)
def test_the_raw_way_is_refused_where_they_would_write_over_it(beside: Beside) -> None:
    pushing, tool = beside
    done = pushing.agentloop("hook", "install", "--via", "raw")
    assert done.returncode == 2
    assert f"--via {tool.package.name}" in done.stderr


@pytest.mark.parametrize("beside", ["pre-commit"], indirect=True)
def test_a_linked_worktree_has_it_too(beside: Beside, tmp_path: Path) -> None:
    pushing, _tool = beside
    pushing.agentloop("hook", "install")
    pushing.commit()
    linked = tmp_path / "linked"
    pushing.git("worktree", "add", "-qb", "linked", str(linked))
    (linked / "agentloop.toml").write_text('until = "sh check.sh passes"\n')
    pushing.commit(cwd=linked)
    assert "linked (" in pushing.push("origin", "linked", cwd=linked).stdout


@pytest.mark.parametrize(("name", "is_run"), [("lefthook", False), ("pre-commit", True)])
def test_a_tool_that_comes_later_puts_ours_aside_and_status_says_so(
    tmp_path: Path, name: str, is_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = TOOLS[name]
    tool.package.install()
    monkeypatch.setenv("PATH", tool.path())
    pushing = make(tmp_path)
    pushing.install("raw")
    ((file, text), *_more) = tool.files.items()
    (pushing.root / file).write_text(text)
    pushing.commit()
    subprocess.run(tool.set_up, cwd=pushing.root, check=True, capture_output=True)
    status = pushing.agentloop("hook", "status")
    assert ("git runs it" in status.stdout, status.returncode) == (is_run, int(not is_run)), status.stdout
    done = pushing.push("origin", "main")
    assert ("has not been checked" in done.stderr + done.stdout) is is_run
    assert pushing.agentloop("hook", "uninstall").returncode == 0
    assert not list((pushing.root / ".git/hooks").glob("pre-push.*[!e]"))


def test_the_framework_takes_the_hook_from_this_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = TOOLS["pre-commit"]
    tool.package.install()
    monkeypatch.setenv("PATH", tool.path())
    offers = make(tmp_path, "offers")
    (offers.root / ".pre-commit-hooks.yaml").write_text((ROOT / ".pre-commit-hooks.yaml").read_text())
    taken = f"repos: [{{repo: {offers.root}, rev: {offers.commit()}, hooks: [{{id: agentloop-pre-push}}]}}]\n"
    pushing = make(tmp_path)
    (pushing.root / ".pre-commit-config.yaml").write_text(taken)
    commit = pushing.commit()
    subprocess.run(tool.set_up, cwd=pushing.root, check=True, capture_output=True)
    done = pushing.push("origin", "main")
    assert (done.returncode, f"main ({commit[:10]}) has not been checked" in done.stdout) == (0, True), done.stdout
    pushing.commit()
    assert pushing.push("origin", "main", env={"AGENTLOOP_HOOK_GATE": "block"}).returncode == 1
    monkeypatch.setenv("PATH", tool.path().replace(str(Path(sys.executable).parent), str(tmp_path)))
    (tmp_path / "agentloop").symlink_to("/nowhere")
    assert pushing.push("origin", "main").returncode == 0
