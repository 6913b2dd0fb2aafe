"""`agentloop skills search` and `overlap`: which skill is about something, and which say the same."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agentloop.cli.skills.library import open_library, print_json, shown
from agentloop.skills import library as shelf
from agentloop.skills.format import FILE
from agentloop.skills.library import Shelved, Unreadable
from agentloop.text.quoting import one_line, plain

if TYPE_CHECKING:
    from agentloop.skills.search import Hit

_MAX_DESCRIPTION_CHARS = 300
_MAX_QUERY_CHARS = 80


@click.command()
@click.argument("query", nargs=-1, required=True)
@click.option(
    "--limit", type=click.IntRange(min=1), default=10, show_default=True, help="The highest number of skills."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(query: tuple[str, ...], limit: int, as_json: bool) -> int:
    """Find the skills about QUERY: some words, or the text of an error. Exit 1 when there is none."""
    from agentloop.skills import search as searching

    root, library = open_library()
    asked = " ".join(query)
    found = [_as_object(root, hit) for hit in searching.search(library.root, asked, limit)]
    if as_json:
        print_json(found)
    for each in () if as_json else found:
        click.echo(f"{shown(each['name'])}  {each['score']}")
        click.echo(f"  {one_line(each['description'], _MAX_DESCRIPTION_CHARS)}")
        click.echo(f"  {shown(each['path'])}:{each['line']}: {each['text']}")
    if not found:
        click.echo(f"no skill about {one_line(asked, _MAX_QUERY_CHARS)!r}", err=True)
    return 0 if found else 1


def _as_object(root: Path, hit: "Hit") -> dict[str, Any]:
    """A hit for a program; the description of one that cannot be read says why."""
    match shelf.read(hit.folder):
        case Shelved(skill=skill):
            name, description = skill.name, skill.description
        case Unreadable(reason=reason):
            name, description = hit.folder.name, f"cannot be read: {reason}"
    return {
        "name": plain(name),
        "score": round(hit.score, 2),
        "description": description,
        "path": plain(f"{hit.folder.relative_to(root).as_posix()}/{FILE}"),
        "line": hit.line,
        "text": hit.text,
    }


@click.command()
@click.option("--min", "minimum", type=click.FloatRange(0.05, 1), default=0.6, show_default=True,
              help="The least similarity, from 0 (nothing in common) to 1 (the same words).")  # fmt: skip
@click.option("--check", is_flag=True, help="Exit 1 when there are such pairs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def overlap(minimum: float, check: bool, as_json: bool) -> int:
    """Find the skills that say much the same."""
    from agentloop.skills.similarity import overlapping

    _root, library = open_library()
    pairs = overlapping({folder.name: shelf.text(folder) for folder in library.folders}, minimum)
    if as_json:
        print_json([asdict(pair) for pair in pairs])
    for pair in () if as_json else pairs:
        click.echo(f"{pair.score:.2f}  {shown(pair.one)}  {shown(pair.other)}  ({plain(', '.join(pair.shared))})")
    if not pairs:
        click.echo(f"no two skills have a similarity of {minimum:g} or more", err=True)
    return 1 if pairs and check else 0
