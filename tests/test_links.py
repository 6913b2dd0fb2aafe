"""Links lead agents to the skills, inside the repository alone."""

from pathlib import Path

import pytest

from agentloop import publish
from agentloop.errors import PublishError
from agentloop.repo import Repo
from agentloop.skills import links

from .test_repo import begin, git


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = begin(tmp_path / "repo")
    for name in ("a", "b"):
        skill = repo.root / "skills" / name / "SKILL.md"
        skill.parent.mkdir(parents=True)
        skill.write_text(f"{name}\n")
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "Skills")
    return repo


def status(repo: Repo) -> list[str]:
    return git(repo.root, "status", "--porcelain", "-uall").splitlines()


def test_they_are_relative_committed_alone_and_made_once(repo: Repo) -> None:
    (repo.root / "file").write_text("mine\n")
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert set(linked.paths) == {".agents/skills", ".claude/skills/a", ".claude/skills/b"}
    for path in linked.paths:
        assert not (repo.root / path).readlink().is_absolute()
    assert (repo.root / ".agents/skills/a/SKILL.md").read_text() == "a\n"
    assert (repo.root / ".claude/skills/a/SKILL.md").read_text() == "a\n"
    assert git(repo.root, "show", "--name-only", "--format=", "HEAD").split() == sorted(linked.paths)
    assert status(repo) == [" M file"]
    assert publish.link_skills(repo, "skills") is None
    assert links.missing(repo.root, "skills") == []


def test_folders_of_the_persons_own_are_linked_into_and_not_replaced(repo: Repo) -> None:
    for folder in (".agents/skills", ".claude/skills"):
        (repo.root / folder / "mine").mkdir(parents=True)
        (repo.root / folder / "mine/SKILL.md").write_text("mine\n")
        (repo.root / folder / "a").mkdir()
        (repo.root / folder / "a/SKILL.md").write_text("mine too\n")
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert set(linked.paths) == {".agents/skills/b", ".claude/skills/b"}
    assert (repo.root / ".agents/skills/a/SKILL.md").read_text() == "mine too\n"


def test_a_link_of_ours_that_leads_nowhere_is_taken_away(repo: Repo) -> None:
    publish.link_skills(repo, "skills")
    git(repo.root, "rm", "-qr", "skills/b")
    git(repo.root, "commit", "-qm", "Drop b")
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert linked.paths == (".claude/skills/b",)
    assert status(repo) == []
    assert not (repo.root / ".claude/skills/b").is_symlink()


@pytest.mark.parametrize("parent", [".claude", ".agents"])
def test_they_do_not_lead_through_a_link_out_of_the_repository(repo: Repo, parent: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo.root / parent).symlink_to(outside)
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "Link")
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert not any(path.startswith(parent) for path in linked.paths)
    assert parent in linked.problem
    assert not list(outside.iterdir())
    assert status(repo) == []


def test_a_file_in_place_of_the_folder_hinders_only_its_own_links(repo: Repo) -> None:
    (repo.root / ".claude").write_text("mine\n")
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert linked.paths == (".agents/skills",)
    assert ".claude" in linked.problem
    assert (repo.root / ".claude").read_text() == "mine\n"


def test_where_git_ignores_them_they_are_made_and_not_committed(repo: Repo) -> None:
    (repo.root / ".gitignore").write_text(".claude\n")
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert ".claude/skills/a" in linked.paths
    assert (repo.root / ".claude/skills/a/SKILL.md").is_file()
    assert git(repo.root, "show", "--name-only", "--format=", "HEAD").split() == [".agents/skills"]
    assert publish.link_skills(repo, "skills") is None


def test_links_that_a_killed_run_left_uncommitted_are_committed_next_time(repo: Repo) -> None:
    (repo.root / ".agents").mkdir()
    (repo.root / ".agents/skills").symlink_to("../skills")
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert ".agents/skills" in linked.paths
    assert status(repo) == []


def test_a_refused_commit_leaves_no_link_behind(repo: Repo) -> None:
    hook = repo.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PublishError, match="pre-commit hook"):
        publish.link_skills(repo, "skills")
    assert status(repo) == []
    hook.unlink()
    assert publish.link_skills(repo, "skills")
    assert status(repo) == []
