"""A draft becomes a commit, links, and can be taken back."""

import shutil
from pathlib import Path

import pytest

from agentloop.errors import PublishError
from agentloop.events import SkillsLinked
from agentloop.repo import Repo
from agentloop.skills import publish

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


@pytest.mark.parametrize("branch", ["", "learned"])
def test_an_update_keeps_what_a_session_cannot_have_seen(repo: Repo, draft: Path, branch: str) -> None:
    folder = repo.root / "skills/a"
    shutil.copytree(draft, folder)
    (folder / "old.md").write_text("old\n")
    (folder / "logo.png").write_bytes(b"\x89PNG\r\n\0\xff")
    (folder / "link.md").symlink_to("SKILL.md")
    git(repo.root, "add", "skills")
    git(repo.root, "commit", "-qm", "A skill by hand")
    (draft / "SKILL.md").write_text("second\n")
    (draft / "scripts/run.sh").chmod(0o644)
    made = publish.publish_skill(repo, draft, "skills", MESSAGE, branch, repo.head())
    listed = git(repo.root, "ls-tree", "-r", made.commit, "skills").splitlines()
    assert [(line.split()[0], line.split("\t")[1]) for line in listed] == [
        ("100644", "skills/a/SKILL.md"),
        ("120000", "skills/a/link.md"),
        ("100644", "skills/a/logo.png"),
        ("100755", "skills/a/scripts/run.sh"),
    ]
    publish.undo(repo, made, None)
    assert (folder / "logo.png").read_bytes() == b"\x89PNG\r\n\0\xff"
    assert branch or (folder / "old.md").read_text() == "old\n"


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
    with pytest.raises(PublishError, match="skills is a link or a file"):
        publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert not list(outside.iterdir())


def test_a_commit_that_nobody_wrote_down_is_found_again(repo: Repo, draft: Path) -> None:
    made = publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert publish.find_published(repo, "Agentloop-Run: 1", "a", "skills") == made
    assert publish.find_published(repo, "Agentloop-Run: 2", "a", "skills") is None


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
    with pytest.raises(PublishError, match="not committed"):
        publish.undo(repo, published, None)
    assert (repo.root / "skills/a/SKILL.md").read_text() == "mended by hand\n"


def refuse(repo: Repo) -> Path:
    """Make git refuse every commit."""
    hook = repo.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    return hook


def test_undo_refuses_when_a_later_commit_changed_the_skill(repo: Repo, draft: Path) -> None:
    """Also when a subfolder of the skill sorts before its SKILL.md."""
    (draft / "LICENSES").mkdir()
    (draft / "LICENSES/MIT").write_text("m\n")
    published = publish.publish_skill(repo, draft, "skills", MESSAGE)
    (repo.root / "skills/a/SKILL.md").write_text("mended by hand\n")
    git(repo.root, "commit", "-qam", "Mend")
    with pytest.raises(PublishError, match="changed after the run"):
        publish.undo(repo, published, None)
    assert (repo.root / "skills/a/SKILL.md").read_text() == "mended by hand\n"


def test_a_refused_undo_changes_nothing_and_can_be_made_later(repo: Repo, draft: Path) -> None:
    published = publish.publish_skill(repo, draft, "skills", MESSAGE)
    linked = publish.link_skills(repo, "skills")
    hook = refuse(repo)
    with pytest.raises(PublishError, match="hook"):
        publish.undo(repo, published, linked)
    assert git(repo.root, "status", "--porcelain") == ""
    assert (repo.root / "skills/a/SKILL.md").read_text() == "first\n"
    hook.unlink()
    assert "took back" in publish.undo(repo, published, linked)[0]
    assert not (repo.root / "skills").exists()


def test_an_undo_that_was_cut_off_is_completed(repo: Repo, draft: Path) -> None:
    published = publish.publish_skill(repo, draft, "skills", MESSAGE)
    publish.undo(repo, published, None)
    for path in published.paths:  # as after kill -9 between the commit and the tree
        git(repo.root, "restore", f"--source={published.commit}", "--staged", "--worktree", path)
    assert "took back" in publish.undo(repo, published, None)[0]
    assert git(repo.root, "status", "--porcelain") == ""
    assert not (repo.root / "skills").exists()
    assert publish.undo(repo, published, None) == []


def test_a_publication_cut_off_before_its_commit_is_made_again(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    (draft / "SKILL.md").write_text("second\n")
    (repo.root / "skills/a/SKILL.md").write_text("second\n")
    (repo.root / "skills/a/scripts/run.sh").unlink()
    (draft / "scripts/more.sh").write_text("more\n")
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert git(repo.root, "status", "--porcelain") == ""
    assert (repo.root / "skills/a/scripts/run.sh").exists()


def test_a_publication_cut_off_after_its_commit_is_completed(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", "Add skill a\n\nAgentloop-Run: 0\n")
    old = git(repo.root, "rev-parse", "HEAD").strip()
    (draft / "SKILL.md").write_text("second\n")
    (draft / "new.md").write_text("new\n")
    made = publish.publish_skill(repo, draft, "skills", MESSAGE)
    git(repo.root, "restore", f"--source={old}", "--staged", "--worktree", "skills/a/SKILL.md")
    git(repo.root, "rm", "-q", "--force", "skills/a/new.md")
    assert publish.find_published(repo, "Agentloop-Run: 1", "a", "skills") == made
    assert git(repo.root, "status", "--porcelain") == ""
    assert (repo.root / "skills/a/SKILL.md").read_text() == "second\n"


def test_what_was_written_since_a_cut_off_publication_is_left_alone(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    (repo.root / "skills/a/SKILL.md").write_text("mine\n")
    assert publish.find_published(repo, "Agentloop-Run: 1", "a", "skills")
    assert (repo.root / "skills/a/SKILL.md").read_text() == "mine\n"
    assert git(repo.root, "status", "--porcelain").splitlines() == [" M skills/a/SKILL.md"]


def test_a_folder_of_something_else_is_not_taken_for_a_skill(repo: Repo, draft: Path) -> None:
    (repo.root / "skills/a").mkdir(parents=True)
    (repo.root / "skills/a/main.c").write_text("code\n")
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "Code")
    with pytest.raises(PublishError, match=r"no SKILL\.md"):
        publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert (repo.root / "skills/a/main.c").read_text() == "code\n"


def test_a_file_of_the_persons_own_in_the_skill_is_left_alone(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    (repo.root / "skills/a/notes").write_text("mine\n")
    (draft / "SKILL.md").write_text("second\n")
    published = publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert git(repo.root, "status", "--porcelain").splitlines() == ["?? skills/a/notes"]
    publish.undo(repo, published, None)
    assert git(repo.root, "status", "--porcelain").splitlines() == ["?? skills/a/notes"]


def test_a_file_that_becomes_a_folder_and_back(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE)
    (draft / "scripts/run.sh").unlink()
    (draft / "scripts").rmdir()
    (draft / "scripts").write_text("a file\n")
    published = publish.publish_skill(repo, draft, "skills", MESSAGE)
    assert (repo.root / "skills/a/scripts").read_text() == "a file\n"
    publish.undo(repo, published, None)
    assert (repo.root / "skills/a/scripts/run.sh").read_text() == "#!/bin/sh\n"
    assert git(repo.root, "status", "--porcelain") == ""


def test_on_an_unborn_branch_a_staged_file_of_the_same_path_is_kept(tmp_path: Path, draft: Path) -> None:
    folder = tmp_path / "new"
    (folder / "skills/a").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "skills/a/SKILL.md").write_text("mine\n")
    git(folder, "add", ".")
    (folder / "skills/a/SKILL.md").unlink()
    with pytest.raises(PublishError, match="staged already"):
        publish.publish_skill(Repo.open(folder), draft, "skills", MESSAGE)
    assert git(folder, "show", ":skills/a/SKILL.md") == "mine\n"
