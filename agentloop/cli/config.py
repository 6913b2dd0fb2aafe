"""`agentloop config`: the settings and their origins."""

from pathlib import Path

import click

from agentloop import config as settings
from agentloop.errors import RepoError
from agentloop.repo import Repo


@click.group()
def config() -> None:
    """Show the settings and where each comes from."""


@config.command()
def show() -> None:
    """Print each setting, its value and its origin."""
    try:
        with Repo.open(Path.cwd()) as repo:
            root: Path | None = repo.root
    except RepoError:
        root = None
    loaded = settings.load(root, {})
    for key, value in loaded.settings.model_dump().items():
        click.echo(f"{key} = {value!r}  ({loaded.origin[key]})")
