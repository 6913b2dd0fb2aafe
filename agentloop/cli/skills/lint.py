"""`agentloop skills lint`: hold skills against the rules."""

from pathlib import Path

import click

from agentloop import config
from agentloop.errors import UsageError
from agentloop.render import count
from agentloop.repo import Repo
from agentloop.skills import findings
from agentloop.skills.library import folders


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def lint(paths: tuple[Path, ...]) -> int:
    """Hold skills against the format's rules; exit 1 when one of them is broken."""
    if not paths:
        with Repo.open(Path.cwd()) as repo:
            paths = tuple(folders(repo.root / config.load(repo.root, {}).settings.skills_dir))
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
