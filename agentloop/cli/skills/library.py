"""`agentloop skills list`: what the library holds."""

from pathlib import Path

import click

from agentloop import config
from agentloop.repo import Repo
from agentloop.skills import format as skill_format


@click.command("list")
def list_skills() -> None:
    """List the skills with their descriptions."""
    with Repo.open(Path.cwd()) as repo:
        root, folder = repo.root, config.load(repo.root, {}).settings.skills_dir
    for path in folders(root / folder):
        try:
            skill = skill_format.read(path)
        except skill_format.SkillFormatError as error:
            click.echo(f"{path.name}: cannot be read: {error}", err=True)
            continue
        click.echo(f"{skill.name}: {skill.description}")


def folders(root: Path) -> list[Path]:
    """The folders of the skills."""
    return sorted(path.parent for path in root.glob("*/SKILL.md"))
