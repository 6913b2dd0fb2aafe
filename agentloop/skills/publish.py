"""The skill's own commit, the links for agents, and taking both back.

Each is a change of paths that `Committing.commit` carries out as a whole, and that `Committing.settle` completes when a
run was killed right after the commit.
"""

import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agentloop.errors import PublishError
from agentloop.events import SkillPublished, SkillsLinked
from agentloop.repo import Change, Committed, Entry, Repo
from agentloop.skills import library, links
from agentloop.skills.copies import EXECUTABLE, LINK, File
from agentloop.skills.links import Plan


def publish_skill(
    repo: Repo, draft: Path, skills_dir: str, message: str, branch: str = "", base: str | None = None
) -> SkillPublished:
    """Commit a draft as `<skills_dir>/<name>`, its files alone; a skill of that name is updated.

    What a session cannot have seen of that skill stays: files that are no texts, links, the permission to execute.

    Args:
        repo: where to.
        draft: a folder whose name is the skill's, holding ordinary files.
        skills_dir: relative to the repository's root.
        message: the whole commit message.
        branch: the branch; the one that is checked out when it is empty.
        base: the commit that a new branch begins at.

    Raises:
        PublishError: it cannot be committed now; the working tree is as it was.
    """
    folder = f"{skills_dir}/{draft.name}"
    if branch and not repo.branches.is_current(branch):
        return _publish_on(repo, branch, base, draft, folder, message)
    if repo.is_ignored(f"{folder}/SKILL.md"):
        raise PublishError(f"git is told to ignore {folder}", hint=f"take {skills_dir} out of .gitignore")
    skill = _stored(repo, draft, folder)
    former = repo.entries_at(repo.head(), folder)
    _refuse_what_is_no_skill(repo, folder, former, skill)
    done = repo.committing.commit(_update(repo, repo.head(), folder, former, skill), message)
    if done.commit is None:
        raise PublishError(f"{folder} is already committed just so")
    return SkillPublished(name=draft.name, commit=done.commit, paths=tuple(sorted(skill)), note=done.note)


def _publish_on(repo: Repo, branch: str, base: str | None, draft: Path, folder: str, message: str) -> SkillPublished:
    skill = _stored(repo, draft, folder)

    def change(tip: str | None) -> Change:
        _refuse_detours_at(repo, tip, folder, branch)
        former = repo.entries_at(tip, folder)
        if former and f"{folder}/SKILL.md" not in former:
            raise PublishError(
                f"{folder} is there already on {branch} and has no SKILL.md",
                hint="move it, or name the skill otherwise",
            )
        return _update(repo, tip, folder, former, skill)

    done = repo.branches.commit(branch, change, message, _starting_point(repo, base))
    if done.commit is None:
        raise PublishError(f"{folder} is already committed just so on {branch}")
    return SkillPublished(name=draft.name, commit=done.commit, paths=tuple(sorted(skill)), branch=branch)


def _update(repo: Repo, tip: str | None, folder: str, former: Change, skill: Change) -> Change:
    """The skill in place of the former one; what a session cannot have seen of that stays: images, links, modes."""
    seen = repo.texts_at(tip, folder) if tip else {}
    gone = dict.fromkeys(path for path in former if path.removeprefix(f"{folder}/") in seen)
    return {**gone, **{path: _as_executable(entry, former.get(path)) for path, entry in skill.items()}}


def _as_executable(entry: Entry | None, before: Entry | None) -> Entry | None:
    return replace(entry, mode=EXECUTABLE) if entry and before and before.mode == EXECUTABLE else entry


def _starting_point(repo: Repo, base: str | None) -> str | None:
    """Where a branch for skills begins: at the commit that the run began at, so that it holds nothing but skills.

    HEAD where that commit is not known; None where there is no commit at all.
    """
    return (repo.commit_at(base) if base else None) or repo.head()


def _refuse_detours_at(repo: Repo, tip: str | None, folder: str, branch: str) -> None:
    for parent in Path(folder).parents:
        if parent != Path() and parent.as_posix() in repo.entries_at(tip, parent.as_posix()):
            raise PublishError(f"{parent} is a link or a file on {branch}", hint="make it an ordinary folder")


def find_published(
    repo: Repo, trailer: str, name: str, skills_dir: str, since: str | None = None, branch: str = ""
) -> SkillPublished | None:
    """The commit of a skill that was made although nobody lived to write that down; None when there is none.

    Working files and index are brought along, where nothing else was done to them or in a later commit.

    Args:
        repo: where.
        trailer: the line of the commit's message that names the run.
        name: the skill's name.
        skills_dir: relative to the repository's root.
        since: the commit that the run began at.
        branch: the branch; the one that is checked out when it is empty.
    """
    folder = f"{skills_dir}/{name}"
    elsewhere = "" if not branch or repo.branches.is_current(branch) else branch
    commit = repo.find_commit(trailer, folder, since=since, branch=elsewhere)
    skill = repo.entries_at(commit, folder)
    if not commit or not skill:
        return None
    if elsewhere:
        return SkillPublished(name=name, commit=commit, paths=tuple(sorted(skill)), branch=branch)
    _changed, note = _complete(repo, commit, folder)
    return SkillPublished(name=name, commit=commit, paths=tuple(sorted(skill)), note=note)


def plan_links(repo: Repo, skills_dir: str, readers: Iterable[Sequence[str]], without: Collection[str] = ()) -> Plan:
    """What links and copies there should be in a repository; see `links.plan`."""
    return links.plan(repo.root, skills_dir, readers, linkable=repo.can_link(), without=without)


def link_skills(
    repo: Repo,
    skills_dir: str,
    trailer: str = "",
    since: str | None = None,
    *,
    readers: Iterable[Sequence[str]] = (),
) -> SkillsLinked | None:
    """Link the skills where agents read them and commit the links alone; None when nothing was to do.

    Where no link can be, a copy is made and kept up to date. A link of ours that is there but was never committed is
    committed too. What a run committed and did not live to write down counts as done now.

    Args:
        repo: where.
        skills_dir: relative to the repository's root.
        trailer: the line of the commit's message that names the run.
        since: the commit that the run began at.
        readers: for each agent, the folders of a project that it reads.

    Raises:
        PublishError: the links cannot be committed; none was made.
    """
    plan = plan_links(repo, skills_dir, readers)
    earlier = _linked_before(repo, plan.places, trailer, since) if trailer else SkillsLinked(paths=())
    change = _entries(repo, plan.files)
    head = repo.entries_at(repo.head(), *change)
    there = repo.entries_in_tree(change)
    behind = {path for path, entry in change.items() if there.get(path) != entry}
    private = repo.ignored_of(change.keys() - head.keys())
    shared = {path for path, entry in change.items() if path in behind or head.get(path) != entry} - private
    message = f"Link skills for agents\n\n{trailer}".strip() + "\n"
    done = repo.committing.commit({path: change[path] for path in shared}, message) if shared else Committed(None)
    repo.paths.write({path: change[path] for path in private & behind})
    problem = "; ".join([*plan.hindrances, *filter(None, [earlier.problem, done.note])])
    paths = tuple(sorted({*shared, *(private & behind), *earlier.paths}))
    return (
        SkillsLinked(paths=paths, commit=done.commit or earlier.commit, problem=problem) if paths or problem else None
    )


def _entries(repo: Repo, files: Mapping[str, File | None]) -> Change:
    """Keep files and links in the repository."""
    targets = {path: file.content for path, file in files.items() if file and file.mode == LINK}
    kept: dict[str, Entry | None] = {**dict.fromkeys(files), **repo.paths.store_links(targets)}
    for path, file in files.items():
        if file and file.mode != LINK:
            kept[path] = repo.paths.store(path, file.content, file.mode)
    return kept


def _linked_before(repo: Repo, places: Collection[str], trailer: str, since: str | None) -> SkillsLinked:
    """What the run committed already, completed."""
    commit = repo.find_commit(trailer, *places, since=since)
    if commit is None:
        return SkillsLinked(paths=())
    changed, note = _complete(repo, commit, *places)
    return SkillsLinked(paths=tuple(changed), commit=commit, problem=note)


def undo(repo: Repo, published: SkillPublished | None, linked: SkillsLinked | None) -> list[str]:
    """Take back a skill and the links by a new commit; history is never rewritten.

    Returns:
        Lines that say what was taken back.

    Raises:
        PublishError: the skill was changed since, or the commit cannot be made; nothing was changed.
    """
    if published is None:
        return []
    if published.branch and not repo.branches.is_current(published.branch):
        return _undo_on(repo, published, linked)
    folder = published.folder
    before = repo.entries_at(f"{published.commit}^", folder)
    made = repo.entries_at(published.commit, folder)
    now = repo.entries_at(repo.head(), folder)
    leads_nowhere = repo.entries_in_tree(_our_links(repo, published, linked))
    change: Change = {**dict.fromkeys(made), **before}
    if now == before:  # taken back already, or cut off in that
        done = repo.committing.settle({**change, **dict.fromkeys(leads_nowhere)}, {**made, **leads_nowhere})
    elif now == made:
        tracked = repo.entries_at(repo.head(), *leads_nowhere)
        done = repo.committing.commit({**change, **dict.fromkeys(tracked)}, _taken_back(published))
    else:
        raise PublishError(f"{folder} was changed after the run", hint=f"take it back by hand: git rm -r {folder}")
    if done is None:
        return []
    repo.paths.write(dict.fromkeys(leads_nowhere))
    commit = f" (commit {done.commit[:10]})" if done.commit else ""
    return [f"took back {folder}{commit}", *filter(None, [done.note])]


def _undo_on(repo: Repo, published: SkillPublished, linked: SkillsLinked | None) -> list[str]:
    folder, branch = published.folder, published.branch
    before = repo.entries_at(f"{published.commit}^", folder)
    made = repo.entries_at(published.commit, folder)

    def change(tip: str | None) -> Change:
        now = repo.entries_at(tip, folder)
        if now == before:  # taken back already
            return {}
        if now != made:
            raise PublishError(
                f"{folder} was changed on {branch} after the run", hint=f"take it back by hand: git switch {branch}"
            )
        return {**dict.fromkeys(made), **before, **dict.fromkeys(_our_links_on(repo, tip, published, linked))}

    if repo.branches.tip(branch) is None:
        return []
    done = repo.branches.commit(branch, change, _taken_back(published), None)
    return [f"took back {folder} on {branch} (commit {done.commit[:10]})"] if done.commit else []


def _our_links_on(repo: Repo, tip: str | None, published: SkillPublished, linked: SkillsLinked | None) -> list[str]:
    """Those links and copies that the run added on the branch, that are as it made them and now of no use."""
    if linked is None or linked.commit is None:
        return []
    before, made, now = (repo.entries_at(at, *linked.paths) for at in (f"{linked.commit}^", linked.commit, tip))
    skills = published.folder.rpartition("/")[0]
    alone = all(path.startswith(f"{published.folder}/") for path in repo.entries_at(tip, skills))
    ours = [path for path, entry in now.items() if path not in before and entry == made.get(path)]
    return [path for path in ours if alone or published.name in path.split("/")]


def _taken_back(published: SkillPublished) -> str:
    return f"Take back skill {published.name}\n"


def _stored(repo: Repo, draft: Path, folder: str) -> dict[str, Entry]:
    found = {}
    for file in sorted(draft.rglob("*")):
        if file.is_file() and not file.is_symlink():
            path = f"{folder}/{file.relative_to(draft).as_posix()}"
            mode = "100755" if file.stat().st_mode & stat.S_IXUSR else "100644"
            found[path] = repo.paths.store(path, file.read_bytes(), mode)
    return found


def _refuse_what_is_no_skill(repo: Repo, folder: str, former: Change, skill: Change) -> None:
    target = repo.root / folder
    if f"{folder}/SKILL.md" in former or target.is_symlink() or not target.is_dir():
        return
    there = {path.relative_to(repo.root).as_posix() for path in target.rglob("*") if not path.is_dir()}
    if former or not there <= set(skill):
        raise PublishError(
            f"{folder} is there already and has no SKILL.md", hint="move it, or name the skill otherwise"
        )


def _complete(repo: Repo, commit: str, *folders: str) -> tuple[list[str], str]:
    """Bring files and index along with a commit, but for what later commits changed; the paths, and what to know."""
    before = repo.entries_at(f"{commit}^", *folders)
    after = repo.entries_at(commit, *folders)
    now = repo.entries_at(repo.head(), *folders)
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    untouched = {path: after.get(path) for path in changed if now.get(path) == after.get(path)}
    done = repo.committing.settle(untouched, before)
    return changed, done.note if done else ""


def _our_links(repo: Repo, published: SkillPublished, linked: SkillsLinked | None) -> list[str]:
    """The run's links and copies that are of no use once the skill is gone."""
    made = linked.paths if linked else ()
    skills = repo.root / published.folder
    alone = {folder.name for folder in library.folders(skills.parent)} <= {published.name}
    return [
        path
        for path in made
        if (alone and (repo.root / path).is_symlink()) or links.leads_to(repo.root, path, published.name)
    ]
