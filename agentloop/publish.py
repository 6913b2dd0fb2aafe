"""The skill's own commit, the links for agents, and taking both back."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentloop.errors import PublishError
from agentloop.events import SkillPublished, SkillsLinked
from agentloop.repo import Repo
from agentloop.skills import links


def publish_skill(repo: Repo, draft: Path, skills_dir: str, message: str) -> SkillPublished:
    """Copy a draft to `<skills_dir>/<name>` and commit its files alone.

    Args:
        repo: where to.
        draft: a folder whose name is the skill's, holding ordinary files.
        skills_dir: relative to the repository's root.
        message: the whole commit message.

    Raises:
        PublishError: it cannot be committed now; the working tree is as it was.
    """
    name = draft.name
    target = repo.root / skills_dir / name
    relative = f"{skills_dir}/{name}"
    if not target.resolve().is_relative_to(repo.root.resolve()):
        raise PublishError(f"{relative} leads out of the repository", hint="make it an ordinary folder")
    if repo.is_ignored(f"{relative}/SKILL.md"):
        raise PublishError(f"git is told to ignore {relative}", hint=f"take {skills_dir} out of .gitignore")
    same = _same(draft, target)
    if target.exists() and not same and repo.is_changed(relative):
        raise PublishError(f"{relative} has changes that are not committed", hint="commit or undo them first")
    with _restored_on_failure(target):
        old = _files(repo.root, target)
        _replace(draft, target)
        paths = _files(repo.root, target)
        commit = repo.commit_paths(message, sorted({*old, *paths}))
        if commit is None:
            raise PublishError(f"{relative} is already committed just so")
    return SkillPublished(name=name, commit=commit, paths=tuple(paths))


def find_published(repo: Repo, trailer: str, name: str, skills_dir: str) -> SkillPublished | None:
    """The commit of a skill that was made although nobody lived to write that down; None when there is none."""
    commit = repo.find_commit(trailer)
    paths = repo.paths_at(commit, f"{skills_dir}/{name}") if commit else []
    if not commit or not paths:
        return None
    repo.tell_index(paths)
    return SkillPublished(name=name, commit=commit, paths=tuple(paths))


def link_skills(repo: Repo, skills_dir: str) -> SkillsLinked | None:
    """Link the skills where agents read them and commit the links alone; None when nothing was to do.

    Raises:
        PublishError: the links are made but cannot be committed.
    """
    made = [path.as_posix() for path in links.link(repo.root, skills_dir)]
    if not made:
        return None
    wanted = [path for path in made if not repo.is_ignored(path)]
    commit = repo.commit_paths("Link skills for agents\n", _expand(repo.root, wanted)) if wanted else None
    return SkillsLinked(paths=tuple(made), commit=commit)


def undo(repo: Repo, published: SkillPublished | None, linked: SkillsLinked | None) -> list[str]:
    """Take back a skill and the links by a new commit; history is never rewritten.

    Returns:
        Lines that say what was taken back.

    Raises:
        PublishError: the skill was changed since, or the commit cannot be made.
    """
    if published is None:
        return []
    paths = list(published.paths)
    folder = str(Path(paths[0]).parent)
    present = [path for path in paths if (repo.root / path).exists()]
    if not present:
        return []
    if repo.is_changed(folder) or repo.changed_paths_in(published.commit, "HEAD", folder):
        raise PublishError(f"{folder} was changed after the run", hint="take it back by hand: git rm -r " + folder)
    before = repo.paths_at(f"{published.commit}^", folder)
    removed = [*paths, *_our_links(repo, published, linked)]
    for path in removed:
        (repo.root / path).unlink(missing_ok=True)
    if before:
        repo.restore(f"{published.commit}^", before)
    _prune(repo.root, removed)
    commit = repo.commit_paths(f"Take back skill {published.name}\n", sorted({*removed, *before}))
    return [f"took back {folder} (commit {commit[:10] if commit else 'none'}); the agent's own work stays"]


def _our_links(repo: Repo, published: SkillPublished, linked: SkillsLinked | None) -> list[str]:
    """The run's links that lead to nothing once the skill is gone."""
    made = linked.paths if linked else ()
    others = {path.parent.name for path in (repo.root / published.paths[0]).parents[1].glob("*/SKILL.md")}
    alone = others <= {published.name}
    return [path for path in made if (repo.root / path).is_symlink() and (alone or Path(path).name == published.name)]


def _prune(root: Path, paths: list[str]) -> None:
    for path in paths:
        for parent in (root / path).parents:
            if parent == root or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()


def _files(root: Path, folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(path.relative_to(root).as_posix() for path in found)


def _expand(root: Path, paths: list[str]) -> list[str]:
    expanded: list[str] = []
    for path in paths:
        folder = root / path
        expanded += _files(root, folder) if folder.is_dir() and not folder.is_symlink() else [path]
    return expanded


def _same(draft: Path, target: Path) -> bool:
    mine, theirs = (
        {path: (folder / path).read_bytes() for path in _files(folder, folder)} for folder in (draft, target)
    )
    return mine == theirs


def _replace(draft: Path, target: Path) -> None:
    if target.exists():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(draft, target)


@contextmanager
def _restored_on_failure(target: Path) -> Iterator[None]:
    """Put the folder back as it was when the block fails, also when it is interrupted."""
    existed = target.exists()
    parents = [parent for parent in target.parents if not parent.exists()]
    with tempfile.TemporaryDirectory(prefix="agentloop-") as name:
        backup = Path(name) / "backup"
        if existed:
            shutil.copytree(target, backup, symlinks=True)
        try:
            yield
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            if existed:
                shutil.copytree(backup, target, symlinks=True)
            for parent in parents:
                if parent.is_dir() and not any(parent.iterdir()):
                    parent.rmdir()
            raise
