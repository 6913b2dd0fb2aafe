"""What the model can do, and what is refused: real commands, real files."""

import os
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from agentloop.builtin.tools import Permissions, Result, Toolbox


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def shell(root: Path, command: str, **more: Any) -> Result:
    return Toolbox(root, "edit").call("shell", {"command": command, **more})


def edit(root: Path, path: str, old: str, new: str, permissions: Permissions = "edit") -> Result:
    return Toolbox(root, permissions).call("edit", {"path": path, "old": old, "new": new})


def test_a_command_says_its_exit_code_and_what_it_printed(root: Path) -> None:
    assert shell(root, "pwd; echo oops >&2; exit 3") == Result(f"exit code 3\n{root}\noops\n", failed=True)
    assert shell(root, "read line || echo no stdin") == Result("exit code 0\nno stdin\n")
    assert shell(root, "kill -9 $$") == Result("ended by signal 9\n", failed=True)


def test_of_an_output_of_50_mb_both_ends_are_shown(root: Path) -> None:
    before = psutil.Process().memory_info().rss
    said = shell(root, "echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last").text
    assert psutil.Process().memory_info().rss - before < 25_000_000
    assert len(said) < 20_000
    assert said.startswith("exit code 0\nfirst\nxxx")
    assert said.endswith("x\nlast\n")
    assert "bytes left out" in said


def test_control_characters_do_not_get_through(root: Path) -> None:
    assert shell(root, r"printf 'a\033[31mb\000\r\n\377'").text == "exit code 0\nab\n\ufffd"


def test_a_command_that_hangs_is_ended_with_all_that_it_started(root: Path) -> None:
    said = shell(root, "(setsid sleep 61 & echo $! > pid); sleep 62", timeout_s=0.5)
    assert said.failed
    assert "took longer than 0.5 s" in said.text
    pid = int((root / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_what_a_command_leaves_running_is_ended_and_told(root: Path) -> None:
    began = time.monotonic()
    said = shell(root, "sleep 63 & echo started")
    assert "sleep 63" in said.text
    assert not said.failed
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("command", ["echo a\0b", "x" * 200_000, "\udce9"])
def test_a_command_that_cannot_be_started_is_told(root: Path, command: str) -> None:
    assert shell(root, command).failed


def test_a_text_that_occurs_once_is_replaced_byte_for_byte(root: Path) -> None:
    (root / "f").write_bytes(b"one\r\ntwo \xe9\r\nthree\r\n")
    assert edit(root, "f", "one\r\n", "$1 \\1\r\n") == Result("edited f")
    assert (root / "f").read_bytes() == b"$1 \\1\r\ntwo \xe9\r\nthree\r\n"


@pytest.mark.parametrize(("old", "count"), [("none", 0), ("o", 2)])
def test_a_text_that_occurs_never_or_often_is_not_replaced(root: Path, old: str, count: int) -> None:
    (root / "f").write_text("one two")
    said = edit(root, "f", old, "x")
    assert said == Result(f"the old text has to occur exactly once in f, it occurs {count} times", failed=True)
    assert (root / "f").read_text() == "one two"


def test_a_file_is_created_with_its_folders_and_never_written_over(root: Path) -> None:
    assert edit(root, "a/b/c.txt", "", "new\n") == Result("created a/b/c.txt")
    assert edit(root, "a/b/c.txt", "", "newer\n").failed
    assert (root / "a/b/c.txt").read_text() == "new\n"


def test_an_edit_keeps_a_files_mode(root: Path) -> None:
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    edit(root, "run.sh", "#!/bin/sh", "#!/bin/bash")
    assert os.access(root / "run.sh", os.X_OK)


@pytest.mark.parametrize("path", ["../out", "/etc/agentloop-test", "link/out", ".git/hooks/pre-commit", "sub/.git/x"])
def test_edits_stay_in_the_tree_unless_all_is_allowed(root: Path, path: str, tmp_path: Path) -> None:
    (root / "link").symlink_to(tmp_path)
    said = edit(root, path, "", "x")
    assert said.failed
    assert "not below the working folder" in said.text
    assert not (tmp_path / "out").exists()


def test_full_permissions_edit_anywhere(root: Path, tmp_path: Path) -> None:
    assert not edit(root, str(tmp_path / "out"), "", "x", "full").failed
    assert (tmp_path / "out").read_text() == "x"


def test_what_is_no_ordinary_file_is_refused(root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "loop").symlink_to("loop")
    with (root / "huge").open("wb") as file:
        file.truncate(5 * 1024 * 1024)
    for path in ("pipe", "loop", "huge", ".", "gone", "a\0b", "x" * 300):
        assert edit(root, path, "old", "new").failed


def test_who_may_only_look_has_no_shell(root: Path) -> None:
    (root / "f").write_text("one\ntwo\nthree\n")
    (root / "sub").mkdir()
    box = Toolbox(root, "read")
    assert [tool["function"]["name"] for tool in box.schemas] == ["read"]
    assert box.call("shell", {"command": "touch made"}).failed
    assert box.call("edit", {"path": "made", "old": "", "new": "x"}).failed
    assert box.call("read", {"path": "."}) == Result("f\nsub/")
    assert box.call("read", {"path": "f", "first_line": 2, "lines": 1}) == Result("3 lines in all\ntwo")
    assert box.call("read", {"path": "../x"}).failed
    assert [path.name for path in root.iterdir()] != ["made"]


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("browse", {}, "there is no tool 'browse'; there are: shell, edit"),
        ("shell", None, "no JSON object"),
        ("shell", {}, "command: Field required"),
        ("shell", {"command": ["ls"]}, "command: Input should be a valid string"),
        ("shell", {"command": "ls", "timeout_s": -1}, "timeout_s: "),
    ],
)
def test_what_the_model_gets_wrong_it_is_told(
    root: Path, name: str, arguments: dict[str, Any] | None, words: str
) -> None:
    said = Toolbox(root, "edit").call(name, arguments)
    assert said.failed
    assert words in said.text
