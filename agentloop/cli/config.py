"""`agentloop config`: the settings and their origins."""

import json
from pathlib import Path

import click

from agentloop import config as settings
from agentloop.errors import RepoError
from agentloop.repo import Repo
from agentloop.text.quoting import visible


@click.group()
def config() -> None:
    """Show the settings and where each comes from."""


@config.command()
def show() -> None:
    """Print each setting, its value as it is written in a file, and its origin."""
    try:
        with Repo.open(Path.cwd()) as repo:
            root: Path | None = repo.root
    except RepoError:
        root = None
    loaded = settings.load(root, {})
    for note in loaded.notes:
        click.echo(note, err=True)
    for key, value in loaded.settings.model_dump(mode="json").items():
        click.echo(f"{key} = {visible(json.dumps(value, ensure_ascii=False))}  ({loaded.origin[key]})")
