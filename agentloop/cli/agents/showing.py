"""`agentloop agents show`: all that an adapter says, or what is wrong with its file."""

import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from agentloop.agents import registry
from agentloop.agents.adapter_file import Problem, examine, place
from agentloop.agents.diagnosis import rests_on
from agentloop.agents.sources import Source, adapters_folder, source
from agentloop.agents.spec import Adapter
from agentloop.cli.agents.table import print_table
from agentloop.cli.skills.library import print_json, shown
from agentloop.text.quoting import plain

_ORIGINS = {"user": "your own", "agentloop": "comes with agentloop", "package": "of an installed package"}
_ABOVE = ("name", "title", "proven", "evidence")


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, as_json: bool) -> int:
    """Show all that is known of the agent NAME.

    With the path of a TOML file instead, check that file: say all that is wrong with it, by line and key.
    """
    known = _used(Path(name)) if _is_path(name) else source(name)
    if known is None and not _is_path(name):
        registry.load(name)  # it says which name is near
    path = Path(name) if _is_path(name) or known is None else known.path
    adapter, problems = examine(path)
    if adapter is None or problems:
        _tell(path, problems, as_json)
        return 2
    if as_json:
        print_json({**adapter.model_dump(mode="json"), "file": str(path), "origin": known.origin if known else None})
        return 0
    whose = _ORIGINS[known.origin] if known else f"not in {adapters_folder()}: no run uses it"
    print_table([("agent", f"{adapter.name}: {adapter.title}".removesuffix(": ")), ("file", f"{path}, {whose}"),
                 *_in_words(adapter)])  # fmt: skip
    click.echo()
    print_table(_keys(adapter.model_dump(mode="json", exclude_defaults=True, exclude={*_ABOVE})))
    return 0


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith(".toml")


def _used(path: Path) -> Source | None:
    """The agent that runs find in that very file; None when they find none there."""
    known = source(path.stem)
    return known if known and path.exists() and known.path.samefile(path) else None


def _tell(path: Path, problems: list[Problem], as_json: bool) -> None:
    if as_json:
        print_json({"file": str(path), "problems": [
            {"line": one.line or None, "column": one.column or None, "words": one.words, "remedy": one.hint}
            for one in problems
        ]})  # fmt: skip
        return
    for one in problems:
        click.echo(f"{shown(place(path, one))}: {plain(one.words)}", err=True)
        if one.hint:
            click.echo(f"  {plain(one.hint)}", err=True)


def _in_words(adapter: Adapter) -> Iterator[tuple[str, str]]:
    """What follows from the keys."""
    program = shutil.which(adapter.program)
    yield "program", program or f"{adapter.program} is not installed"
    yield "rests on", rests_on(adapter) or "it does not say"
    yield "drivers", ", ".join(adapter.drivers)
    if adapter.start:
        yield "prompt", _prompt(adapter)
    yield "session", _session(adapter)
    modes = [*adapter.permissions.known()]
    yield "permissions", ", ".join([f"{mode} (the default)" if mode == modes[0] else mode for mode in modes]) or "none"
    yield "cost", "told" if adapter.reports_cost else "not told"


def _prompt(adapter: Adapter) -> str:
    line = " ".join(adapter.start)
    if "{prompt_file}" in line:
        return "in a file"
    return "on its command line" if "{prompt}" in line else "by stdin"


def _session(adapter: Adapter) -> str:
    if not adapter.resumable:
        return "it cannot be returned to"
    whose = {"chosen": "its id is chosen by agentloop", "reported": "its id is reported by the agent"}
    forked = ", and can go on in a copy" if adapter.fork else ""
    return f"{whose.get(adapter.session, 'the newest one is returned to')}{forked}"


def _keys(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """The keys of the file with their values, as they are named in it."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _keys(value, f"{before}{key}.")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for number, item in enumerate(value, 1):
                yield from _keys(item, f"{before}{key}[{number}].")
        elif isinstance(value, list):
            yield before + key, " ".join(map(_word, value))
        else:
            yield before + key, str(value)


def _word(value: object) -> str:
    """A word of a list, in quotes where it could not be told from its neighbours."""
    word = str(value)
    return word if len(word.split()) == 1 else shlex.quote(word)
