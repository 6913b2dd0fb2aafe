"""The hook put into a repository and taken out again: what was there is run, is told all, and comes back as it was."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentloop.errors import UsageError
from agentloop.hook import installing, marks

from .conftest import Pushing, make

Look = Callable[[Path], tuple[bytes, int, bool]]


def looks(path: Path) -> tuple[bytes, int, bool]:
    """All that can be told of a file."""
    return path.read_bytes(), path.lstat().st_mode, path.is_symlink()


def earlier(pushing: Pushing, kind: str) -> Path:
    """Put a hook there that writes down all that it is told."""
    hook = pushing.root / ".git/hooks/pre-push"
    note = pushing.root.parent / "told"
    if kind == "sh":
        hook.write_text(f'echo "$@" > "{note}"; cat >> "{note}"')  # without #!, which git takes for sh
    elif kind == "python":
        hook.write_text(
            f"#!{sys.executable}\nimport sys\nwith open({str(note)!r}, 'w') as note:\n"
            "    print(*sys.argv[1:], file=note)\n    note.write(sys.stdin.read())\n"
        )
    else:
        shutil.copy(shutil.which("tee") or "", hook)
    hook.chmod(0o751)
    return hook


def broken(script: Path, folder: Path, text: str) -> None:
    """Have a script of ours start a program that is half an installation."""
    program = folder / "agentloop"
    program.write_text(text)
    program.chmod(0o755)
    script.write_text(script.read_text().replace(str(Path(sys.executable).parent / "agentloop"), str(program)))


@pytest.mark.parametrize("kind", ["sh", "python"])
def test_a_hook_that_was_there_is_told_all_and_comes_back(tmp_path: Path, kind: str) -> None:
    pushing = make(tmp_path)
    hook = earlier(pushing, kind)
    before = looks(hook)
    assert "the hook that was there is run first" in pushing.install()[1]
    again = looks(hook)
    assert pushing.install() == []
    assert looks(hook) == again
    pushing.git("branch", "other")
    commit = pushing.git("rev-parse", "HEAD")
    done = pushing.push("origin", "main", "other")
    assert done.returncode == 0
    assert done.stderr.count("has not been checked") == 2  # we were told of both
    first, *lines = (tmp_path / "told").read_text().splitlines()
    assert first == f"origin {pushing.remote}"
    zeros = "0" * 40
    assert sorted(lines) == [f"refs/heads/{name} {commit} refs/heads/{name} {zeros}" for name in ("main", "other")]
    assert pushing.agentloop("hook", "uninstall").returncode == 0
    assert looks(hook) == before
    assert sorted(path.name for path in hook.parent.iterdir() if path.suffix != ".sample") == ["pre-push"]


@pytest.mark.slow
def test_a_program_that_is_no_script_is_run_too(tmp_path: Path) -> None:
    pushing = make(tmp_path)
    hook = earlier(pushing, "binary")  # tee: writes what it is told to files called `origin` and like the address
    before = looks(hook)
    pushing.git("remote", "set-url", "origin", "../repo.git")
    pushing.install()
    pushing.push("origin", "main")
    assert (pushing.root / "origin").read_text().startswith("refs/heads/main ")
    installing.uninstall(pushing.here())
    assert looks(hook) == before


def test_a_hook_that_refuses_ends_the_push_and_nothing_is_queued(tmp_path: Path) -> None:
    pushing = make(tmp_path)
    hook = pushing.root / ".git/hooks/pre-push"
    hook.write_text("#!/bin/sh\nexit 7\n")
    hook.chmod(0o755)
    pushing.install()
    assert pushing.push("origin", "main").returncode == 1
    assert not pushing.queue.waiting()


@pytest.mark.slow
def test_one_that_git_would_not_run_is_not_run_and_comes_back(tmp_path: Path) -> None:
    pushing = make(tmp_path)
    hook = pushing.root / ".git/hooks/pre-push"
    hook.write_text("#!/bin/sh\nexit 7\n")
    hook.chmod(0o644)
    before = looks(hook)
    pushing.install()
    assert pushing.push("origin", "main").returncode == 0
    installing.uninstall(pushing.here())
    assert looks(hook) == before


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    pushing = make(tmp_path)
    script = pushing.root / "ours.sh"
    script.write_text("#!/bin/sh\nexit 0\n")
    hook = pushing.root / ".git/hooks/pre-push"
    hook.symlink_to("../../ours.sh")
    before = looks(hook)
    pushing.install()
    assert script.read_text() == "#!/bin/sh\nexit 0\n"
    installing.uninstall(pushing.here())
    assert looks(hook) == before


def test_what_somebody_has_changed_is_left_alone(pushing: Pushing) -> None:
    hook = pushing.root / ".git/hooks/pre-push"
    hook.write_text(hook.read_text() + "make lint\n")
    done = pushing.agentloop("hook", "uninstall")
    assert done.returncode == 2
    assert "was changed since agentloop wrote it" in done.stderr
    assert "make lint" in hook.read_text()
    with pytest.raises(UsageError, match="was changed since"):
        pushing.install()


def test_what_somebody_has_put_in_its_place_is_left_alone(tmp_path: Path) -> None:
    pushing = make(tmp_path)
    earlier(pushing, "sh")
    pushing.install()
    hook = earlier(pushing, "python")
    theirs = looks(hook)
    assert installing.uninstall(pushing.here()) == []
    with pytest.raises(UsageError, match="was replaced since"):
        pushing.install()
    assert looks(hook) == theirs
    ((_name, how),) = installing.standing(pushing.here())
    assert "somebody has replaced" in how.why_not[0]


@pytest.mark.slow
def test_hooks_path_of_the_repository_is_respected(pushing: Pushing) -> None:
    pushing.agentloop("hook", "uninstall")
    pushing.git("config", "core.hooksPath", "tools/my hooks")
    lines = pushing.install()
    assert lines[0] == f"installed: {pushing.root}/tools/my hooks/pre-push"
    assert "in the working tree" in lines[1]
    assert str(Path(sys.executable).parent) not in (pushing.root / "tools/my hooks/pre-push").read_text()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    pushing.commit()
    assert "has not been checked" in pushing.push(env={"PATH": path}).stderr


def test_hooks_of_all_repositories_and_no_hooks_at_all_are_refused(pushing: Pushing, isolated_home: Path) -> None:
    pushing.agentloop("hook", "uninstall")
    pushing.git("config", "--global", "core.hooksPath", str(isolated_home / "hooks"))
    with pytest.raises(UsageError, match="other repositories share its hooks"):
        pushing.install()
    for nothing in (os.devnull, ""):
        pushing.git("config", "core.hooksPath", nothing)
        with pytest.raises(UsageError, match="git runs no hooks here"):
            pushing.install()


def test_status_says_whether_git_would_run_it_and_why_not(pushing: Pushing) -> None:
    done = pushing.agentloop("hook", "status")
    assert (done.returncode, done.stdout.splitlines()[1:]) == (
        0,
        [
            "git runs it",
            "gate: warn, until: sh check.sh passes",
            "last push: none that git has told the hook of",
        ],
    )
    hook = pushing.root / ".git/hooks/pre-push"
    hook.chmod(0o644)
    done = pushing.agentloop("hook", "status")
    assert done.returncode == 1
    assert "git does not run it: it is not executable: chmod +x" in done.stdout
    hook.chmod(0o755)
    hook.rename(hook.with_name("pre-push.old"))
    assert "another tool has put it aside as pre-push.old" in pushing.agentloop("hook", "status").stdout
    installing.uninstall(pushing.here())
    done = pushing.agentloop("hook", "status")
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "not installed: agentloop hook install")


def test_a_line_that_somebody_wrote_into_a_hook_is_found_and_left_alone(tmp_path: Path, isolated_home: Path) -> None:
    pushing = make(tmp_path)
    hook = isolated_home / "hooks/pre-push"
    hook.parent.mkdir()
    shutil.copy(Path(__file__).parents[2] / "hooks/pre-push", hook)
    before = looks(hook)
    pushing.git("config", "--global", "core.hooksPath", str(hook.parent))
    assert "git runs it" in pushing.agentloop("hook", "status").stdout
    assert pushing.install() == []
    done = pushing.agentloop("hook", "uninstall")
    assert (done.returncode, "written by hand" in done.stderr) == (2, True)
    assert looks(hook) == before
    hook.chmod(0o644)
    assert "it is not executable" in pushing.agentloop("hook", "status").stdout


def test_install_says_why_nothing_will_be_looked_at(tmp_path: Path) -> None:
    pushing = make(tmp_path)
    pushing.configure("until = [")
    assert "agentloop.toml cannot be read" in pushing.agentloop("hook", "install").stderr
    pushing.configure("")
    assert "until agentloop.toml says what must hold" in pushing.agentloop("hook", "install").stderr


def test_status_tells_of_the_last_push(pushing: Pushing) -> None:
    pushing.receipt(pushing.commit())
    pushing.push()
    assert "last push: now, passed on\n  agentloop: main (" in pushing.agentloop("hook", "status").stdout


@pytest.mark.parametrize("text", ["#!/nowhere/python\n", "#!/bin/sh\necho half >&2; exit 1\n"])
@pytest.mark.parametrize("chained", [False, True])
def test_an_agentloop_that_does_not_run_fails_no_push(tmp_path: Path, text: str, chained: bool) -> None:
    pushing = make(tmp_path)
    if chained:
        earlier(pushing, "sh")
    pushing.install()
    broken(pushing.root / ".git/hooks/pre-push", tmp_path, text)
    commit = pushing.commit()
    done = pushing.push("origin", "main", env={"AGENTLOOP_HOOK_GATE": "block"})
    assert done.returncode == 0
    assert "half" in done.stderr or "not found" in done.stderr
    assert commit in pushing.heads()
    assert (tmp_path / "told").exists() is chained


@pytest.mark.slow
def test_without_agentloop_the_push_goes_on_and_says_so(pushing: Pushing) -> None:
    hook = pushing.root / ".git/hooks/pre-push"
    program = Path(sys.executable).parent / "agentloop"
    hook.write_text(hook.read_text().replace(str(program), "/gone/agentloop"))
    pushing.commit()
    done = pushing.push(env={"PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stderr) == (0, "agentloop: not found, so nothing was looked at\n")


def test_the_script_in_the_repository_s_own_folder_works(pushing: Pushing) -> None:
    script = Path(__file__).parents[2] / "hooks/pre-push"
    shutil.copy(script, pushing.root / ".git/hooks/pre-push")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    pushing.commit()
    assert "has not been checked" in pushing.push(env={"PATH": path}).stderr


def test_the_script_in_the_repository_s_own_folder_refuses_and_fails_no_push(pushing: Pushing, tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[2] / "hooks/pre-push", pushing.root / ".git/hooks/pre-push")
    (tmp_path / "agentloop").symlink_to(Path(sys.executable).parent / "agentloop")
    env = {"PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]]), "AGENTLOOP_HOOK_GATE": "block"}
    pushing.commit()
    assert pushing.push(env=env).returncode == 1
    (tmp_path / "agentloop").unlink()
    (tmp_path / "agentloop").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "agentloop").chmod(0o755)
    assert pushing.push(env=env).returncode == 0


def test_a_text_that_is_not_utf_8_comes_back(tmp_path: Path) -> None:
    pushing = make(tmp_path)
    (pushing.root / ".husky/_").mkdir(parents=True)
    (pushing.root / ".husky/_/pre-push").touch()
    pushing.git("config", "core.hooksPath", ".husky/_")
    hook = pushing.root / ".husky/pre-push"
    hook.write_bytes(b"# th\xe9irs\necho theirs\n")
    before = looks(hook)
    pushing.install()
    assert hook.read_bytes().endswith(before[0])
    installing.uninstall(pushing.here())
    assert looks(hook) == before
    (pushing.root / "lefthook.yml").touch()
    local = pushing.root / "lefthook-local.yml"
    local.write_bytes(b"# m\xe9in\npre-push:\n  commands:\n    mine:\n      run: 'true'\n")
    before = looks(local)
    with pytest.raises(UsageError, match="cannot be read"):
        pushing.install("lefthook")
    assert looks(local) == before


def test_a_disk_that_takes_no_script_leaves_the_hook_that_was_there(tmp_path: Path) -> None:
    pushing = make(tmp_path)
    hook = earlier(pushing, "sh")
    before = looks(hook)
    hook.with_name(".pre-push.agentloop").mkdir()  # where it is written first
    with pytest.raises(OSError, match="directory"):
        pushing.install()
    assert looks(hook) == before


@pytest.mark.parametrize("text", ["", "a\n", "a", "a\n\nb", "a\r\nb\r\n"])
@pytest.mark.parametrize("at_end", [False, True])
def test_a_marked_part_is_found_and_taken_out(text: str, at_end: bool) -> None:
    block = marks.wrapped("one\n\ntwo", 2, line_end="\r\n" if "\r" in text else "\n")
    whole = f"{text}{block}" if at_end and text.endswith("\n") else f"{block}{text}"
    assert marks.without(whole, "it") == text
    with pytest.raises(UsageError, match="it was changed since"):
        marks.without(whole.replace("two", "2"), "it")
    with pytest.raises(UsageError, match="it was changed since"):
        marks.without(whole.replace("# <<<", "# <"), "it")


def test_a_file_that_was_made_for_it_goes() -> None:
    assert marks.without(marks.wrapped("one", made_file=True), "it") is None
    assert marks.without(marks.wrapped("one", made_file=True) + "more\n", "it") == "more\n"


@pytest.mark.slow
def test_git_says_the_same_of_the_hooks_folder(pushing: Pushing) -> None:
    said = subprocess.run(
        ["git", "rev-parse", "--git-path", "hooks"], cwd=pushing.root, capture_output=True, text=True, check=True
    )
    assert pushing.here().hooks.path == pushing.root / said.stdout.strip()
