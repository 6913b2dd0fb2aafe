"""`agentloop skills archive`: put skills away, and take them back."""

import difflib
import time
from collections.abc import Sequence
from pathlib import Path

import click

from agentloop import config
from agentloop.agents import registry
from agentloop.cli.skills.library import list_archived, open_library, shown
from agentloop.cli.skills.usage import told
from agentloop.errors import UsageError
from agentloop.repo import Repo
from agentloop.skills import archive as shelf
from agentloop.skills import archiving, publish
from agentloop.skills.library import Library


@click.command()
@click.argument("names", nargs=-1)
@click.option("--reason", default="", help="Why; kept with the skill.")
@click.option("--list", "listed", is_flag=True, help="List the archived skills.")
@click.option("--restore", is_flag=True, help="Take the skills back out of the archive.")
def archive(names: tuple[str, ...], reason: str, listed: bool, restore: bool) -> None:
    """Move the skills NAMES out of the way of agents and installers, by a commit; nothing is deleted.

    Without NAMES, say which are proposed: those that no session loads, and those that fail their sessions.
    """
    root, library = open_library()
    if listed:
        list_archived(root, library, as_json=False)
        return
    if restore and not names:
        raise UsageError("no skill is named", hint="agentloop skills archive --restore NAME, or --list")
    if not names:
        _propose(root, library)
        return
    if restore:
        _restore(root, library.name, names)
        return
    folders = tuple(dict.fromkeys(library.find(name).folder.name for name in names))
    with Repo.open(root) as repo:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        readers = registry.skill_folders()
        moved = archiving.archive_skills(repo, library.name, folders, day=day, reason=reason, readers=readers)
    _tell(moved, f"archived in {shelf.folder_of(library.name)}/")


def _propose(root: Path, library: Library) -> None:
    with Repo.open(root) as repo:
        proposed = [one for one in told(repo, library) if one.proposal]
    for one in proposed:
        click.echo(f"{shown(one.skill)}: {one.proposal}")
    if not proposed:
        click.echo("no skill is proposed for the archive: agentloop skills usage says why", err=True)


def _restore(root: Path, skills_dir: str, names: Sequence[str]) -> None:
    known = [each.name for each in shelf.archived(root / shelf.folder_of(skills_dir))]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else "see what there is: agentloop skills archive --list"
            raise UsageError(f"there is no skill {name!r} in the archive", hint=hint)
    with Repo.open(root) as repo:
        moved = archiving.restore_skills(repo, skills_dir, tuple(dict.fromkeys(names)))
        if config.load(root, {}).settings.link:
            publish.link_skills(repo, skills_dir, readers=registry.skill_folders())
    _tell(moved, f"restored to {skills_dir}/")


def _tell(moved: archiving.Moved, done: str) -> None:
    for name in moved.names:
        click.echo(f"{shown(name)}: {done} (commit {moved.commit[:10]})")
    for note in moved.notes:
        click.echo(shown(note), err=True)
