"""Links lead agents to the skills, inside the repository alone."""

from pathlib import Path

import pytest

from agentloop.errors import PublishError
from agentloop.repo import Repo
from agentloop.skills import links, publish

from .test_repo import begin, git

READERS = [(".agents/skills", ".claude/skills"), (".kiro/skills", ".kiro/more"), (".roo/skills",), ("skills",), ()]


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


def lacks(repo: Repo) -> list[str]:
    plan = publish.plan_links(repo, "skills", READERS)
    return [f"{what} {path}" for what, path in plan.lacks]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


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
    assert links.plan(repo.root, "skills").lacks == ()


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
    assert lacks(repo) == ["missing .claude/skills"]


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


def test_an_agent_that_reads_neither_is_linked_once_the_repository_has_its_folder(repo: Repo) -> None:
    assert not any("kiro" in lack for lack in lacks(repo))
    (repo.root / ".kiro").mkdir()
    assert "missing .kiro/skills/a" in lacks(repo)
    linked = publish.link_skills(repo, "skills", readers=READERS)
    assert linked
    assert set(linked.paths) >= {".kiro/skills/a", ".kiro/skills/b"}
    assert not any("roo" in path for path in linked.paths)
    assert (repo.root / ".kiro/skills/a/SKILL.md").read_text() == "a\n"
    assert (lacks(repo), status(repo)) == ([], [])


def test_what_is_missing_or_broken_is_told_and_nothing_is_changed(repo: Repo) -> None:
    before = git(repo.root, "rev-parse", "HEAD")
    assert lacks(repo) == ["missing .agents/skills", "missing .claude/skills/a", "missing .claude/skills/b"]
    assert (git(repo.root, "rev-parse", "HEAD"), status(repo)) == (before, [])
    publish.link_skills(repo, "skills")
    git(repo.root, "rm", "-qr", "skills/b")
    assert lacks(repo) == ["broken .claude/skills/b"]
    (repo.root / ".claude/skills/a").unlink()
    (repo.root / ".claude/skills/a").symlink_to("../../nowhere/a")
    assert lacks(repo) == ["broken .claude/skills/a", "broken .claude/skills/b"]


@pytest.fixture
def unlinkable(repo: Repo) -> Repo:
    """Git is told that there are no symbolic links, as it is on Windows and on some file systems."""
    git(repo.root, "config", "core.symlinks", "false")
    return repo


def test_where_no_links_can_be_copies_are_committed_and_kept_up_to_date(unlinkable: Repo) -> None:
    repo = unlinkable
    write(repo.root / "skills/a/scripts/run.sh", "true\n")
    (repo.root / "skills/a/scripts/run.sh").chmod(0o755)
    linked = publish.link_skills(repo, "skills")
    assert linked
    for place in (".agents/skills", ".claude/skills"):
        copy = repo.root / place / "a"
        assert not copy.is_symlink()
        assert (copy / "SKILL.md").read_text() == "a\n"
        assert (copy / "scripts/run.sh").stat().st_mode & 0o100
    assert status(repo) == ["?? skills/a/scripts/run.sh"]
    assert (lacks(repo), publish.link_skills(repo, "skills")) == ([], None)

    (repo.root / "skills/a/scripts/run.sh").unlink()
    write(repo.root / "skills/a/SKILL.md", "later\n")
    git(repo.root, "commit", "-qam", "Later")
    assert lacks(repo) == ["stale .agents/skills/a", "stale .claude/skills/a"]
    assert publish.link_skills(repo, "skills")
    assert (repo.root / ".claude/skills/a/SKILL.md").read_text() == "later\n"
    assert not (repo.root / ".claude/skills/a/scripts").exists()
    assert (lacks(repo), status(repo)) == ([], [])

    git(repo.root, "rm", "-qr", "skills/a")
    git(repo.root, "commit", "-qm", "Drop a")
    assert lacks(repo) == ["broken .agents/skills/a", "broken .claude/skills/a"]
    assert publish.link_skills(repo, "skills")
    assert not (repo.root / ".claude/skills/a").exists()
    assert status(repo) == []


def test_copies_are_kept_up_to_date_where_links_could_be(unlinkable: Repo) -> None:
    repo = unlinkable
    publish.link_skills(repo, "skills")
    git(repo.root, "config", "core.symlinks", "true")
    write(repo.root / "skills/a/SKILL.md", "later\n")
    git(repo.root, "commit", "-qam", "Later")
    assert lacks(repo) == ["stale .agents/skills/a", "stale .claude/skills/a"]
    publish.link_skills(repo, "skills")
    assert (repo.root / ".agents/skills/a/SKILL.md").read_text() == "later\n"
    assert (lacks(repo), status(repo)) == ([], [])


def test_a_copy_that_somebody_changed_and_a_folder_of_his_own_stay(unlinkable: Repo) -> None:
    repo = unlinkable
    write(repo.root / ".claude/skills/b/SKILL.md", "my own\n")
    publish.link_skills(repo, "skills")
    write(repo.root / ".claude/skills/a/SKILL.md", "mended by hand\n")
    write(repo.root / "skills/a/SKILL.md", "later\n")
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert ".claude/skills/a is a copy that somebody changed" in linked.problem
    assert lacks(repo) == ["stale .claude/skills/a"]
    assert (repo.root / ".claude/skills/a/SKILL.md").read_text() == "mended by hand\n"
    assert (repo.root / ".claude/skills/b/SKILL.md").read_text() == "my own\n"
    git(repo.root, "rm", "-qrf", "skills/a")
    publish.link_skills(repo, "skills")
    assert (repo.root / ".claude/skills/a/SKILL.md").read_text() == "mended by hand\n"


def test_links_that_git_wrote_as_text_files_become_copies(repo: Repo, tmp_path: Path) -> None:
    publish.link_skills(repo, "skills")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "-c", "core.symlinks=false", str(repo.root), str(clone))
    assert (clone / ".agents/skills").read_text() == "../skills"
    copied = Repo.open(clone)
    assert lacks(copied) == [
        f"missing {place}/{name}" for place in (".agents/skills", ".claude/skills") for name in ("a", "b")
    ]
    assert publish.link_skills(copied, "skills")
    assert (clone / ".agents/skills/a/SKILL.md").read_text() == "a\n"
    assert (clone / ".claude/skills/b/SKILL.md").read_text() == "b\n"
    assert (lacks(copied), status(copied)) == ([], [])
    git(repo.root, "pull", "-q", str(clone), "HEAD")
    assert (lacks(repo), status(repo)) == ([], [])


def test_a_run_takes_its_copies_back(unlinkable: Repo, tmp_path: Path) -> None:
    repo = unlinkable
    publish.link_skills(repo, "skills")
    write(tmp_path / "draft/c/SKILL.md", "c\n")
    published = publish.publish_skill(repo, tmp_path / "draft/c", "skills", "Add skill c\n")
    linked = publish.link_skills(repo, "skills")
    assert (repo.root / ".claude/skills/c/SKILL.md").is_file()
    assert publish.undo(repo, published, linked)
    assert not (repo.root / ".claude/skills/c").exists()
    assert (repo.root / ".claude/skills/a/SKILL.md").is_file()
    assert (lacks(repo), status(repo)) == ([], [])


def test_a_skill_too_large_to_be_copied_hinders_only_itself(unlinkable: Repo) -> None:
    repo = unlinkable
    (repo.root / "skills/a/huge").write_bytes(b"x" * (9 * 1024 * 1024))
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert "larger than 8 MB" in linked.problem
    assert (repo.root / ".claude/skills/b/SKILL.md").is_file()
    assert not (repo.root / ".claude/skills/a").exists()


def test_links_in_a_circle_are_no_trouble(repo: Repo) -> None:
    (repo.root / "skills/loop").symlink_to("loop")
    (repo.root / "skills/up").symlink_to("..")
    (repo.root / ".claude").symlink_to(".claude")
    linked = publish.link_skills(repo, "skills")
    assert linked
    assert linked.paths == (".agents/skills",)
    assert ".claude" in linked.problem


def test_a_name_with_odd_characters_is_linked(repo: Repo) -> None:
    for name in ("with space", "com,ma", "*", "-dash", "ünï"):
        write(repo.root / "skills" / name / "SKILL.md", "x\n")
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "More")
    assert publish.link_skills(repo, "skills")
    assert (lacks(repo), status(repo)) == ([], [])
    assert (repo.root / ".claude/skills/with space/SKILL.md").is_file()
