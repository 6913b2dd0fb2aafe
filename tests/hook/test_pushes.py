"""Real pushes with the hook: what is said of which."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentloop.hook import decision

from .conftest import Pushing, make

UNCHECKED = "has not been checked"


def silent(pushing: Pushing, *words: str, **more: object) -> bool:
    """The push goes on, nothing is said, and nothing is queued."""
    before = len(pushing.queue.waiting())
    done = pushing.push(*words, **more)  # type: ignore[arg-type]
    return (done.returncode, done.stdout, done.stderr) == (0, "", "") and len(pushing.queue.waiting()) == before


def test_a_commit_that_nobody_checked_is_told_in_one_line_and_pushed(pushing: Pushing) -> None:
    commit = pushing.commit()
    done = pushing.push(afresh=True)
    assert done.returncode == 0
    assert done.stderr == f"agentloop: main ({commit[:10]}) {UNCHECKED}: agentloop push checks before it pushes\n"
    assert commit in pushing.heads()


def test_a_commit_with_a_receipt_is_one_line(pushing: Pushing) -> None:
    commit = pushing.commit()
    pushing.receipt(commit)
    assert pushing.push().stderr == f"agentloop: main ({commit[:10]}) passed `sh check.sh passes` 5 min ago\n"


@pytest.mark.slow
def test_a_receipt_of_another_predicate_says_nothing(pushing: Pushing) -> None:
    pushing.receipt(pushing.commit(), predicate="true passes")
    assert UNCHECKED in pushing.push().stderr


def test_a_commit_that_failed_is_told_with_its_log(pushing: Pushing) -> None:
    pushing.receipt(pushing.commit(), "fail")
    done = pushing.push()
    assert done.returncode == 0
    assert "failed `sh check.sh passes` 5 min ago; log: /logs/of/it" in done.stderr


def test_block_refuses_what_is_not_known_to_pass_and_says_what_to_do(pushing: Pushing) -> None:
    pushing.commit()
    before = pushing.heads()
    done = pushing.push(env={"AGENTLOOP_HOOK_GATE": "block"})
    assert done.returncode == 1
    assert "agentloop push checks first" in done.stderr
    assert "AGENTLOOP=0 git push" in done.stderr
    assert pushing.heads() == before
    assert not pushing.queue.waiting()


def test_block_lets_through_what_passed_and_what_is_only_a_skill_on_top_of_it(pushing: Pushing) -> None:
    pushing.configure('until = "sh check.sh passes"\nhook.gate = "block"\n')
    pushing.receipt(pushing.commit())
    pushing.commit("skills/a-skill/SKILL.md")
    done = pushing.push()
    assert done.returncode == 0
    assert "passed" in done.stderr


def test_a_skill_on_top_of_it_does_not_hide_other_work(pushing: Pushing) -> None:
    pushing.receipt(pushing.commit())
    pushing.commit("skills/a-skill/SKILL.md")
    pushing.commit("other")
    pushing.commit("skills/a-skill/SKILL.md")
    assert UNCHECKED in pushing.push().stderr


def test_only_skills_deletions_tags_and_notes_are_silent(pushing: Pushing) -> None:
    pushing.commit("skills/a-skill/SKILL.md")
    pushing.commit(".agents/skills/a-skill")
    assert silent(pushing)
    pushing.git("push", "-q", "--no-verify", "origin", "HEAD:refs/heads/other")
    assert silent(pushing, "origin", ":other")
    pushing.commit()
    pushing.git("tag", "-am", "One", "v1")
    pushing.git("notes", "add", "-m", "A note")
    assert silent(pushing, "origin", "v1", "refs/notes/commits")
    assert silent(pushing, "origin", "HEAD:refs/for/main")
    assert "silent" in pushing.last()["answer"]


@pytest.mark.slow
def test_nothing_new_is_silent(pushing: Pushing) -> None:
    assert silent(pushing)
    assert silent(pushing, "origin", "HEAD:refs/heads/the-same-elsewhere")


@pytest.mark.parametrize("said", [{"AGENTLOOP": "0"}, {"AGENTLOOP_PUSH": "1"}])
def test_told_to_be_silent_it_is(pushing: Pushing, said: dict[str, str]) -> None:
    pushing.commit()
    assert silent(pushing, env={**said, "AGENTLOOP_HOOK_GATE": "block"})


def test_it_is_silent_while_a_rebase_or_a_bisection_is_under_way(pushing: Pushing) -> None:
    pushing.commit()
    pushing.git("bisect", "start")
    assert silent(pushing, "origin", "HEAD:refs/heads/a")
    assert pushing.last()["answer"] == "silent: a bisection"
    pushing.git("bisect", "reset")
    subprocess.run(
        ["git", "rebase", "-q", "--exec", "false", "HEAD~1"], cwd=pushing.root, capture_output=True, check=False
    )
    pushing.commit("more")
    assert silent(pushing, "origin", "HEAD:refs/heads/b")
    assert pushing.last()["answer"] == "silent: a rebase"


def test_a_terminal_for_stdin_is_not_waited_for(pushing: Pushing) -> None:
    leader, follower = os.openpty()
    argv = [sys.executable, "-m", "agentloop", "hook", "pre-push", "origin", "url"]
    done = subprocess.run(argv, cwd=pushing.root, stdin=follower, capture_output=True, check=False, timeout=60)
    os.close(leader)
    os.close(follower)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.slow
def test_several_refs_are_told_each_and_the_worst_decides(pushing: Pushing) -> None:
    good = pushing.commit()
    pushing.receipt(good)
    pushing.git("switch", "-qc", "other")
    bad = pushing.commit("other")
    done = pushing.push("origin", "main", "other", env={"AGENTLOOP_HOOK_GATE": "block"})
    assert done.returncode == 1
    assert f"main ({good[:10]}) passed" in done.stderr
    assert f"other ({bad[:10]}) {UNCHECKED}" in done.stderr


@pytest.mark.slow
def test_many_branches_are_a_few_lines(pushing: Pushing) -> None:
    for number in range(9):
        pushing.git("switch", "-qc", f"branch-{number}")
        pushing.commit()
    done = pushing.push("--all", "origin")
    assert done.stderr.count(UNCHECKED) == 5
    assert "agentloop: and 4 more" in done.stderr
    assert len(pushing.queue.waiting()) == 9


def test_many_branches_on_one_commit_are_looked_at_once(pushing: Pushing, tmp_path: Path) -> None:
    commit = pushing.commit()
    branches = "".join(f"create refs/heads/branch-{number} {commit}\n" for number in range(30))
    subprocess.run(["git", "update-ref", "--stdin"], cwd=pushing.root, input=branches, text=True, check=True)
    trace = tmp_path / "trace"
    done = pushing.push("--all", "origin", env={"GIT_TRACE2_EVENT": str(trace)})
    assert "agentloop: and 26 more" in done.stderr
    assert trace.read_text().count('"event":"cmd_name","sid":') < 20
    assert len(pushing.queue.waiting()) == 2


@pytest.mark.slow
def test_mirror_looks_at_the_branches_alone(pushing: Pushing) -> None:
    commit = pushing.commit()
    pushing.git("tag", "v1")
    pushing.git("update-ref", "refs/agentloop/run/1", commit)
    done = pushing.push("--mirror", "origin")
    assert done.returncode == 0
    assert done.stderr.count("agentloop:") == 1


@pytest.mark.slow
def test_force_detached_and_odd_names_are_told(pushing: Pushing) -> None:
    pushing.git("commit", "-q", "--amend", "--allow-empty", "-m", "Another; see $(touch pwned) and `touch pwned`")
    pushing.commit()
    assert UNCHECKED in pushing.push("--force").stderr
    pushing.git("switch", "-q", "--detach")
    commit = pushing.commit()
    assert f"detached ({commit[:10]})" in pushing.push("origin", "HEAD:refs/heads/detached").stderr
    commit = pushing.commit("fix of it")
    assert commit[:10] in pushing.push("origin", ":/Change fix of it:refs/heads/odd").stderr
    assert not (pushing.root / "pwned").exists()


@pytest.mark.slow
def test_what_the_remote_has_may_be_unknown_here(pushing: Pushing, tmp_path: Path) -> None:
    pushing.git("clone", "-q", str(pushing.remote), str(tmp_path / "other"))
    pushing.commit(cwd=tmp_path / "other")
    pushing.git("push", "-q", cwd=tmp_path / "other")
    pushing.commit()
    assert UNCHECKED in pushing.push("--force").stderr


@pytest.mark.slow
def test_an_address_for_a_remote_a_subfolder_and_a_fresh_branch(pushing: Pushing) -> None:
    pushing.commit("folder/file")
    assert (
        UNCHECKED in pushing.push(f"file://{pushing.remote}", "HEAD:refs/heads/new", cwd=pushing.root / "folder").stderr
    )


@pytest.mark.parametrize(("name", "kind"), [('it\'s a "re po" $HOME', "sha1"), ("sha256", "sha256")])
def test_odd_paths_and_sha256(tmp_path: Path, name: str, kind: str) -> None:
    pushing = make(tmp_path, name, kind)
    pushing.install()
    assert UNCHECKED in pushing.push("-u", "origin", "main").stderr
    pushing.receipt(pushing.commit())
    assert "passed" in pushing.push().stderr
    pushing.git("push", "-q", "--no-verify", "origin", "HEAD:other")
    assert silent(pushing, "origin", ":other")


def test_a_linked_worktree_and_a_submodule_have_it_too(pushing: Pushing, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    pushing.git("worktree", "add", "-qb", "linked", str(linked))
    (linked / "agentloop.toml").write_text('until = "sh check.sh passes"\n')
    commit = pushing.commit(cwd=linked)
    assert f"linked ({commit[:10]})" in pushing.push("origin", "linked", cwd=linked).stderr
    assert pushing.queue.waiting()[0].root == str(linked)
    above = make(tmp_path, "above")
    above.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(pushing.remote), "below")
    below = above.root / "below"
    (below / "agentloop.toml").write_text('until = "sh check.sh passes"\n')
    assert above.install(cwd=below) == [f"installed: {above.root / '.git/modules/below/hooks/pre-push'}"]
    above.commit("more", cwd=below)
    assert UNCHECKED in above.push("origin", "HEAD:refs/heads/below", cwd=below).stderr


@pytest.mark.slow
def test_without_a_predicate_nothing_is_said_but_a_receipt(pushing: Pushing) -> None:
    pushing.configure("")
    commit = pushing.commit()
    assert silent(pushing, env={"AGENTLOOP_HOOK_GATE": "block"})
    pushing.receipt(pushing.commit())
    assert "passed" in pushing.push().stderr
    assert commit in pushing.git("log", "--format=%H", "main", cwd=pushing.remote)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("until = [", "agentloop.toml cannot be read"),
        ('until = "sh check.sh passes"\nhook.gate = "no"', "hook.gate: Input should be 'warn', 'block' or 'run'"),
        ('until = "pytest passes and"', "the predicate, column"),
    ],
)
def test_what_is_wrong_with_the_settings_is_a_line_and_fails_no_push(pushing: Pushing, text: str, said: str) -> None:
    pushing.configure(text)
    commit = pushing.commit()
    done = pushing.push(afresh=True)
    assert done.returncode == 0
    assert said in done.stderr
    assert commit in pushing.heads()


def test_a_state_folder_that_takes_nothing_changes_no_answer(pushing: Pushing) -> None:
    commit = pushing.commit()
    pushing.folder.parent.mkdir(parents=True, exist_ok=True)
    pushing.folder.write_text("in the way")
    done = pushing.push(afresh=True, env={"AGENTLOOP_HOOK_GATE": "block"})
    assert (done.returncode, "not pushed (hook.gate)" in done.stderr) == (1, True)
    done = pushing.push(afresh=True)
    assert done.returncode == 0
    assert UNCHECKED in done.stderr
    assert "no job could be queued" in done.stderr
    assert commit in pushing.heads()


def hooked(pushing: Pushing, said: str, stderr: int = subprocess.PIPE, **env: str) -> subprocess.CompletedProcess[str]:
    """Run what the hook runs, without git."""
    argv = [sys.executable, "-m", "agentloop", "hook", "pre-push", "origin", "url"]
    return subprocess.run(
        argv, cwd=pushing.root, env={**os.environ, **env}, input=said, text=True, stdout=subprocess.PIPE, stderr=stderr,
        check=False, timeout=60,
    )  # fmt: skip


def test_a_fault_of_ours_is_told_and_fails_no_push(pushing: Pushing) -> None:
    said = f"refs/heads/main {pushing.commit()} refs/heads/main {'0' * 40}\n"
    done = hooked(pushing, said, AGENTLOOP_HOOK_GATE="block", GIT_DIR="/nowhere")
    assert done.returncode == 0
    assert "agentloop: the hook did nothing" in done.stderr


def test_a_refusal_that_nobody_hears_is_one_too(pushing: Pushing) -> None:
    said = f"refs/heads/main {pushing.commit()} refs/heads/main {'0' * 40}\n"
    with Path("/dev/full").open("w") as full:
        assert hooked(pushing, said, full.fileno(), AGENTLOOP_HOOK_GATE="block").returncode == decision.REFUSED


def test_one_pushed_range_is_queued_once_wherever_it_goes(pushing: Pushing) -> None:
    commit = pushing.commit()
    pushing.push()
    pushing.git("push", "-q", "--no-verify", "--force", "origin", "HEAD~1:main")
    pushing.push()
    jobs = pushing.queue.waiting()
    assert [(job.ref, job.tip) for job in jobs] == [("refs/heads/main", commit)]
    assert jobs[0].known == (pushing.git("rev-parse", "HEAD~1"),)
    assert silent(pushing, env={"AGENTLOOP_RUN": "x"})


@pytest.mark.slow
def test_a_push_out_of_a_run_is_told_of_and_queues_nothing(pushing: Pushing) -> None:
    pushing.commit()
    assert UNCHECKED in pushing.push(env={"AGENTLOOP_RUN": "20261101-000000-abcd"}).stderr
    assert not pushing.queue.waiting()


@pytest.mark.slow
def test_a_commit_message_and_a_branch_cannot_write_to_the_terminal(pushing: Pushing) -> None:
    branch = "evil\u202e\u009b31m"
    pushing.git("switch", "-qc", branch)
    pushing.commit()
    said = pushing.push("origin", branch).stderr
    assert UNCHECKED in said
    assert not {"\u009b", "\u202e"} & set(said)
