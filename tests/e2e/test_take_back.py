"""`agentloop undo` and `agentloop diff`, from the command line."""

import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Bench, git
from .terminal import at_terminal, end
from .test_git_safety import files
from .test_run import RIGHT, WRONG, wait_for

Step = Callable[..., dict[str, Any]]
MORE = {"run": "echo 4 > count; echo new > new; mkdir deep; echo x > deep/x"}


@pytest.fixture
def ended(bench: Bench) -> Bench:
    """A run of two turns that did not reach its goal."""
    bench.steps(WRONG, MORE)
    assert bench.run("--max-attempts", "2").returncode == 1
    return bench


def test_undo_restores_the_files_of_any_snapshot_and_back(ended: Bench) -> None:
    after = files(ended.repo)
    head = git(ended.repo, "rev-parse", "HEAD")
    done = ended.agentloop("undo", "--to", "1")
    assert done.returncode == 0, done.stderr
    assert "restored 3 files to how the tree was after turn 1:\n  count\n  deep/x\n  new\n" in done.stdout
    assert files(ended.repo)["count"].endswith(" 2\n")
    assert not (ended.repo / "deep").exists()
    done = ended.agentloop("undo")
    assert "before the first turn:\n  count\n" in done.stdout
    assert git(ended.repo, "status", "--porcelain") == ""
    assert "the files are as they were before the first turn" in ended.agentloop("undo").stdout
    other_way = re.search(r"agentloop (undo \S+ --to 2)", done.stdout)
    assert other_way
    assert ended.agentloop(*other_way[1].split()).returncode == 0
    assert files(ended.repo) == after
    assert git(ended.repo, "rev-parse", "HEAD") == head
    assert "taken back to snapshot 0" in ended.agentloop("logs").stdout


def test_undo_never_overwrites_what_a_person_changed_since(ended: Bench) -> None:
    (ended.repo / "count").write_text("mine\n")
    (ended.repo / "other").write_text("mine\n")
    before = files(ended.repo)
    done = ended.agentloop("undo")
    assert (done.returncode, files(ended.repo)) == (2, before)
    assert "count is not as run" in done.stderr
    assert "nothing was taken back" in done.stderr
    advice = re.search(r"git restore --source=\S+ -- ", done.stderr)
    assert advice
    git(ended.repo, *advice[0].split()[1:], "count")
    assert ended.agentloop("undo").returncode == 0
    assert files(ended.repo)["count"].endswith(" 0\n")
    assert files(ended.repo)["other"].endswith(" mine\n")


@pytest.mark.slow
def test_the_skill_goes_with_the_work_or_alone(bench: Bench, write_skill: Step) -> None:
    bench.steps(WRONG, RIGHT, write_skill())
    bench.run()
    assert "agentloop undo" in bench.agentloop("status").stdout
    (bench.repo / "skills/keep-counting/SKILL.md").write_text("mine\n")
    refused = bench.agentloop("undo")
    assert (refused.returncode, (bench.repo / "count").read_text()) == (2, "3\n")
    git(bench.repo, "restore", "skills")
    alone = bench.agentloop("undo", "--keep-work")
    assert "took back skills/keep-counting" in alone.stdout
    assert (bench.repo / "count").read_text() == "3\n"
    assert bench.agentloop("undo").returncode == 0
    assert git(bench.repo, "status", "--porcelain") == ""
    assert not (bench.repo / "skills").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.slow
def test_undo_after_a_turn_that_was_cut_off(bench: Bench, number: signal.Signals) -> None:
    """What it did is recorded when agentloop could, and told from the person's changes by nobody when it was killed."""
    bench.steps({"run": "echo 2 > count; echo new > new; touch in-turn", "sleep_s": 30})
    running = subprocess.Popen(bench.argv(), cwd=bench.repo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(bench.repo / "in-turn", timeout_s=90)
    running.send_signal(number)
    running.wait(timeout=30)
    done = bench.agentloop("undo")
    if number == signal.SIGINT:
        assert done.returncode == 0, done.stderr
        assert git(bench.repo, "status", "--porcelain") == ""
        assert bench.agentloop("diff", "1", "--name-only").stdout.split() == ["count", "in-turn", "new"]
    else:
        assert (done.returncode, (bench.repo / "new").exists()) == (2, True)
        assert "count is not as run" in done.stderr
        assert "turn 1 was cut off before its work was recorded" in done.stderr


@pytest.mark.parametrize("last", ["turn.started", "turn.ended"])
@pytest.mark.slow
def test_undo_of_work_that_was_not_recorded_refuses_what_was_there_before(bench: Bench, last: str) -> None:
    """Killed, or with a full disk, before the snapshot after the first turn."""
    bench.steps({"run": "echo 2 > count; rm check.sh; echo new > new"})
    bench.run("--max-attempts", "1")
    journal = next(bench.state_folder().glob("*/*/journal.jsonl"))
    lines = journal.read_text().splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines) if f'"type":"{last}"' in line)
    journal.write_text("".join(lines[: end + 1]))
    done = bench.agentloop("undo")
    assert done.returncode == 2
    assert re.search(r"check.sh, count are not as run \S+ left them \(turn 1 was cut off", done.stderr)
    advice = re.search(r"git restore --source=\S+ -- ", done.stderr)
    assert advice
    git(bench.repo, *advice[0].split()[1:], "count", "check.sh")
    done = bench.agentloop("undo")
    assert done.returncode == 0
    assert "files that it made anew stay" in done.stdout
    assert git(bench.repo, "status", "--porcelain") == "?? new\n"


def test_what_a_person_changed_before_a_resume_is_theirs(bench: Bench) -> None:
    (bench.repo / "old").write_text("old\n")
    git(bench.repo, "add", "old")
    git(bench.repo, "commit", "-qm", "Add old")
    bench.steps(
        {"run": "echo 2 > count; echo run > both; echo run > new; touch in-turn", "sleep_s": 30},
        {"run": "echo 3 > count; echo more >> both; touch new2"},
    )
    running = subprocess.Popen(bench.argv(), cwd=bench.repo, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(bench.repo / "in-turn", timeout_s=90)
    running.send_signal(signal.SIGINT)
    running.wait(timeout=30)
    (bench.repo / "mine").write_text("mine\n")
    (bench.repo / "both").write_text("run\nmine\n")
    (bench.repo / "new").unlink()
    (bench.repo / "old").unlink()
    (bench.repo / "old").mkdir()
    (bench.repo / "old/file").write_text("mine\n")
    theirs = {"mine": "mine\n", "old/file": "mine\n"}
    assert "5 files, which undo leaves alone" in bench.agentloop("resume").stderr
    done = bench.agentloop("undo")
    assert "before the run was resumed stays: both, mine, old, old/file" in done.stdout, done.stderr
    assert contents(bench) == {**theirs, "count": "0\n", "both": "run\nmine\n"}
    assert bench.agentloop("undo", "--to", "2").returncode == 0
    again = {"in-turn": "", "new2": "", "count": "3\n"}
    assert contents(bench) == {**theirs, **again, "both": "run\nmine\nmore\n"}
    (bench.repo / "mine").write_text("more of mine\n")
    assert bench.agentloop("undo").returncode == 0
    assert contents(bench) == {"mine": "more of mine\n", "old/file": "mine\n", "count": "0\n", "both": "run\nmine\n"}


def contents(bench: Bench) -> dict[str, str]:
    """All files of the working tree that the check does not consist of."""
    found = (path for path in bench.repo.rglob("*") if path.is_file() and ".git" not in path.parts)
    named = {path.relative_to(bench.repo).as_posix(): path.read_text() for path in found}
    return {name: text for name, text in named.items() if name != "check.sh"}


def test_undo_that_was_killed_is_completed_by_the_next(ended: Bench) -> None:
    """Killed after its intent was written and some of the files were restored."""
    journal = next(ended.state_folder().glob("*/*/journal.jsonl"))
    seq = len(journal.read_text().splitlines())
    with journal.open("a") as file:
        file.write(json.dumps({"type": "undo.began", "seq": seq, "at": 1.0, "to": 1}) + "\n")
    (ended.repo / "new").unlink()
    (ended.repo / "count").write_text("2\n")
    assert ended.agentloop("undo").returncode == 0
    assert git(ended.repo, "status", "--porcelain") == ""


def test_undo_of_a_killed_turns_changes_says_how_they_are_recorded(ended: Bench) -> None:
    journal = next(ended.state_folder().glob("*/*/journal.jsonl"))
    lines = journal.read_text().splitlines()[:-1]
    started = {
        "type": "turn.started",
        "seq": len(lines),
        "at": 1.0,
        "turn": 3,
        "purpose": "work",
        "prompt": "",
        "log": "",
    }
    journal.write_text("".join(f"{line}\n" for line in [*lines, json.dumps(started)]))
    (ended.repo / "count").write_text("5\n")
    done = ended.agentloop("undo")
    assert (done.returncode, (ended.repo / "count").read_text()) == (2, "5\n")
    assert "turn 3 was cut off before its work was recorded" in done.stderr
    assert "agentloop resume" in done.stderr


@pytest.mark.slow
def test_what_is_not_there_is_said(ended: Bench, tmp_path: Path) -> None:
    for args, words in {
        ("undo", "--to", "9"): "has no snapshot 9",
        ("undo", "--to", "1", "--keep-work"): "exclude each other",
        ("diff", "9"): "recorded no turn 9",
        ("diff", "nonsense"): "no run of this repository",
    }.items():
        done = ended.agentloop(*args)
        assert (done.returncode, words in done.stderr) == (2, True)
    git(ended.repo, "worktree", "add", "-q", str(tmp_path / "other"))
    main, ended.repo = ended.repo, tmp_path / "other"
    done = ended.agentloop("undo")
    assert (done.returncode, f"cd {main}" in done.stderr) == (2, True)


def test_diff_shows_the_run_or_one_turn_with_gits_pager_at_a_terminal(ended: Bench) -> None:
    whole = ended.agentloop("diff").stdout
    assert "-0\n+4\n" in whole
    assert "\033" not in whole
    assert "-0\n+2\n" in ended.agentloop("diff", "1").stdout
    assert ended.agentloop("diff", "1", "--name-only").stdout == "count\n"
    assert "1 file changed" in ended.agentloop("diff", "1", "--stat").stdout
    run = json.loads(ended.agentloop("status", "--json").stdout)["run"]
    assert ended.agentloop("diff", run, "2", "--name-only").stdout.split() == ["count", "deep/x", "new"]
    with at_terminal(ended.repo, "diff", "1", GIT_PAGER="sed 's/^/paged: /'", TERM="xterm") as child:
        code, said = end(child)
    assert code == 0
    assert re.search(r"paged: .*\x1b\[32m.*2", said)


@pytest.mark.slow
def test_names_reach_the_terminal_without_their_control_characters(bench: Bench) -> None:
    bench.steps({"run": "printf x > $(printf '\\033[31mred'); printf x > $(printf 'a\\342\\200\\256b')"})
    bench.run("--max-attempts", "1")
    assert "\033" not in bench.agentloop("diff", "--name-only").stdout
    next(path for path in bench.repo.iterdir() if "red" in path.name).write_text("mine")
    refused = bench.agentloop("undo")
    assert refused.returncode == 2
    assert "\033" not in refused.stderr
    next(path for path in bench.repo.iterdir() if "red" in path.name).write_text("x")
    done = bench.agentloop("undo").stdout
    assert "\033" not in done
    assert "a<U+202E>b" in done


@pytest.mark.slow
def test_the_summary_says_what_became_of_index_and_stash(bench: Bench) -> None:
    (bench.repo / "count").write_text("1\n")
    git(bench.repo, "stash", "-q")
    stash = git(bench.repo, "rev-parse", "stash").strip()
    (bench.repo / "mine").write_text("m\n")
    git(bench.repo, "add", "mine")
    bench.steps(WRONG, {"run": "git stash drop -q; git commit -qam all", "say": "done"})
    done = bench.run("--max-attempts", "2")
    assert f"a stash of yours was dropped in turn 2, to have it back: git stash store {stash[:12]}" in done.stdout
    assert "what was staged before the run is not staged any more, since turn 2" in done.stdout
    assert "HEAD was at main" in done.stdout
    untouched = Bench(bench.repo, bench.script)
    untouched.script.with_suffix(".log").unlink()
    untouched.steps(WRONG)
    assert "  git: " not in untouched.run("--max-attempts", "1").stdout
