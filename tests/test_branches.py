"""A skill on a branch that is not checked out: what it takes there, and that nothing else notices."""

import subprocess
from pathlib import Path

import pytest

from agentloop.errors import PublishError
from agentloop.repo import Change, Repo
from agentloop.skills import publish

from .test_repo import begin, git, make_hook, mess

BRANCH = "agentloop/skills"
MESSAGE = "Add skill a\n\nAgentloop-Run: 1\n"
TRAILER = "Agentloop-Run: 1"


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


def everything(root: Path) -> dict[str, bytes | str]:
    """All that must stay: git's own files byte for byte, but for objects and the branch, and the working files."""
    files: dict[str, bytes | str] = {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "objects" not in path.parts and "agentloop" not in path.parts
    }
    return {**files, "stash": git(root, "stash", "list"), "head": git(root, "rev-parse", "HEAD")}


@pytest.mark.parametrize("flags", [(), ("--object-format=sha256",)], ids=["sha1", "sha256"])
def test_nothing_but_the_branch_changes(tmp_path: Path, draft: Path, flags: tuple[str, ...]) -> None:
    repo = begin(tmp_path / "repo", *flags)
    mess(repo)
    before = everything(repo.root)
    published = publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH, repo.head())
    assert everything(repo.root) == before
    assert published.branch == BRANCH
    assert git(repo.root, "rev-parse", BRANCH).strip() == published.commit
    assert git(repo.root, "rev-parse", f"{BRANCH}^") == git(repo.root, "rev-parse", "HEAD")
    assert git(repo.root, "show", "--name-only", "--format=", BRANCH).split() == [*published.paths]
    assert "100755" in git(repo.root, "ls-tree", BRANCH, "skills/a/scripts/run.sh")
    assert git(repo.root, "show", "-s", "--format=%B", BRANCH).strip() == MESSAGE.strip()


def test_a_new_branch_begins_where_the_run_began(repo: Repo, draft: Path) -> None:
    base = repo.head()
    git(repo.root, "commit", "-q", "--allow-empty", "-m", "Later")
    publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH, base)
    assert git(repo.root, "rev-parse", f"{BRANCH}^").strip() == base


def test_a_base_that_is_gone_is_no_obstacle(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH, "1" * 40)
    assert git(repo.root, "rev-parse", f"{BRANCH}^") == git(repo.root, "rev-parse", "HEAD")


def test_an_update_replaces_the_skill_on_top_of_the_tip(repo: Repo, draft: Path) -> None:
    first = publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    (draft / "SKILL.md").write_text("second\n")
    (draft / "scripts/run.sh").unlink()
    second = publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    assert git(repo.root, "rev-parse", f"{second.commit}^").strip() == first.commit
    assert git(repo.root, "ls-tree", "-r", "--name-only", BRANCH, "skills").split() == ["skills/a/SKILL.md"]
    with pytest.raises(PublishError, match="already committed just so"):
        publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)


def test_what_the_branch_holds_can_be_read(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    tip = repo.branches.tip(BRANCH)
    assert tip
    assert repo.texts_at(tip, "skills/a") == {"SKILL.md": "first\n", "scripts/run.sh": "#!/bin/sh\n"}
    assert repo.texts_at(tip, "skills/b") == {}


def test_an_unborn_branch_gets_no_commit_by_it(tmp_path: Path, draft: Path) -> None:
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q")
    repo = Repo.open(tmp_path / "new")
    published = publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    assert git(repo.root, "rev-list", "--count", BRANCH).strip() == "1"
    assert repo.head() is None
    assert publish.undo(repo, published, None)
    assert git(repo.root, "ls-tree", "-r", BRANCH) == ""


def test_the_branch_that_is_checked_out_gets_a_plain_commit(repo: Repo, draft: Path) -> None:
    published = publish.publish_skill(repo, draft, "skills", MESSAGE, "main")
    assert published.branch == ""
    assert (repo.root / "skills/a/SKILL.md").is_file()
    assert git(repo.root, "status", "--porcelain") == ""


@pytest.mark.parametrize("detached", [False, True])
def test_from_a_linked_worktree_or_a_detached_head(repo: Repo, draft: Path, tmp_path: Path, detached: bool) -> None:
    git(repo.root, "worktree", "add", "-q", *(["--detach"] if detached else []), str(tmp_path / "linked"))
    linked = Repo.open(tmp_path / "linked")
    publish.publish_skill(linked, draft, "skills", MESSAGE, BRANCH, linked.head())
    assert git(repo.root, "show", f"{BRANCH}:skills/a/SKILL.md") == "first\n"
    assert git(linked.root, "status", "--porcelain") == ""


def test_a_branch_that_another_worktree_is_on_is_refused(repo: Repo, draft: Path, tmp_path: Path) -> None:
    git(repo.root, "worktree", "add", "-q", "-b", BRANCH, str(tmp_path / "linked"))
    tip = git(repo.root, "rev-parse", BRANCH)
    with pytest.raises(PublishError, match=f"in use by the worktree {tmp_path}/linked"):
        publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    assert git(repo.root, "rev-parse", BRANCH) == tip
    subprocess.run(["rm", "-r", str(tmp_path / "linked")], check=True)
    publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)


def test_an_unborn_branch_of_another_worktree_is_refused(repo: Repo, tmp_path: Path) -> None:
    git(repo.root, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    git(tmp_path / "linked", "checkout", "-q", "--orphan", "new")
    with pytest.raises(PublishError, match="in use"):
        repo.branches.refuse("new")


def test_a_branch_that_is_being_rebased_is_refused(repo: Repo) -> None:
    git(repo.root, "switch", "-qc", "topic")
    git(repo.root, "commit", "-q", "--allow-empty", "-m", "Topic")
    (repo.root / "file").write_text("two\n")
    git(repo.root, "commit", "-qam", "Two")
    subprocess.run(["git", "rebase", "-q", "-x", "false", "HEAD^"], cwd=repo.root, check=False, capture_output=True)
    with pytest.raises(PublishError, match="in use by the rebase"):
        repo.branches.refuse("topic")


@pytest.mark.parametrize("name", ["-x", "a..b", "a b", "x.lock", "HEAD", "@{-1}", "a/", "", "a\nb", "main/x"])
def test_a_name_that_git_does_not_take_is_refused(repo: Repo, name: str) -> None:
    git(repo.root, "switch", "-qc", "other")
    with pytest.raises(PublishError, match="branch"):
        repo.branches.refuse(name)


def test_a_branch_cannot_stand_where_others_lie(repo: Repo) -> None:
    git(repo.root, "branch", "team/one")
    with pytest.raises(PublishError, match="beside the branch team/one"):
        repo.branches.refuse("team")


def test_another_name_of_a_branch_is_refused(repo: Repo) -> None:
    git(repo.root, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    with pytest.raises(PublishError, match="another name of main"):
        repo.branches.refuse("alias")


def test_somebody_else_who_moves_the_branch_loses_nothing(repo: Repo) -> None:
    git(repo.root, "branch", BRANCH)
    other = git(repo.root, "commit-tree", "HEAD^{tree}", "-p", BRANCH, "-m", "Other").strip()
    asked: list[str | None] = []

    def make(tip: str | None) -> Change:
        if not asked:
            git(repo.root, "update-ref", f"refs/heads/{BRANCH}", other)
        asked.append(tip)
        return {"skills/a/SKILL.md": repo.paths.store("skills/a/SKILL.md", b"first\n", "100644")}

    done = repo.branches.commit(BRANCH, make, MESSAGE, None)
    assert asked == [repo.head(), other]
    assert git(repo.root, "rev-parse", f"{done.commit}^").strip() == other


def test_commit_hooks_have_no_part_in_it_and_a_refused_ref_is_told(repo: Repo, draft: Path) -> None:
    make_hook(repo, "pre-commit", "exit 1")
    make_hook(repo, "commit-msg", "exit 1")
    publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    make_hook(repo, "reference-transaction", "echo 'not today' >&2; exit 1")
    (draft / "SKILL.md").write_text("second\n")
    with pytest.raises(PublishError, match="git refuses the commit on agentloop/skills"):
        publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)


def test_what_is_no_skill_on_the_branch_is_left_alone(repo: Repo, draft: Path) -> None:
    git(repo.root, "switch", "-qc", "other")
    (repo.root / "skills").write_text("a file\n")
    git(repo.root, "add", ".")
    git(repo.root, "commit", "-qm", "A file")
    git(repo.root, "switch", "-q", "main")
    with pytest.raises(PublishError, match="skills is a link or a file on other"):
        publish.publish_skill(repo, draft, "skills", MESSAGE, "other")


def test_a_commit_that_nobody_wrote_down_is_found_again(repo: Repo, draft: Path) -> None:
    base = repo.head()
    made = publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH, base)
    assert publish.find_published(repo, TRAILER, "a", "skills", base, BRANCH) == made
    assert publish.find_published(repo, TRAILER, "a", "skills", base) is None
    assert publish.find_published(repo, TRAILER, "a", "skills", base, "none") is None


def test_undo_takes_it_back_there(repo: Repo, draft: Path) -> None:
    publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    (draft / "SKILL.md").write_text("second\n")
    published = publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    before = everything(repo.root)
    assert "took back skills/a on agentloop/skills" in publish.undo(repo, published, None)[0]
    assert everything(repo.root) == before
    assert git(repo.root, "show", f"{BRANCH}:skills/a/SKILL.md") == "first\n"
    assert git(repo.root, "rev-parse", f"{BRANCH}^").strip() == published.commit
    assert publish.undo(repo, published, None) == []


def test_undo_leaves_a_skill_alone_that_was_changed_there(repo: Repo, draft: Path) -> None:
    published = publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    (draft / "SKILL.md").write_text("mended\n")
    publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    with pytest.raises(PublishError, match="changed on agentloop/skills after the run"):
        publish.undo(repo, published, None)
    git(repo.root, "branch", "-D", BRANCH)
    assert publish.undo(repo, published, None) == []


def test_undo_on_a_branch_that_was_checked_out_since_brings_the_files_along(repo: Repo, draft: Path) -> None:
    published = publish.publish_skill(repo, draft, "skills", MESSAGE, BRANCH)
    git(repo.root, "switch", "-q", BRANCH)
    assert publish.undo(repo, published, None)
    assert not (repo.root / "skills").exists()
    assert git(repo.root, "status", "--porcelain") == ""
