"""Skills go into the archive and come back the same, each time by a commit of their own."""

from pathlib import Path

import pytest

from agentloop.errors import PublishError
from agentloop.repo import Repo
from agentloop.skills import archive, archiving, library, publish
from agentloop.skills.format import parse

from .test_repo import begin, git

DAY = "2026-11-25"
TEXT = '---\nname: {name}\ndescription: "Does {name}. Use when wanted."\n---\n\n# {name}\n\nDo it.\n'
HEADS = {
    "none": "name: x\ndescription: y\n",
    "block": 'name: x\nmetadata:\n  "a": "b"\n  c: d\ndescription: y\n',
    "last": "name: x\ndescription: y\nmetadata:\n    deep: er\n",
    "commented": "name: x\ndescription: y # no\nmetadata: # why\n  a: b\n",
    "flow": "name: x\ndescription: y\nmetadata: {a: b}\n",
    "empty": "name: x\nmetadata:\ndescription: y\n",
    "colon": "name: x\ndescription: Use when: it breaks\n",
    "list": "name: x\ndescription: y\nmetadata:\n  - a\n",
}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = begin(tmp_path / "repo")
    for name in ("alpha", "beta"):
        folder = repo.root / "skills" / name
        (folder / "scripts").mkdir(parents=True)
        (folder / "SKILL.md").write_text(TEXT.format(name=name))
        (folder / "scripts/run.sh").write_text("true\n")
        (folder / "scripts/run.sh").chmod(0o755)
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "Skills")
    publish.link_skills(repo, "skills")
    return repo


def status(repo: Repo) -> list[str]:
    return git(repo.root, "status", "--porcelain", "-uall").splitlines()


def put_away(repo: Repo, *names: str, reason: str = "") -> archiving.Moved:
    return archiving.archive_skills(repo, "skills", names, day=DAY, reason=reason)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_text_comes_back_byte_for_byte(head: str, end: str) -> None:
    text = f'\ufeff---\n{head}---\n\nbody\n--- \nmetadata:\n  agentloop-archived: "x"\n'.replace("\n", end)
    away = archive.put_away(text, DAY, 'it "never"\nhelped: #1')
    assert archive.taken_out(away) == text
    assert away.endswith(text.partition("body")[2])


@pytest.mark.parametrize("head", ["none", "block", "last", "commented"])
def test_the_day_and_the_reason_stand_in_the_metadata(head: str) -> None:
    away = archive.put_away(f"---\n{HEADS[head]}---\n\nbody\n", DAY, 'it "never"\nhelped: #1')
    metadata = parse(away).metadata
    assert metadata["agentloop-archived"] == DAY
    assert metadata["agentloop-archived-because"] == 'it "never" helped: #1'


@pytest.mark.parametrize("text", ["", "no frontmatter\n", "---\nnever closed: x\n", "---\n---\n"])
def test_a_text_without_a_frontmatter_stays_as_it_is(text: str) -> None:
    assert archive.taken_out(archive.put_away(text, DAY, "why")) == text


def test_a_skill_is_moved_with_its_links_by_one_commit_and_nothing_else_is_touched(repo: Repo) -> None:
    (repo.root / "file").write_text("mine\n")
    (repo.root / "staged").write_text("staged\n")
    git(repo.root, "add", "staged")
    head = repo.head()
    moved = put_away(repo, "beta", reason="nobody used it")
    assert git(repo.root, "rev-list", f"{head}..HEAD").split() == [moved.commit]
    assert git(repo.root, "show", "--name-status", "--no-renames", "--format=", "HEAD").splitlines() == [
        "D\t.claude/skills/beta",
        "A\tskills-archive/beta/ARCHIVED.md",
        "A\tskills-archive/beta/scripts/run.sh",
        "D\tskills/beta/SKILL.md",
        "D\tskills/beta/scripts/run.sh",
    ]
    assert git(repo.root, "show", "-s", "--format=%B", "HEAD").strip() == "Archive skill beta\n\nnobody used it"
    assert status(repo) == [" M file", "A  staged"]
    assert not (repo.root / "skills/beta").exists()
    assert (repo.root / "skills-archive/beta/scripts/run.sh").stat().st_mode & 0o100
    assert archive.archived(repo.root / "skills-archive") == [
        archive.Archived("beta", "Does beta. Use when wanted.", DAY, "nobody used it")
    ]
    assert [folder.name for folder in library.folders(repo.root / "skills")] == ["alpha"]


def test_a_secret_in_the_reason_is_masked(repo: Repo) -> None:
    put_away(repo, "beta", reason="it named ghp_" + "R7kQ2mXw9LsT4vBn8ZyC1dHf6GjP3aEuW5oK")
    assert "R7kQ2mXw" not in git(repo.root, "show", "HEAD")


def test_it_comes_back_the_same(repo: Repo) -> None:
    before = repo.entries_at(repo.head(), "skills", ".claude", ".agents")
    put_away(repo, "alpha", "beta", reason="for a while")
    assert repo.entries_at(repo.head(), "skills", ".claude", ".agents") == {}
    archiving.restore_skills(repo, "skills", ["alpha", "beta"])
    publish.link_skills(repo, "skills")
    assert repo.entries_at(repo.head(), "skills", ".claude", ".agents") == before
    assert not (repo.root / "skills-archive").exists()
    assert status(repo) == []


def test_copies_go_too(repo: Repo) -> None:
    git(repo.root, "rm", "-qr", ".claude", ".agents")
    git(repo.root, "commit", "-qm", "No links")
    git(repo.root, "config", "core.symlinks", "false")
    publish.link_skills(repo, "skills")
    put_away(repo, "beta")
    assert not (repo.root / ".claude/skills/beta").exists()
    assert not (repo.root / ".agents/skills/beta").exists()
    assert (repo.root / ".agents/skills/alpha/SKILL.md").is_file()
    assert status(repo) == []
    (repo.root / ".claude/skills/alpha/SKILL.md").write_text("changed\n")
    moved = put_away(repo, "alpha")
    assert moved.notes == (".claude/skills/alpha is a copy that somebody changed, and its skill is gone",)


def test_what_is_not_committed_is_not_moved(repo: Repo) -> None:
    (repo.root / "skills/beta/SKILL.md").write_text("changed\n")
    with pytest.raises(PublishError, match="changes that are not committed"):
        put_away(repo, "beta")
    git(repo.root, "checkout", "-q", ".")
    (repo.root / "skills/new").mkdir()
    (repo.root / "skills/new/SKILL.md").write_text(TEXT.format(name="new"))
    with pytest.raises(PublishError, match=r"skills/new/SKILL\.md is not committed"):
        put_away(repo, "alpha", "new")
    assert (repo.root / "skills/alpha/SKILL.md").is_file()
    assert status(repo) == ["?? skills/new/SKILL.md"]


def test_files_that_git_does_not_know_stay_and_are_told_of(repo: Repo) -> None:
    (repo.root / "skills/beta/notes").write_text("mine\n")
    moved = put_away(repo, "beta")
    assert moved.notes == ("skills/beta still holds files that git does not know",)
    assert (repo.root / "skills/beta/notes").read_text() == "mine\n"


def test_nothing_in_the_archive_is_overwritten(repo: Repo) -> None:
    (repo.root / "skills-archive/beta").mkdir(parents=True)
    (repo.root / "skills-archive/beta/mine").write_text("mine\n")
    with pytest.raises(PublishError, match="skills-archive/beta is there already"):
        put_away(repo, "beta")
    (repo.root / ".gitignore").write_text("skills-archive\n")
    with pytest.raises(PublishError, match="git is told to ignore skills-archive/alpha"):
        put_away(repo, "alpha")


def test_a_skill_with_another_skill_inside_leaves_none_to_be_found(repo: Repo) -> None:
    inner = repo.root / "skills/alpha/inner/SKILL.md"
    inner.parent.mkdir()
    inner.write_text(TEXT.format(name="inner"))
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "Inner")
    put_away(repo, "alpha")
    assert not list((repo.root / "skills-archive").rglob("SKILL.md"))
    archiving.restore_skills(repo, "skills", ["alpha"])
    assert inner.read_text() == TEXT.format(name="inner")


def test_a_refused_commit_moves_nothing(repo: Repo) -> None:
    hook = repo.root / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PublishError, match="pre-commit hook"):
        put_away(repo, "beta")
    assert status(repo) == []
    assert (repo.root / ".claude/skills/beta/SKILL.md").is_file()
