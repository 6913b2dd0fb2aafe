"""`agentloop check` from the command line, and the predicate language in a run."""

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from .conftest import Bench, git

CONFIG = """
[checks]
counted = "sh check.sh passes"

[metrics.count]
command = "cat count"
regex = '\\d+'
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def test_the_tree_is_drawn_and_the_evidence_goes_to_stderr(bench: Bench) -> None:
    done = bench.agentloop("check", "sh check.sh passes or not (true passes and file nowhere exists)", "true passes")
    assert done.returncode == 0
    lines = [line.rpartition(" (")[0] for line in done.stdout.splitlines()]
    assert lines == [
        "✓ pass  all of",
        "├─ ✓ pass  any of",
        "│  ├─ ✗ fail  sh check.sh passes: exited 1",
        "│  └─ ✓ pass  not",
        "│     └─ ✗ fail  all of",
        "│        ├─ ✓ pass  true passes: exited 0",
        "│        └─ ✗ fail  file nowhere exists: it does not exist",
        "└─ ✓ pass  true passes: exited 0",
    ]
    assert "the count is 0" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "code"),
    [("true passes", 0), ("false passes", 1), ("no-such-x passes", 2), ("approved", 2), ("pytest passess", 2)],
)
def test_the_exit_code_is_the_verdict(bench: Bench, source: str, code: int) -> None:
    done = bench.agentloop("check", source)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_what_is_not_understood_is_shown_with_a_caret(bench: Bench) -> None:
    done = bench.agentloop("check", "pytest passess")
    assert done.stdout == ""
    assert done.stderr.splitlines()[:3] == [
        "error: the predicate, column 8: 'passess' is no verb",
        "  pytest passess",
        "         ^~~~~~~",
    ]
    assert done.stderr.splitlines()[-1] == "  did you mean: pytest passes"


def test_how_a_command_without_a_verb_was_read_is_said(bench: Bench) -> None:
    done = bench.agentloop("check", "sh check.sh", "true passes")
    assert done.stderr.splitlines()[0] == "read as: `sh check.sh` passes"
    assert done.stderr.count("read as") == 1
    assert "read as" not in bench.agentloop("check", "--json", "sh check.sh").stderr


@pytest.mark.slow
def test_what_was_not_asked_is_drawn_as_no_error(bench: Bench) -> None:
    done = bench.agentloop("check", "true passes or approved")
    lines = [line.rpartition(" (")[0] for line in done.stdout.splitlines()]
    assert lines[-1] == "└─ - not asked  approved: the verdict does not depend on it"
    drawn = bench.agentloop("check", "true passes or not (approved and approved 2 times)").stdout
    assert "error" not in drawn
    assert drawn.count("- not asked") == 5
    tree = json.loads(bench.agentloop("check", "--json", "true passes or approved 2 times").stdout)["tree"]
    assert tree["children"][1]["verdict"] == "error"


def test_a_folder_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f'rmdir "{gone}" && exec "{sys.executable}" -m agentloop check "true passes"'
    done = subprocess.run(["sh", "-c", line], cwd=gone, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "error: the current folder has been removed"


def test_an_empty_folder_of_logs_is_not_kept(bench: Bench, temporary: Path) -> None:
    result = json.loads(bench.agentloop("check", "--json", "no-such-x passes").stdout)
    assert (result["verdict"], result["logs"]) == ("error", None)
    bench.agentloop("check", "file nowhere exists")
    assert list(temporary.iterdir()) == []


def test_json_is_one_object_with_the_tree(bench: Bench, temporary: Path) -> None:
    (bench.repo / "agentloop.toml").write_text(CONFIG)
    done = bench.agentloop("check", "--json", "counted and count >= baseline")
    result = json.loads(done.stdout)
    assert (done.returncode, result["verdict"], result["exit_code"]) == (1, "fail", 1)
    assert result["predicate"] == "sh check.sh passes and count >= baseline"
    assert result["metrics"] == {"count": 0}
    first, second = result["tree"]["children"]
    assert (first["kind"], first["verdict"], first["exit_code"]) == ("command", "fail", 1)
    assert (second["kind"], second["reason"]) == ("metric", "count is 0, wanted >= 0")
    assert "the count is 0" in Path(first["log"]).read_text()
    assert Path(result["logs"]).parent == temporary


def test_a_pass_leaves_nothing_behind(bench: Bench, temporary: Path) -> None:
    done = bench.agentloop("check", "--json", "true passes")
    assert json.loads(done.stdout)["logs"] is None
    assert list(temporary.iterdir()) == []
    assert git(bench.repo, "status", "--porcelain") == ""


def test_logs_are_kept_where_they_were_asked_for(bench: Bench, tmp_path: Path) -> None:
    bench.agentloop("check", "--logs", str(tmp_path / "a/b"), "'echo kept' passes")
    assert (tmp_path / "a/b/1.log").read_text() == "kept\n"
    done = bench.agentloop("check", "--logs", "/dev/null/x", "true passes")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_explain_says_how_it_was_read_and_runs_nothing(bench: Bench) -> None:
    done = bench.agentloop("check", "--explain", "'touch made' passes and not coverage < baseline - 1%")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "all of:",
        "  `touch made`, run by bash -o pipefail, exits with 0",
        "  the opposite of (an error stays an error):",
        "    the metric coverage is below what was measured first -1%",
    ]
    assert not (bench.repo / "made").exists()


def test_it_works_outside_of_a_repository(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    command = [sys.executable, "-m", "agentloop", "check", "file here exists"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_a_model_alone_has_to_be_allowed(bench: Bench) -> None:
    done = bench.agentloop("check", "judge 'is it?'")
    assert done.returncode == 2
    assert "--allow-judge-only" in done.stderr
    allowed = bench.agentloop("check", "--allow-judge-only", "judge 'is it?'")
    assert "no model is named" in allowed.stdout
    argv = [word.replace("sh check.sh passes", "judge 'is it?' or sh check.sh passes") for word in bench.argv()]
    refused = bench.call(argv)
    assert refused.returncode == 2
    assert "--allow-judge-only" in refused.stderr


def sleeps(those: list[psutil.Process]) -> bool:
    """One of them does; some are gone by the time that they are asked."""
    for process in those:
        with suppress(psutil.NoSuchProcess):
            if "sleep" in process.name():
                return True
    return False


@pytest.mark.parametrize("program", ["sleep 60", "'sleep 60 & setsid sleep 60; wait'"])
def test_ctrl_c_leaves_nothing_running(bench: Bench, temporary: Path, program: str) -> None:
    command = [sys.executable, "-m", "agentloop", "check", f"'touch begun' passes and {program} passes"]
    running = subprocess.Popen(command, cwd=bench.repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while not sleeps(children := psutil.Process(running.pid).children(recursive=True)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _out, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert b"Traceback" not in err
    assert not psutil.wait_procs(children, timeout=3)[1]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"\n", 1), (b"no\n", 1)])
def test_a_person_at_a_terminal_is_asked(bench: Bench, answer: bytes, code: int) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agentloop", "check", "true passes and approved"]
    running = subprocess.Popen(command, cwd=bench.repo, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    asked = b""
    while b"[y/N]" not in asked:
        asked += os.read(ours, 1000)
    os.write(ours, answer)
    assert running.communicate(timeout=30)[0]
    assert running.returncode == code
    os.close(ours)


def test_a_person_who_does_not_answer_is_not_waited_for_any_longer_than_asked(bench: Bench) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agentloop", "check", "approved within 0.3s"]
    running = subprocess.Popen(command, cwd=bench.repo, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    try:
        out, _none = running.communicate(timeout=30)
    finally:
        running.kill()
        os.close(ours)
    assert running.returncode == 2
    assert b"nobody answered in time" in out


def test_a_run_reads_the_whole_language_and_keeps_what_the_configuration_said(bench: Bench) -> None:
    (bench.repo / "agentloop.toml").write_text(CONFIG)
    bench.steps({"run": "echo 2 > count; rm agentloop.toml"}, {"run": "echo 3 > count"}, {"say": "NO SKILL: known"})
    argv = [word.replace("sh check.sh passes", "counted and count > baseline") for word in bench.argv("--json")]
    done = bench.call(argv)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdicts"] == ["fail", "pass"]
    events = [json.loads(line) for line in bench.agentloop("logs", "--json").stdout.splitlines()]
    measured = [event["metrics"] for event in events if event["type"] == "check.ended"]
    assert measured == [{"count": 0}, {"count": 2}, {"count": 3}]
    assert [leaf["verdict"] for event in events if event["type"] == "check.ended" for leaf in event["leaves"]] == [
        *("fail", "fail"),
        *("fail", "pass"),
        *("pass", "pass"),
    ]
    assert "Check: `sh check.sh`\nCheck: `count > baseline`" in bench.prompts()[0]["prompt"]


@pytest.mark.slow
def test_an_unchanged_tree_is_not_checked_twice_unless_asked(bench: Bench, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    predicate = f"'echo x >> {ran}; sh check.sh' passes"
    assert bench.agentloop("check", predicate).returncode == 1
    again = bench.agentloop("check", predicate)
    assert again.returncode == 1
    assert "--fresh runs it again" in again.stderr
    assert ran.read_text() == "x\n"
    assert json.loads(bench.agentloop("check", "--json", predicate).stdout)["remembered_from"]
    bench.agentloop("check", "--fresh", predicate)
    assert ran.read_text() == "x\nx\n"
    (bench.repo / "count").write_text("3\n")
    assert bench.agentloop("check", predicate).returncode == 0
    assert ran.read_text() == "x\nx\nx\n"


def test_a_run_remembers_what_the_same_tree_came_to_and_checks_after_each_turn(bench: Bench, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    bench.steps({"say": "I changed nothing"})
    argv = [*bench.argv("--json", "--max-attempts", "1")]
    argv[argv.index("sh check.sh passes")] = f"'echo x >> {ran}; sh check.sh' passes"
    assert bench.call(argv).returncode == 1
    assert ran.read_text() == "x\n" * 2
    again = bench.call(argv)
    assert "nothing has changed" in again.stderr
    assert ran.read_text() == "x\n" * 3
    bench.call([*argv[:3], "run", "--fresh", *argv[4:]])
    assert ran.read_text() == "x\n" * 5


@pytest.mark.parametrize(("predicate", "code"), [("true passes", 0), ("false passes", 1)])
def test_the_verdict_counts_although_nobody_reads_it(bench: Bench, predicate: str, code: int) -> None:
    line = f"'{sys.executable}' -m agentloop check --fresh '{predicate}'"
    for script in (f"{line} | true; exit ${{PIPESTATUS[0]}}", f"{line} >&-"):
        done = bench.call(["bash", "-c", script])
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("predicate", "code"), [("true passes", 0), ("false passes", 1)])
def test_the_verdict_counts_although_it_cannot_be_remembered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, predicate: str, code: int
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nothing")
    done = bench.agentloop("check", "--json", predicate)
    assert (done.returncode, json.loads(done.stdout)["exit_code"]) == (code, code)
    assert "warning: the verdict is not remembered" in done.stderr
