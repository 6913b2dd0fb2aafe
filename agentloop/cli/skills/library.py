"""`agentloop skills list` and `show`: what the library holds."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from agentloop import config
from agentloop.repo import Repo
from agentloop.skills import archive
from agentloop.skills import library as shelf
from agentloop.skills.library import Library, Shelved, Unreadable
from agentloop.text.quoting import one_line, plain, visible, writable

_MAX_DESCRIPTION_CHARS = 2000
_MAX_NAME_CHARS = 300


def open_library() -> tuple[Path, Library]:
    """The root of the repository, and its library.

    Raises:
        RepoError: there is no repository here.
        UsageError: its skills folder leads out of it.
    """
    with Repo.open(Path.cwd()) as repo:
        return repo.root, Library.of(repo.root, config.load(repo.root, {}).settings.skills_dir)


@click.command("list")
@click.option("--archived", is_flag=True, help="List the archived skills instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_skills(archived: bool, as_json: bool) -> None:
    """List the skills with their descriptions."""
    root, library = open_library()
    if archived:
        list_archived(root, library, as_json)
        return
    skills = readable(library.skills())
    if as_json:
        print_json([as_object(root, each) for each in skills])
        return
    for each in skills:
        click.echo(f"{shown(each.skill.name)}: {one_line(each.skill.description, _MAX_DESCRIPTION_CHARS)}")
    if not library.folders:
        click.echo(f"there are no skills in {library.name}/ yet", err=True)


def list_archived(root: Path, library: Library, as_json: bool) -> None:
    """Print the archived skills with the day and the reason."""
    found = archive.archived(root / archive.folder_of(library.name))
    if as_json:
        print_json([asdict(each) for each in found])
        return
    for each in found:
        why = one_line(": ".join(filter(None, [f"archived {each.day}".strip(), each.reason])), _MAX_DESCRIPTION_CHARS)
        click.echo(f"{shown(each.name)}: {one_line(each.description, _MAX_DESCRIPTION_CHARS)} ({why})")


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, as_json: bool) -> int:
    """Show the skill NAME: where it comes from, its files, its SKILL.md."""
    root, library = open_library()
    found = library.find(name)
    if isinstance(found, Unreadable):
        _tell(found)
        return 1
    files = found.files()
    if as_json:
        listed = [{"path": path, "bytes": size} for path, size in files]
        print_json({**as_object(root, found), "files": listed, "text": shelf.text(found.folder)})
        return 0
    skill = found.skill
    click.echo(shown(skill.name))
    click.echo(f"  {one_line(skill.description, _MAX_DESCRIPTION_CHARS)}")
    click.echo(f"  {'path':<24} {shown(_relative(root, found.folder))}")
    for key, value in sorted(skill.metadata.items()):
        click.echo(f"  {one_line(key, 60):<24} {one_line(value, _MAX_DESCRIPTION_CHARS)}")
    for path, size in files:
        click.echo(f"  {'file':<24} {shown(path)} ({size:,} bytes)")
    for warning in found.warnings:
        click.echo(f"  {'warning':<24} {one_line(warning, _MAX_DESCRIPTION_CHARS)}")
    click.echo(f"\n{plain(shelf.text(found.folder)).rstrip()}")
    return 0


def shown(name: str) -> str:
    """The name of a skill or a file for people, with nothing hidden in it."""
    return one_line(visible(name), _MAX_NAME_CHARS)


def readable(skills: Iterable[Shelved | Unreadable]) -> Iterable[Shelved]:
    """Those that can be read; the others are told of."""
    for each in skills:
        if isinstance(each, Shelved):
            yield each
        else:
            _tell(each)


def as_object(root: Path, each: Shelved) -> dict[str, Any]:
    """A skill for a program."""
    return {
        "name": each.skill.name,
        "description": each.skill.description,
        "path": _relative(root, each.folder),
        "status": each.status,
        "metadata": dict(each.skill.metadata),
        "warnings": list(each.warnings),
    }


def print_json(value: Any) -> None:
    """Print one JSON value; strict readers refuse the lone surrogates that stand for a name that is not UTF-8."""
    import json

    click.echo(json.dumps(json.loads(writable(json.dumps(value, ensure_ascii=False)))))


def _tell(unreadable: Unreadable) -> None:
    click.echo(f"{shown(unreadable.folder.name)}: cannot be read: {unreadable.reason}", err=True)


def _relative(root: Path, folder: Path) -> str:
    return plain(folder.relative_to(root).as_posix())
