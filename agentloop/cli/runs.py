"""`agentloop status`, `logs` and `report`: looking at runs."""

import json
import time
from pathlib import Path

import click

from agentloop import events as ev
from agentloop import render
from agentloop.cli import overview
from agentloop.errors import RunError
from agentloop.records import changes, folders, journal
from agentloop.repo import Repo
from agentloop.state.fold import fold

_LOOK_S = 0.2


@click.command()
@click.argument("run", required=False, default="")
@click.option("--all", "every", is_flag=True, help="One line for each run of the repository.")
@click.option("--everywhere", is_flag=True, help="One line for each run of all your repositories.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(run: str, every: bool, everywhere: bool, as_json: bool) -> None:
    """Say how RUN stands, or the newest one; of several, those at work come first, then the newest."""
    if every or everywhere:
        table = overview.everywhere() if everywhere else overview.of(_here())
        click.echo(overview.as_json(table) if as_json else overview.as_lines(table, with_place=everywhere))
        return
    with Repo.open(Path.cwd()) as repo:
        folder = folders.find_run(repo.common_dir, run)
    state, at_work = fold(journal.read(folder.journal)), folders.at_work(folder)
    if as_json:
        click.echo(json.dumps(render.result_object(state, at_work=at_work)))
        return
    click.echo("\n".join([f"run {state.run}", *render.summary(state, at_work=at_work)]))


def _here() -> Path:
    with Repo.open(Path.cwd()) as repo:
        return folders.repository_folder(repo.common_dir)


@click.command()
@click.argument("run", required=False, default="")
def report(run: str) -> None:
    """Print RUN, or the newest one, as Markdown."""
    with Repo.open(Path.cwd()) as repo:
        folder = folders.find_run(repo.common_dir, run)
        state, at_work = fold(journal.read(folder.journal)), folders.at_work(folder)
        click.echo(render.report(state, changes.of_run(repo, state), at_work=at_work), nl=False)


@click.command()
@click.argument("run", required=False, default="")
@click.option("--follow", "-f", is_flag=True, help="Wait for more until the run has ended; also while it is cut off.")
@click.option("--json", "as_json", is_flag=True, help="Print the journal's own lines.")
@click.option("--turn", type=click.IntRange(min=1), help="Print what the agent printed in that turn.")
def logs(run: str, follow: bool, as_json: bool, turn: int | None) -> None:
    """Show the events of RUN, or of the newest one."""
    with Repo.open(Path.cwd()) as repo:
        folder = folders.find_run(repo.common_dir, run)
    if turn is not None:
        _print_turn(folder, turn)
        return
    try:
        _print_events(folder, follow=follow, as_json=as_json)
    except FileNotFoundError:
        click.echo(f"the record of run {folder.run} was pruned", err=True)


def _print_events(folder: folders.RunFolder, *, follow: bool, as_json: bool) -> None:
    seen, has_ended, was_at_work = 0, False, True
    while True:
        at_work = folders.at_work(folder)  # looked up first: what is written before its end is read after this
        events, seen = journal.follow(folder.journal, seen)
        for event in events:
            _print(event, as_json)
            has_ended = _ends(event, has_ended)
        if not follow or (has_ended and not at_work):
            return
        if was_at_work and not at_work:
            click.echo(f"nobody works on it; waiting for: agentloop resume {folder.run}", err=True)
        was_at_work = at_work
        time.sleep(_LOOK_S)


def _ends(event: ev.Event, has_ended: bool) -> bool:
    """Whether a run has ended after an event: a draft may be reviewed after the end, and a resumed run goes on."""
    match event:
        case ev.RunEnded():
            return True
        case ev.RunResumed():
            return False
        case _:
            return has_ended


def _print_turn(folder: folders.RunFolder, turn: int) -> None:
    path = folder.turn_file(turn, "log")
    if not path.is_file():
        raise RunError(f"run {folder.run} has no turn {turn}", hint=f"agentloop logs {folder.run} shows its turns")
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            click.echo(line, nl=False)


def _print(event: ev.Event, as_json: bool) -> None:
    if as_json:
        click.echo(event.model_dump_json())
        return
    text = f"ended: {event.reason}" if isinstance(event, ev.RunEnded) else _plain(render.describe(event))
    if text:
        click.echo(f"{time.strftime('%H:%M:%S', time.localtime(event.at))}  {text}")


def _plain(markup: str) -> str:
    from rich.text import Text

    return Text.from_markup(markup).plain if markup else ""
