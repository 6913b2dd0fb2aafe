"""The drafts that wait, and what becomes of them; without a terminal."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agentloop import events as ev
from agentloop.cli import cli
from agentloop.distill.staging import Staging
from agentloop.errors import AgentloopError, PublishError, RunError
from agentloop.records import folders, journal
from agentloop.repo import Repo
from agentloop.run import learning, review
from agentloop.skills import contents, publish, rejections
from agentloop.state import RunState
from agentloop.state.fold import fold

from .drafts import SKILL, draft_of, keep_back
from .test_repo import begin, git

BROKEN = SKILL.format(name="keep-counting").replace("description:", "descriptoin:")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return begin(tmp_path / "repo")


def only(repo: Repo) -> review.Waiting:
    [draft], problems = review.waiting(repo.common_dir)
    assert problems == []
    return draft


def state_of(folder: folders.RunFolder) -> RunState:
    return fold(journal.read(folder.journal))


def test_the_drafts_that_wait_newest_first(repo: Repo) -> None:
    folders = [keep_back(repo, number, name) for number, name in enumerate(("a", "b", "a"), 1)]
    drafts, _problems = review.waiting(repo.common_dir)
    assert [draft.folder for draft in drafts] == folders[::-1]
    assert [draft.name for draft in review.choose(drafts, "a")] == ["a", "a"]
    assert [draft.folder for draft in review.choose(drafts, folders[1].run[-4:])] == [folders[1]]
    with pytest.raises(RunError, match="no draft that waits is called 'c'"):
        review.choose(drafts, "c")


def test_a_journal_that_cannot_be_read_hides_no_other_draft(repo: Repo) -> None:
    keep_back(repo, 1)
    damaged = keep_back(repo, 2)
    damaged.journal.write_text('{"type":"skill.kept_back"}\n' * 2)
    drafts, problems = review.waiting(repo.common_dir)
    assert len(drafts) == len(problems) == 1
    assert "damaged" in problems[0]


def test_an_accepted_draft_is_signed_committed_linked_and_written_down(repo: Repo) -> None:
    signed = SKILL.replace("---\n\n", 'metadata:\n  agentloop-agent: "scripted 1.2"\n  agentloop-run: other\n---\n\n')
    folder = keep_back(repo, text=signed.format(name="keep-counting"))
    published, linked = review.accept(repo, only(repo))
    assert isinstance(published, ev.SkillPublished)
    assert isinstance(linked, ev.SkillsLinked)
    text = git(repo.root, "show", f"{published.commit}:skills/keep-counting/SKILL.md")
    assert f'"agentloop-run": "{folder.run}"' in text
    assert '"agentloop-agent": "scripted 1.2"' in text
    assert f"Agentloop-Run: {folder.run}" in git(repo.root, "show", "-s", "--format=%B", published.commit)
    assert git(repo.root, "status", "--porcelain") == ""
    assert (repo.root / ".claude/skills/keep-counting/SKILL.md").is_file()
    assert state_of(folder).published == published
    assert review.waiting(repo.common_dir) == ([], [])


def test_it_is_linked_for_an_agent_that_reads_elsewhere_and_taken_back(repo: Repo) -> None:
    agents = Path(os.environ["XDG_CONFIG_HOME"]) / "agentloop/agents"
    agents.mkdir(parents=True)
    (agents / "kiro.toml").write_text('name = "kiro"\nstart = ["kiro"]\nskills = [".kiro/skills"]\n')
    (repo.root / ".kiro").mkdir()
    keep_back(repo)
    published, linked = review.accept(repo, only(repo))
    assert isinstance(published, ev.SkillPublished)
    assert isinstance(linked, ev.SkillsLinked)
    assert ".kiro/skills/keep-counting" in linked.paths
    publish.undo(repo, published, linked)
    assert not (repo.root / ".kiro/skills/keep-counting").is_symlink()


def test_it_goes_where_the_run_said_or_where_the_person_says(repo: Repo) -> None:
    keep_back(repo, 1, "a", skills_to="branch", skills_branch="learned")
    published, *linked = review.accept(repo, only(repo))
    assert git(repo.root, "ls-tree", "-r", "--name-only", "learned", "skills").split() == ["skills/a/SKILL.md"]
    assert linked == []
    keep_back(repo, 2, "b", skills_to="outbox")
    published, *_linked = review.accept(repo, only(repo), "branch:other")
    assert isinstance(published, ev.SkillPublished)
    assert published.branch == "other"
    assert not (repo.root / "skills").exists()


@pytest.mark.parametrize("edited", [True, False])
def test_a_draft_that_is_accepted_in_its_run_is_signed(repo: Repo, edited: bool) -> None:
    folder = keep_back(repo)
    work = learning.Learning(repo, Staging(repo.root, folder.run), folder.draft, repo)
    answer = work.ask(state_of(folder), lambda _state: ev.SkillAccepted(name="keep-counting", edited=edited))
    assert isinstance(answer, ev.SkillAccepted)
    assert folder.run in (draft_of(folder) / "SKILL.md").read_text()


def test_a_draft_with_findings_is_not_accepted(repo: Repo) -> None:
    folder = keep_back(repo, text=BROKEN)
    with pytest.raises(PublishError, match="description-missing") as caught:
        review.accept(repo, only(repo))
    assert "agentloop skills review" in caught.value.hint
    assert state_of(folder).waits_for_review
    assert git(repo.root, "status", "--porcelain") == ""


def test_what_cannot_be_committed_waits_as_before(repo: Repo) -> None:
    folder = keep_back(repo)
    hook = repo.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PublishError, match="hook"):
        review.accept(repo, only(repo))
    assert state_of(folder).waits_for_review


def test_links_that_fail_leave_the_skill_committed(repo: Repo) -> None:
    keep_back(repo)
    hook = repo.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\ngit diff --cached --name-only | grep -q '^skills/'\n")
    hook.chmod(0o755)
    _published, linked = review.accept(repo, only(repo))
    assert isinstance(linked, ev.SkillsLinked)
    assert "hook" in linked.problem


def test_a_commit_that_nobody_wrote_down_is_not_made_twice(repo: Repo) -> None:
    folder = keep_back(repo)
    before = folder.journal.read_bytes()
    review.accept(repo, only(repo))
    folder.journal.write_bytes(before)  # as after kill -9 between the commit and the journal
    log = git(repo.root, "log", "--format=%s")
    review.accept(repo, only(repo))
    assert git(repo.root, "log", "--format=%s") == log


def test_a_rejected_draft_is_written_down_and_remembered(repo: Repo) -> None:
    folder = keep_back(repo)
    review.reject(repo, only(repo), "too narrow")
    state = state_of(folder)
    assert state.rejected
    assert state.rejected.reason == "too narrow"
    assert [(each.run, each.reason) for each in rejections.rejected(repo.common_dir)] == [(folder.run, "too narrow")]
    assert review.waiting(repo.common_dir) == ([], [])


def test_what_was_decided_meanwhile_is_not_decided_again(repo: Repo) -> None:
    keep_back(repo)
    draft = only(repo)
    review.reject(repo, draft, "no")
    with pytest.raises(RunError, match="somebody else has decided"):
        review.accept(repo, draft)
    with pytest.raises(RunError, match="somebody else has decided"):
        review.reject(repo, draft, "no")


def test_a_draft_that_is_gone_is_told_of(repo: Repo) -> None:
    folder = keep_back(repo)
    (draft_of(folder) / "SKILL.md").unlink()
    draft_of(folder).rmdir()
    draft = only(repo)
    assert draft.is_gone
    with pytest.raises(PublishError, match="is gone"):
        review.accept(repo, draft)
    review.reject(repo, draft, "it is gone")


def test_what_is_seen_of_a_hostile_draft(repo: Repo) -> None:
    folder = keep_back(repo)
    draft = draft_of(folder)
    (draft / "passwd").symlink_to("/etc/passwd")
    os.mkfifo(draft / "pipe")
    (draft / "big").write_bytes(b"x" * 300_000)
    proposal = review.propose(repo, state_of(folder))
    listed = {file.name: (file.kind, file.target, file.size_bytes) for file in proposal.files}
    assert listed["passwd"] == ("link", "/etc/passwd", 0)
    assert listed["pipe"][0] == "other"
    assert listed["big"] == ("file", "", 300_000)
    assert {finding.path for finding in proposal.errors} == {"passwd", "pipe", "big"}


def test_folders_as_deep_as_a_path_can_be_are_no_obstacle(repo: Repo, tmp_path: Path) -> None:
    made, depth = tmp_path / "x", 0
    while depth < 1500:  # from below: a path this long cannot be named at once
        above = tmp_path / "next"
        above.mkdir()
        if made.exists():
            made.rename(above / "d")
        above.rename(made)
        depth += 1
    (made / "file").touch()
    try:
        assert [file.name for file in contents.files(made)] == ["file"]
    finally:
        subprocess.run(["rm", "-r", str(made)], check=True)  # Python's own removal recurses


def test_a_draft_that_is_itself_a_link_is_not_followed(repo: Repo, tmp_path: Path) -> None:
    folder = keep_back(repo)
    draft = draft_of(folder)
    draft.rename(tmp_path / "elsewhere")
    draft.symlink_to(tmp_path / "elsewhere")
    proposal = review.propose(repo, state_of(folder))
    assert (proposal.text, proposal.files) == ("", ())
    assert proposal.errors


def test_what_an_update_changes_is_against_the_place_it_goes_to(repo: Repo) -> None:
    keep_back(repo, 1, skills_to="branch", skills_branch="learned")
    review.accept(repo, only(repo))
    text = SKILL.format(name="keep-counting").replace("sh check.sh", "bash check.sh")
    on_branch = keep_back(repo, 2, text=text, skills_to="branch", skills_branch="learned")
    here = keep_back(repo, 3, text=text)
    assert "+Check it with `bash check.sh`." in review.propose(repo, state_of(on_branch)).diff
    assert review.propose(repo, state_of(here)).diff == ""


def call(*args: str) -> Result:
    return CliRunner().invoke(cli, ["skills", "review", *args])


def test_without_a_terminal_they_are_listed_or_decided_by_name(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.root)
    old, new = keep_back(repo, 1), keep_back(repo, 2)
    listed = call()
    assert listed.exit_code == 0
    assert [line.split(" ")[3] for line in listed.stdout.splitlines()[::2]] == [new.run, old.run]
    assert "--accept" in listed.stderr
    assert [each["run"] for each in json.loads(call("--json").stdout)] == [new.run, old.run]
    twice = call("--accept", "keep-counting")
    assert isinstance(twice.exception, RunError)
    assert "2 drafts" in twice.exception.message
    assert call("--reject", old.run, "--reason", "known").stdout == "rejected: keep-counting\n"
    assert "on agentloop/skills" in call("--accept", "keep-counting", "--skills-to", "branch").stdout
    assert call().stdout == "no draft waits\n"
    assert git(repo.root, "log", "--format=%s").split() == ["Begin"]


def test_what_only_the_run_could_tell_is_not_accepted_unasked(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.root)
    folder = keep_back(repo, findings=("SKILL.md:9: command-not-run: `kubectl\x1b[31m` did not run",))
    refused = call("--accept", "keep-counting")
    assert isinstance(refused.exception, PublishError)
    assert "command-not-run: `kubectl` did not run" in refused.exception.message
    assert state_of(folder).waits_for_review
    skill = draft_of(folder) / "SKILL.md"
    os.utime(skill, (4e9, 4e9))  # edited, by whatever means
    assert call("--accept", "keep-counting").stdout.startswith("skill committed: ")


@pytest.mark.parametrize(
    "args",
    [
        ["--reject", "x"],
        ["--reason", "x"],
        ["--accept", "x", "--reject", "y", "--reason", "z"],
        ["x", "--accept", "y"],
        ["--accept", "x", "--json"],
        ["--skills-to", "outbox"],
        ["--skills-to", "nowhere"],
        ["--accept", "not-there"],
    ],
)
def test_what_makes_no_sense_is_refused(repo: Repo, monkeypatch: pytest.MonkeyPatch, args: list[str]) -> None:
    monkeypatch.chdir(repo.root)
    refused = call(*args)
    assert isinstance(refused.exception, AgentloopError)
    assert refused.stdout == ""


def test_a_draft_that_is_gone_is_listed_as_such(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.root)
    folder = keep_back(repo)
    draft_of(folder).rename(folder.path / "elsewhere")
    assert "its folder is gone" in call().stdout
