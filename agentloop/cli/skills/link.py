"""`agentloop skills link`: link the skills where agents read them."""

from collections.abc import Iterable
from pathlib import Path

import click

from agentloop import config
from agentloop.agents import registry
from agentloop.cli.skills.library import shown
from agentloop.repo import Repo
from agentloop.skills import publish
from agentloop.skills.copies import MARKER
from agentloop.text.quoting import plain


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when something is missing, stale or broken.")
def link(check: bool) -> int:
    """Link the skills where agents read them: .agents/skills, .claude/skills, and folders of other agents in use here.

    Where there can be no links, copies are made, and kept up to date while nobody changes them.
    """
    readers = registry.skill_folders()
    with Repo.open(Path.cwd()) as repo:
        folder = config.load(repo.root, {}).settings.skills_dir
        if check:
            plan = publish.plan_links(repo, folder, readers)
            for what, path in plan.lacks:
                click.echo(f"{what}: {shown(path)}")
            for hindrance in plan.hindrances:
                click.echo(f"not linked: {plain(hindrance)}", err=True)
            return 1 if plan.lacks else 0
        linked = publish.link_skills(repo, folder, readers=readers)
    for line in _lines(linked.paths if linked else ()):
        click.echo(line)
    if linked and linked.problem:
        click.echo(f"not linked: {plain(linked.problem)}", err=True)
    if not linked:
        click.echo("every link is there")
    return 0


def _lines(paths: Iterable[str]) -> list[str]:
    """What was done, with one line for a copy."""
    copied = {Path(path).parent.as_posix() for path in paths if Path(path).name == MARKER}
    linked = [path for path in paths if not copied & {parent.as_posix() for parent in Path(path).parents}]
    return [f"copied: {shown(path)}" for path in sorted(copied)] + [f"linked: {shown(path)}" for path in linked]
