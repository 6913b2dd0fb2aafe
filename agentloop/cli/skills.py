"""`agentloop skills`: look after the repository's skills."""

from pathlib import Path

import click

from agentloop import config, publish
from agentloop.errors import UsageError
from agentloop.render import count
from agentloop.repo import Repo
from agentloop.skills import findings, links
from agentloop.skills import format as skill_format


@click.group()
def skills() -> None:
    """Look after the repository's skills."""


@skills.command("list")
def list_skills() -> None:
    """List the skills with their descriptions."""
    with Repo.open(Path.cwd()) as repo:
        root, folder = repo.root, config.load(repo.root, {}).settings.skills_dir
    for path in _folders(root / folder):
        try:
            skill = skill_format.read(path)
        except skill_format.SkillFormatError as error:
            click.echo(f"{path.name}: cannot be read: {error}", err=True)
            continue
        click.echo(f"{skill.name}: {skill.description}")


@skills.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def lint(paths: tuple[Path, ...]) -> int:
    """Hold skills against the format's rules; exit 1 when one of them is broken."""
    if not paths:
        with Repo.open(Path.cwd()) as repo:
            paths = tuple(_folders(repo.root / config.load(repo.root, {}).settings.skills_dir))
    errors = 0
    for path in paths:
        folder = path.parent if path.name == "SKILL.md" else path
        if not folder.is_dir():
            raise UsageError(f"{path} is no skill folder", hint="name a folder that holds a SKILL.md")
        for finding in findings.find(folder):
            errors += finding.severity == "error"
            click.echo(f"{folder.name}/{finding}")
    click.echo(f"{count(len(paths), 'skill')}, {count(errors, 'error')}", err=True)
    return 1 if errors else 0


@skills.command()
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


def _folders(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.glob("*/SKILL.md"))
