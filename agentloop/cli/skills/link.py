"""`agentloop skills link`: link the skills where agents read them."""

from pathlib import Path

import click

from agentloop import config, publish
from agentloop.repo import Repo
from agentloop.skills import links


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when a link is missing.")
def link(check: bool) -> int:
    """Link the skills where agents read them: .agents/skills and .claude/skills."""
    with Repo.open(Path.cwd()) as repo:
        folder = config.load(repo.root, {}).settings.skills_dir
        if check:
            absent = links.missing(repo.root, folder)
            for path in absent:
                click.echo(f"missing: {path}")
            return 1 if absent else 0
        linked = publish.link_skills(repo, folder)
    for name in linked.paths if linked else ():
        click.echo(f"linked: {name}")
    if linked and linked.problem:
        click.echo(f"not linked: {linked.problem}", err=True)
    if not linked:
        click.echo("every link is there")
    return 0
