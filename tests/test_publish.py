"""A draft becomes a commit, links, and can be taken back."""

from pathlib import Path

import pytest

from agentloop import publish
from agentloop.errors import PublishError
from agentloop.events import SkillsLinked
from agentloop.repo import Repo
from agentloop.skills import links

from .test_repo import begin, git

MESSAGE = "Add skill a\n\nAgentloop-Run: 1\n"


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return begin(tmp_path / "repo")


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    folder = tmp_path / "draft" / "a"
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text("first\n")
    (folder / "scripts/run.sh").write_text("#!/bin/sh\n")
    (folder / "scripts/run.sh").chmod(0o755)
    return folder


def test_the_commit_holds_the_skills_files_with_their_modes(repo: Repo, draft: Path) -> None:
    published = publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert published.paths == ("skills/a/SKILL.md", "skills/a/scripts/run.sh")
    assert git(repo.root, "show", "--name-only", "--format=", "HEAD").split() == [*published.paths]
    assert "100755" in git(repo.root, "ls-tree", "HEAD", "skills/a/scripts/run.sh")


def test_an_update_replaces_the_whole_skill(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    (draft / "SKILL.md").write_text("second\n")
    (draft / "scripts/run.sh").unlink()
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert git(repo.root, "ls-tree", "-r", "--name-only", "HEAD", "skills").split() == ["skills/a/SKILL.md"]
    assert (repo.root / "skills/a/SKILL.md").read_text() == "second\n"


def test_a_refused_commit_leaves_the_tree_as_it_was(repo: Repo, draft: Path) -> None:
    hook = repo.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PublishError, match="hook"):
        publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert git(repo.root, "status", "--porcelain") == ""
    assert not (repo.root / "skills").exists()


def test_a_persons_changes_of_the_skill_are_not_overwritten(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    (repo.root / "skills/a/SKILL.md").write_text("mine\n")
    (draft / "SKILL.md").write_text("second\n")
    with pytest.raises(PublishError, match="not committed"):
        publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert (repo.root / "skills/a/SKILL.md").read_text() == "mine\n"


def test_an_ignored_folder_is_said(repo: Repo, draft: Path) -> None:
    (repo.root / ".gitignore").write_text("skills/\n")
    with pytest.raises(PublishError, match="ignore"):
        publish.publish_skill(repo, draft, "skills", MESSAGE)


def test_a_link_out_of_the_repository_is_not_followed(repo: Repo, draft: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo.root / "skills").symlink_to(outside)
    with pytest.raises(PublishError, match="leads out"):
        publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert not list(outside.iterdir())


def test_a_commit_that_nobody_wrote_down_is_found_again(repo: Repo, draft: Path) -> None:
    made = publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert publish.find_published(repo, "Agentloop-Run: 1", "a", "skills") == made
    assert publish.find_published(repo, "Agentloop-Run: 2", "a", "skills") is None


def test_links_lead_agents_to_the_skills_and_are_committed_alone(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    (repo.root / "file").write_text("mine\n")
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert set(linked.paths) == {".agents/skills", ".claude/skills/a"}
    for path in linked.paths:
        assert not (repo.root / path).readlink().is_absolute()
    assert (repo.root / ".agents/skills/a/SKILL.md").read_text() == "first\n"
    assert (repo.root / ".claude/skills/a/SKILL.md").read_text() == "first\n"
    assert git(repo.root, "show", "--name-only", "--format=", "HEAD").split() == sorted(linked.paths)
    assert git(repo.root, "status", "--porcelain").splitlines() == [" M file"]
    assert publish.link_skills(repo, "skills") is None
    assert links.missing(repo.root, "skills") == []


def test_folders_of_the_persons_own_are_linked_into_and_not_replaced(repo: Repo, draft: Path) -> None:
    for folder in (".agents/skills", ".claude/skills"):
        (repo.root / folder / "mine").mkdir(parents=True)
        (repo.root / folder / "mine/SKILL.md").write_text("mine\n")
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert set(linked.paths) == {".agents/skills/a", ".claude/skills/a"}
    assert (repo.root / ".agents/skills/mine/SKILL.md").read_text() == "mine\n"


def test_undo_takes_back_the_skill_and_its_links_and_nothing_else(repo: Repo, draft: Path) -> None:
    published = publish.publish_skill(repo, draft, "skills", MESSAGE)
    linked = publish.link_skills(repo, "skills")
    (repo.root / "file").write_text("mine\n")
    head = git(repo.root, "rev-parse", "HEAD")
    assert "took back skills/a" in publish.undo(repo, published, linked)[0]
    assert git(repo.root, "status", "--porcelain").splitlines() == [" M file"]
    assert git(repo.root, "ls-files").split() == ["file"]
    assert git(repo.root, "rev-parse", "HEAD^") == head
    assert publish.undo(repo, published, linked) == []


def test_undo_of_an_update_brings_the_former_skill_back(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    (draft / "SKILL.md").write_text("second\n")
    published = publish.publish_skill(repo, draft, "skills", MESSAGE)
    publish.undo(repo, published, SkillsLinked(paths=()))
    assert (repo.root / "skills/a/SKILL.md").read_text() == "first\n"
    assert (repo.root / "skills/a/scripts/run.sh").stat().st_mode & 0o111
    assert git(repo.root, "status", "--porcelain") == ""


def test_undo_refuses_when_the_skill_was_changed_since(repo: Repo, draft: Path) -> None:
    published = publish.publish_skill(repo, draft, "skills", MESSAGE)
    (repo.root / "skills/a/SKILL.md").write_text("mended by hand\n")
    with pytest.raises(PublishError, match="changed after the run"):
        publish.undo(repo, published, None)
    assert (repo.root / "skills/a/SKILL.md").read_text() == "mended by hand\n"
