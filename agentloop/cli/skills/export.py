"""`agentloop skills export`: copies of skills elsewhere, or the repository as a plugin."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from agentloop.agents import registry
from agentloop.cli.skills.library import open_library, shown
from agentloop.errors import UsageError
from agentloop.repo import Repo
from agentloop.skills import export as exporting
from agentloop.skills import plugin as plugins
from agentloop.skills.library import Library
from agentloop.text.quoting import one_line

_MAX_REASON_CHARS = 2000


@click.command()
@click.argument("names", nargs=-1)
@click.option("--to", type=click.Path(path_type=Path), help="Copy the skills into this folder.")
@click.option("--agent", default="", help="Copy the skills to where this agent reads those of its user.")
@click.option("--plugin", is_flag=True, help="Make the repository a Claude plugin and its marketplace.")
def export(names: tuple[str, ...], to: Path | None, agent: str, plugin: bool) -> int:
    """Copy all skills, or those named, to another place; exit 1 when one of them is not copied.

    What is in the place of a skill stays, unless it is a copy that nobody changed. No skill with an error is copied.
    """
    if (to is not None) + bool(agent) + plugin != 1:
        raise UsageError("export needs to know where to", hint="give one of --to DIR, --agent NAME and --plugin")
    root, library = open_library()
    with Repo.open(root) as repo:
        who = plugins.identity(repo.remote(), root)
    if plugin:
        if names:
            raise UsageError("a plugin has all skills", hint="leave the names away")
        return _write_plugin(root, library, who)
    return _copy(library, names, exporting.make_folder(to if to is not None else _folder_of(agent)), who)


def _folder_of(agent: str) -> Path:
    adapter = registry.load(agent)
    folder = adapter.user_folder(os.environ)
    if folder is None:
        raise UsageError(
            f"it is not known where {adapter.called} reads the skills of its user",
            hint="use --to DIR, or set user_skills in its adapter",
        )
    return folder


def _copy(library: Library, names: Sequence[str], to: Path, who: plugins.Identity) -> int:
    folders = [library.find(name).folder for name in dict.fromkeys(names)] if names else library.folders
    if not folders:
        click.echo(f"there are no skills in {library.name}/ yet", err=True)
    refused = 0
    for folder in folders:
        done = exporting.export(folder, to, f"{who} {library.name}/{folder.name}")
        if done.outcome == "refused":
            refused += 1
            click.echo(f"{shown(done.name)}: not exported: {one_line(done.reason, _MAX_REASON_CHARS)}", err=True)
        else:
            how = {"copied": "copied to", "updated": "updated in", "same": "the same already in"}[done.outcome]
            click.echo(f"{shown(done.name)}: {how} {shown(str(to))}")
    return 1 if refused else 0


def _write_plugin(root: Path, library: Library, who: plugins.Identity) -> int:
    if not library.folders:
        raise UsageError(f"there are no skills in {library.name}/ yet", hint="a plugin without any is of no use")
    outcomes = {path: plugins.write(root, path, content) for path, content in plugins.files(who, library.name).items()}
    for path, outcome in outcomes.items():
        if outcome == "other":
            click.echo(f"{path}: not written: it is there already, and holds something else", err=True)
            click.echo("  add to it by hand, or remove it to have it written anew", err=True)
        else:
            click.echo(f"{path}: {'written' if outcome == 'written' else 'there already'}")
    if "written" in outcomes.values():
        click.echo("commit it: who installs the plugin gets what is committed", err=True)
    return 1 if "other" in outcomes.values() else 0
