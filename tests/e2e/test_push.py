"""`agentloop push`: real pushes to real bare repositories, with an agent whose sessions a person drove by hand."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentloop.process import RUN_TAG
from agentloop.records import commit_receipts, folders

from .conftest import git
from .terminal import at_terminal, end
from .test_by_hand import DECLINES, FOUND_OUT, UNTIL, Hands, hands

__all__ = ["hands"]
WORK = FOUND_OUT
COMMIT = "run git commit -am 'Count to three'"


slow = pytest.mark.slow


@dataclass
class Pusher:
    """A person's repository, and where they push to."""

    hands: Hands
    remote: Path

    @property
    def repo(self) -> Path:
        return self.hands.repo

    def push(self, *args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `agentloop push` with the check that there is."""
        return self.hands.call("push", *UNTIL, *args, cwd=cwd)

    def there(self, ref: str = "refs/heads/main") -> str:
        """The commit of a ref over there; empty when there is none."""
        done = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", ref], cwd=self.remote, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    def here(self, name: str = "HEAD") -> str:
        return git(self.repo, "rev-parse", name).strip()

    def pass_by_hand(self, count: str = "3") -> None:
        """Commit what passes."""
        (self.repo / "count").write_text(f"{count}\n")
        git(self.repo, "commit", "-qam", f"Count to {count}")

    def receipt(self, commit: str = "HEAD") -> commit_receipts.CommitReceipt | None:
        folder = commit_receipts.folder_of(self.repo / git(self.repo, "rev-parse", "--git-common-dir").strip())
        return commit_receipts.read(folder, self.here(f"{commit}^{{tree}}"))


@pytest.fixture
def pusher(hands: Hands, tmp_path: Path) -> Pusher:
    """A repository whose first commit, that does not pass, is over there."""
    remote = tmp_path / "over there.git"
    git(tmp_path, "init", "-q", "--bare", str(remote))
    git(hands.repo, "remote", "add", "origin", str(remote))
    git(hands.repo, "push", "-q", "-u", "origin", "main")
    hands.env["AGENTLOOP_LINK"] = "false"
    return Pusher(hands, remote)


def test_the_skill_of_the_session_behind_the_commit_is_in_the_same_push(pusher: Pusher) -> None:
    session = pusher.hands.by_hand(*WORK, COMMIT)
    pusher.hands.env["AGENTLOOP_LINK"] = "true"
    done = pusher.push()
    assert done.returncode == 0, done.stderr
    assert f"session {session} of Scripted: 1 commit; its transcript has the commit" in done.stderr
    subjects = git(pusher.remote, "log", "--format=%s").splitlines()
    assert subjects == ["Link skills for agents", "Add skill keep-counting", "Count to three", "Begin"]
    assert pusher.there() == pusher.here()
    assert git(pusher.repo, "status", "--porcelain") == ""
    (asked,) = pusher.hands.prompts()
    assert (asked["session"], asked["cwd"]) == (session, str(pusher.repo))
    assert "+3" in asked["prompt"]
    state = pusher.hands.state()
    assert (state.baseline.verdict, [check.verdict for check in state.checks]) == ("fail", ["pass"])  # type: ignore[union-attr]
    assert state.checks[0].remembered_from
    receipt, earlier = pusher.receipt(), pusher.receipt("HEAD~2")
    assert receipt
    assert earlier
    assert (receipt.verdict, receipt.predicate, receipt.tools) == ("pass", "sh check.sh passes", earlier.tools)
    assert git(pusher.repo, "worktree", "list").count("\n") == 1


@slow
def test_sessions_work_where_the_person_does_and_know_the_skill_of_the_one_before(pusher: Pusher) -> None:
    programs = pusher.repo / ".venv/bin"
    programs.mkdir(parents=True)
    (pusher.repo / ".git/info/exclude").write_text(".venv\n")
    seen = pusher.hands.home / "seen"
    pusher.hands.env["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    pusher.hands.env["SCRIPTED_TURN"] += f'; echo "${{PATH%%:*}}" >> {seen}'
    pusher.hands.by_hand(*WORK, COMMIT)
    pusher.hands.by_hand("run echo 0 > count", *WORK, "run git commit --allow-empty -am 'Count on and on'")
    done = pusher.hands.call(
        "push", "--until", "sh -c 'case $PATH in */pushes/*) sh check.sh;; *) exit 1;; esac' passes",
        "--distill", "always",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second, *_repairs = pusher.hands.prompts()
    assert first["session"] != second["session"]
    assert ["#### keep-counting" in asked["prompt"] for asked in (first, second)] == [False, True]
    assert set(seen.read_text().splitlines()) == {str(programs)}


@slow
def test_what_a_push_that_was_killed_had_begun_to_bring_is_brought(pusher: Pusher) -> None:
    pusher.pass_by_hand()
    (pusher.repo / ".venv").mkdir()
    (pusher.repo / ".git/info/exclude").write_text(".venv\n")
    begun = folders.repository_folder(pusher.repo / ".git") / "pushes/0.part"
    begun.mkdir(parents=True)
    done = pusher.hands.call("push", "--until", "test -d .venv passes")
    assert done.returncode == 0, done.stderr
    assert not begun.exists()


@slow
def test_nothing_is_distilled_twice(pusher: Pusher) -> None:
    pusher.hands.by_hand(*WORK, COMMIT)
    pusher.hands.env["SCRIPTED_TURN"] = DECLINES
    refused = "#!/bin/sh\nexit 1\n"
    (pusher.remote / "hooks/pre-receive").write_text(refused)
    (pusher.remote / "hooks/pre-receive").chmod(0o755)
    assert pusher.push().returncode == 1
    (pusher.remote / "hooks/pre-receive").unlink()
    done = pusher.push()
    assert (done.returncode, pusher.there()) == (0, pusher.here())
    assert "as before" in done.stderr
    assert len(pusher.hands.prompts()) == 1


def test_what_fails_is_not_pushed_and_said_with_its_evidence(pusher: Pusher) -> None:
    pusher.pass_by_hand("2")
    (pusher.repo / "count").write_text("3\n")  # what is not committed does not count
    before = pusher.there()
    done = pusher.push("--agent", "scripted", "origin", "main", "--force-with-lease")
    assert done.returncode == 1
    assert "the count is 2" in done.stderr
    wanted = "agentloop push --fix --until 'sh check.sh passes' --agent scripted origin main --force-with-lease"
    assert f"to have it mended and pushed: {wanted}\n" in done.stderr
    assert "to push it all the same: git push origin main --force-with-lease\n" in done.stderr
    assert done.stdout == ""
    assert pusher.there() == before
    receipt = pusher.receipt()
    assert receipt
    assert receipt.verdict == "fail"
    assert Path(receipt.log).is_dir()


def test_what_only_git_push_can_name_is_not_pushed_unchecked(pusher: Pusher) -> None:
    pusher.pass_by_hand("2")
    done = pusher.push("origin", ":/Count:refs/heads/x")
    assert (done.returncode, pusher.there("refs/heads/x")) == (2, "")
    assert ":/Count is no name of a commit: nothing was pushed" in done.stderr


@slow
def test_an_error_is_an_error(pusher: Pusher) -> None:
    pusher.pass_by_hand()
    done = pusher.hands.call("push", "--until", "no-such-program passes")
    assert (done.returncode, "no-such-program" in done.stderr) == (2, True)
    assert pusher.there() != pusher.here()


@slow
def test_what_is_only_in_the_working_tree_does_not_help(pusher: Pusher) -> None:
    (pusher.repo / "count").write_text("3\n")
    (pusher.repo / "extra").write_text("3\n")
    git(pusher.repo, "add", "count")
    git(pusher.repo, "commit", "-qm", "Count to three")
    done = pusher.hands.call("push", "--until", "test -e extra passes")
    assert done.returncode == 1
    assert (pusher.repo / "extra").exists()


@pytest.mark.parametrize(
    ("prepare", "arguments", "target"),
    [
        pytest.param("true", ["-u", "origin", "main"], "main", marks=slow),
        pytest.param("git switch -qc new", ["-u", "origin", "new"], "new", marks=slow),
        pytest.param("git switch -qc new", ["origin", "HEAD"], "new", marks=slow),
        pytest.param("git switch -q --detach", ["origin", "HEAD:refs/heads/x"], "x", marks=slow),
        pytest.param("true", ["--all", "origin"], "main", marks=slow),
        pytest.param("git branch side HEAD~1", ["--mirror"], "main", marks=slow),
        pytest.param(
            "git commit -q --amend -m 'Count to three again'", ["--force", "origin", "main"], "main", marks=slow
        ),
        pytest.param("git tag v1", ["origin", "main", "v1", "--porcelain"], "main", marks=slow),
        pytest.param("git config core.hooksPath /nowhere", ["--quiet", "origin", "main"], "main", marks=slow),
    ],
)
def test_each_form_is_checked_and_takes_the_skill_along(
    pusher: Pusher, prepare: str, arguments: list[str], target: str
) -> None:
    pusher.hands.by_hand(*WORK, COMMIT)
    subprocess.run(prepare, shell=True, cwd=pusher.repo, check=True)
    done = pusher.push(*arguments)
    assert done.returncode == 0, done.stderr
    assert pusher.there(f"refs/heads/{target}") == pusher.here()
    assert "Add skill keep-counting" in git(pusher.remote, "log", "--format=%s", target)
    assert len(pusher.hands.prompts()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["origin", ":side"],
        *(
            pytest.param(words, marks=slow)
            for words in (
                ["origin", "main"],
                ["--all"],
                ["--tags"],
                ["origin", "refs/notes/commits"],
                ["-n", "origin", "x"],
            )
        ),
    ],
)
def test_what_brings_no_work_is_pushed_at_once(pusher: Pusher, arguments: list[str]) -> None:
    git(pusher.repo, "push", "-q", "origin", "main:side")
    git(pusher.repo, "tag", "v1")
    git(pusher.repo, "notes", "add", "-m", "noted")
    git(pusher.repo, "branch", "x", git(pusher.repo, "commit-tree", "HEAD^{tree}", "-m", "other").strip())
    if arguments == ["--all"]:
        git(pusher.repo, "branch", "-D", "x")
    done = pusher.hands.call("push", *arguments)  # no predicate is said
    assert done.returncode == 0, done.stderr
    assert "checking" not in done.stderr
    plain = subprocess.run(["git", "push", *arguments], cwd=pusher.repo, capture_output=True, text=True, check=False)
    assert plain.stderr.splitlines()[-1:] == ["Everything up-to-date"] or arguments[0] in ("-n", "origin")
    assert bool(pusher.there("refs/tags/v1")) == (arguments == ["--tags"])
    assert bool(pusher.there("refs/heads/side")) == (arguments != ["origin", ":side"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere", "main"], 128, "does not appear to be a git repository"),
        pytest.param(["origin", "no-such-branch"], 1, "does not match any", marks=slow),
        pytest.param(["--no-such-option"], 129, "unknown option", marks=slow),
    ],
)
def test_what_git_refuses_is_git_s_to_say(pusher: Pusher, arguments: list[str], code: int, words: str) -> None:
    done = pusher.push(*arguments)
    assert done.returncode == code
    assert done.stderr.count(words) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_git_s_own_output_and_exit_code_are_passed_on(pusher: Pusher) -> None:
    pusher.pass_by_hand()
    git(pusher.repo, "branch", "behind", "HEAD~1")
    git(pusher.repo, "push", "-q", "origin", "main:behind")
    done = pusher.push("--porcelain", "origin", "main", "behind")
    assert done.returncode == 1
    assert "\trefs/heads/main:refs/heads/main\t" in done.stdout
    assert "!\trefs/heads/behind:refs/heads/behind\t[rejected]" in done.stdout
    assert pusher.there() == pusher.here()


@pytest.mark.slow
def test_several_branches_are_checked_each_before_any_is_pushed(pusher: Pusher) -> None:
    before = pusher.there()
    pusher.pass_by_hand()
    git(pusher.repo, "branch", "bad", "HEAD~1")
    git(pusher.repo, "switch", "-q", "bad")
    (pusher.repo / "count").write_text("4\n")
    git(pusher.repo, "commit", "-qam", "Count to four")
    done = pusher.push("origin", "main", "bad")
    assert (done.returncode, "the count is 4" in done.stderr) == (1, True)
    assert (pusher.there(), pusher.there("refs/heads/bad")) == (before, "")


@pytest.mark.slow
def test_a_branch_that_is_not_checked_out_gets_the_skill_without_the_tree(pusher: Pusher) -> None:
    pusher.hands.by_hand(*WORK, COMMIT)
    git(pusher.repo, "switch", "-q", "-c", "other", "HEAD~1")
    (pusher.repo / "count").write_text("7\n")
    done = pusher.push("origin", "main")
    assert done.returncode == 0, done.stderr
    assert "Add skill keep-counting" in git(pusher.remote, "log", "-1", "--format=%s", "main")
    assert git(pusher.repo, "status", "--porcelain").splitlines() == [" M count"]
    assert not (pusher.repo / "skills").exists()
    assert pusher.receipt("main")


@slow
def test_from_a_linked_worktree_a_subfolder_and_odd_paths(pusher: Pusher, tmp_path: Path) -> None:
    tree = tmp_path / 'it\'s "my" tree'
    git(pusher.repo, "worktree", "add", "-q", "-b", "linked", str(tree))
    (tree / "sub").mkdir()
    pusher.hands.by_hand(*WORK, COMMIT, cwd=tree)
    done = pusher.push("-u", "origin", "linked", cwd=tree / "sub")
    assert done.returncode == 0, done.stderr
    assert "Add skill keep-counting" in git(pusher.remote, "log", "-1", "--format=%s", "linked")
    assert git(tree, "status", "--porcelain") == ""


@slow
def test_a_bare_repository_is_refused_and_a_worktree_of_it_is_not(pusher: Pusher, tmp_path: Path) -> None:
    bare, tree = tmp_path / "bare.git", tmp_path / "tree"
    git(tmp_path, "clone", "-q", "--bare", str(pusher.remote), str(bare))
    git(bare, "worktree", "add", "-q", "-b", "linked", str(tree))
    done = pusher.push("origin", "main:other", cwd=bare)
    assert (done.returncode, "bare repository" in done.stderr, pusher.there("refs/heads/other")) == (2, True, "")
    pusher.hands.by_hand(*WORK, COMMIT, cwd=tree)
    done = pusher.push("origin", "linked", cwd=tree)
    assert done.returncode == 0, done.stderr
    assert "Add skill keep-counting" in git(pusher.remote, "log", "-1", "--format=%s", "linked")


@slow
def test_a_branch_of_another_worktree_is_kept_together_with_its_files(pusher: Pusher, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(pusher.repo, "worktree", "add", "-q", "-b", "linked", str(tree))
    pusher.hands.by_hand(*WORK, COMMIT, cwd=tree)
    done = pusher.push("origin", "linked")
    assert done.returncode == 0, done.stderr
    assert "Add skill keep-counting" in git(pusher.remote, "log", "-1", "--format=%s", "linked")
    assert git(tree, "status", "--porcelain") == ""


@slow
def test_a_repository_with_sha_256(pusher: Pusher, tmp_path: Path) -> None:
    there, here = tmp_path / "256.git", tmp_path / "256"
    git(tmp_path, "init", "-q", "--bare", "--object-format=sha256", str(there))
    git(tmp_path, "init", "-q", "--object-format=sha256", str(here))
    for name in ("check.sh", "count"):
        (here / name).write_text((pusher.repo / name).read_text())
    git(here, "add", ".")
    git(here, "commit", "-qm", "Begin")
    git(here, "remote", "add", "origin", str(there))
    pusher.hands.by_hand(*WORK, COMMIT, cwd=here)
    done = pusher.push("origin", "main", cwd=here)
    assert done.returncode == 0, done.stderr
    assert git(there, "log", "--format=%s", "main").splitlines()[0] == "Add skill keep-counting"


@pytest.mark.slow
def test_sessions_of_elsewhere_and_of_before_are_not_asked(pusher: Pusher, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(pusher.remote), str(other))
    pusher.hands.by_hand(*WORK, COMMIT, cwd=other)
    before = pusher.hands.by_hand("run sh check.sh", "run echo 2 > count", "run git commit -am 'Count to two'")
    git(pusher.repo, "push", "-q")
    mine = pusher.hands.by_hand(*WORK, COMMIT)
    done = pusher.push()
    assert done.returncode == 0, done.stderr
    assert before not in done.stderr
    assert [asked["session"] for asked in pusher.hands.prompts()] == [mine]


@slow
def test_who_committed_by_hand_after_one_session_is_understood(pusher: Pusher) -> None:
    session = pusher.hands.by_hand(*WORK)
    git(pusher.repo, "commit", "-qam", "Count")
    done = pusher.push()
    assert done.returncode == 0, done.stderr
    assert "it worked on these files at that time" in done.stderr
    assert [asked["session"] for asked in pusher.hands.prompts()] == [session]


@slow
def test_of_two_that_may_have_made_it_none_is_asked_without_a_terminal(pusher: Pusher) -> None:
    for _number in range(2):
        pusher.hands.by_hand(*WORK)
    git(pusher.repo, "commit", "-qam", "Count")
    done = pusher.push()
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("2 sessions may have made these commits") == 1
    assert not pusher.hands.prompts()
    assert pusher.there() == pusher.here()


def test_at_a_terminal_it_is_asked_which_made_it(pusher: Pusher) -> None:
    first = pusher.hands.by_hand(*WORK)
    pusher.hands.by_hand(*WORK)
    git(pusher.repo, "commit", "-qam", "Count")
    hook = pusher.repo / ".git/hooks/pre-push"
    hook.write_text('#!/bin/sh\nprintf "Sure? " > /dev/tty; read -r said < /dev/tty; test "$said" = yes\n')
    hook.chmod(0o755)
    with at_terminal(pusher.repo, "push", *UNTIL, **pusher.hands.env) as child:
        child.expect(r"Which one\? \[none\] ")
        child.sendline("3")
        child.expect("from 1 to 2")
        child.sendline("2")
        child.expect("skill committed")
        child.expect(r"Sure\? ")  # git, and what it runs, has the terminal
        child.sendline("yes")
        code, told = end(child)
    assert code == 0, told
    assert [asked["session"] for asked in pusher.hands.prompts()] == [first]
    assert pusher.there() == pusher.here()


@slow
@pytest.mark.parametrize(("flags", "env"), [(["--distill", "never"], {}), ([], {RUN_TAG: "an outer run"})])
def test_nobody_is_asked_who_is_not_wanted_or_is_asked_elsewhere(
    pusher: Pusher, flags: list[str], env: dict[str, str]
) -> None:
    pusher.hands.by_hand(*WORK, COMMIT)
    pusher.hands.env |= env
    assert pusher.push(*flags).returncode == 0
    assert not pusher.hands.prompts()


@slow
def test_what_failed_is_checked_again(pusher: Pusher) -> None:
    pusher.pass_by_hand()
    outside = pusher.hands.home / "service"
    for code in (1, 0):
        done = pusher.hands.call("push", "--until", f"test -e {outside} passes")
        assert done.returncode == code, done.stderr
        outside.touch()


@slow
def test_the_predicate_may_be_the_project_s(pusher: Pusher) -> None:
    pusher.pass_by_hand()
    done = pusher.hands.call("push")
    assert (done.returncode, "a predicate is wanted" in done.stderr) == (2, True)
    (pusher.repo / "agentloop.toml").write_text('until = "sh check.sh passes"\n')
    assert pusher.hands.call("push").returncode == 0
    assert pusher.there() == pusher.here()


@slow
def test_hooks_run_once_and_know_that_it_is_ours(pusher: Pusher) -> None:
    pusher.pass_by_hand()
    told = pusher.hands.home / "told"
    hook = pusher.repo / ".git/hooks/pre-push"
    hook.write_text(f'#!/bin/sh\necho "$AGENTLOOP_PUSH $GIT_DIR" >> {told}\n')
    hook.chmod(0o755)
    assert pusher.push().returncode == 0
    assert told.read_text() == "1 \n"


Fix = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def fix(pusher: Pusher) -> Fix:
    """Push with `--fix`; the agent that mends does what is said to the count."""
    adapter = pusher.hands.home / ".config/agentloop/agents/scripted.toml"
    adapter.write_text(adapter.read_text().replace('"--resume", "new", "{extra}"', '"--resume", "mend", "{extra}"'))

    def call(turn: str, *args: str) -> subprocess.CompletedProcess[str]:
        pusher.hands.env["SCRIPTED_TURN"] = turn
        return pusher.push("--fix", "--agent", "scripted", "--distill", "never", *args)

    return call


def test_what_fails_is_mended_checked_again_and_pushed(pusher: Pusher, fix: Fix) -> None:
    pusher.pass_by_hand("2")
    (pusher.repo / "mine").write_text("untracked\n")
    done = fix("echo 3 > count", "origin", "main")
    assert done.returncode == 0, done.stderr
    assert git(pusher.remote, "show", "main:count") == "3\n"
    assert pusher.there() == pusher.here()
    assert (pusher.repo / "count").read_text() == "3\n"
    assert git(pusher.repo, "status", "--porcelain") == "?? mine\n"
    assert git(pusher.repo, "branch", "--format=%(refname:short)").split() == ["main"]


@slow
def test_a_branch_that_is_not_checked_out_is_mended_without_the_tree(pusher: Pusher, fix: Fix) -> None:
    git(pusher.repo, "switch", "-q", "-c", "bad")
    pusher.pass_by_hand("2")
    git(pusher.repo, "switch", "-q", "main")
    done = fix("echo 3 > count", "origin", "bad")
    assert done.returncode == 0, done.stderr
    assert git(pusher.remote, "show", "bad:count") == "3\n"
    assert (pusher.repo / "count").read_text() == "0\n"
    assert git(pusher.repo, "status", "--porcelain") == ""


@slow
def test_a_push_that_was_killed_leaves_nothing_in_the_way(pusher: Pusher) -> None:
    session = pusher.hands.by_hand(*WORK, COMMIT)
    pid = pusher.hands.home / "pid"
    pusher.hands.env["SCRIPTED_TURN"] = f"kill -KILL $(cat {pid}); sleep 9"
    script = f"echo $$ > {pid}; exec {sys.executable} -m agentloop push --until 'sh check.sh passes'"
    env = {**os.environ, **pusher.hands.env}
    assert pusher.hands.bench.call(["sh", "-c", script], env=env).returncode == -signal.SIGKILL
    run = pusher.hands.state().run
    assert "was part of a push" in pusher.hands.call("resume", run).stderr
    pusher.hands.env["SCRIPTED_TURN"] = DECLINES
    done = pusher.push()
    assert (done.returncode, pusher.there()) == (0, pusher.here())
    assert [asked["session"] for asked in pusher.hands.prompts()] == [session, session]
    assert git(pusher.repo, "worktree", "list").count("\n") == 1


@slow
def test_what_cannot_be_mended_is_not_pushed(pusher: Pusher, fix: Fix) -> None:
    pusher.pass_by_hand("2")
    before = pusher.there()
    (pusher.repo / "agentloop.toml").write_text("max_attempts = 1\n")
    done = fix("echo 4 > count", "origin", "main")
    assert (done.returncode, pusher.there()) == (1, before)
    assert "nothing was pushed" in done.stderr
    assert (pusher.repo / "count").read_text() == "2\n"


@slow
def test_files_in_the_way_of_the_mended_ones_stay(pusher: Pusher, fix: Fix) -> None:
    pusher.pass_by_hand("2")
    before = pusher.there()
    (pusher.repo / "count").write_text("mine\n")
    done = fix("echo 3 > count", "origin", "main")
    assert (done.returncode, pusher.there()) == (2, before)
    assert "git merge agentloop/" in done.stderr
    assert (pusher.repo / "count").read_text() == "mine\n"


@pytest.mark.slow
def test_a_signal_ends_it_before_anything_is_pushed(pusher: Pusher) -> None:
    pusher.pass_by_hand()
    before = pusher.there()
    pid = pusher.hands.home / "pid"
    until = f"sh -c 'kill -TERM $(cat {pid}); sleep 30' passes"
    script = f"echo $$ > {pid}; exec {sys.executable} -m agentloop push --until {shlex.quote(until)}"
    done = pusher.hands.bench.call(["sh", "-c", script])
    assert done.returncode == 143, done.stderr
    assert pusher.there() == before
    assert git(pusher.repo, "worktree", "list").count("\n") == 1


@slow
def test_what_is_compared_is_compared_with_the_commit_over_there(pusher: Pusher) -> None:
    (pusher.repo / "agentloop.toml").write_text("[metrics.counted]\ncommand = 'cat count'\nregex = '\\d+'\n")
    pusher.pass_by_hand()
    git(pusher.repo, "push", "-q")
    pusher.pass_by_hand("2")
    done = pusher.hands.call("push", "--until", "counted >= baseline")
    assert (done.returncode, pusher.there()) == (1, pusher.here("HEAD~1"))


@slow
def test_a_commit_that_came_while_it_was_checked_is_not_pushed(pusher: Pusher) -> None:
    pusher.pass_by_hand()
    before = pusher.there()
    done = pusher.hands.call(
        "push", "--sandbox", "none", "--until", f"git -C {pusher.repo} commit -q --allow-empty -m Late passes"
    )
    assert (done.returncode, pusher.there()) == (0, pusher.here())  # its tree is the same
    (pusher.repo / "late").write_text("late")
    git(pusher.repo, "commit", "-q", "--allow-empty", "-m", "Once more")
    late = f"sh -c 'cd {pusher.repo} && git add late && git commit -qm Late' passes"
    done = pusher.hands.call("push", "--sandbox", "none", "--until", late)
    assert (done.returncode, pusher.there() != pusher.here(), before != pusher.there()) == (1, True, True)
    assert "was moved meanwhile" in done.stderr
