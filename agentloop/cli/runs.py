"""`agentloop status`, `logs` and `undo`: looking at runs, and taking one back."""

import time
from pathlib import Path

import click

from agentloop import events as ev
from agentloop import journal, own_worktree, publish, render
from agentloop.errors import RunError
from agentloop.repo import Repo
from agentloop.state import RunState, fold


@click.command()
@click.argument("run", required=False, default="")
@click.option("--all", "every", is_flag=True, help="One line for each run of the repository.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(run: str, every: bool, as_json: bool) -> None:
    """Say how RUN stands, or the newest one."""
    with Repo.open(Path.cwd()) as repo:
        folders = journal.runs(repo.common_dir) if every else [journal.find_run(repo.common_dir, run)]
    looked_at = [(fold(journal.read(folder.journal)), journal.at_work(folder)) for folder in folders]
    if as_json:
        import json

        objects = [render.result_object(state, at_work=at_work) for state, at_work in looked_at]
        click.echo(json.dumps(objects if every else objects[0]))
        return
    for state, at_work in looked_at:
        lines = [_line(state, at_work)] if every else [f"run {state.run}", *render.summary(state, at_work=at_work)]
        click.echo("\n".join(lines))


def _line(state: RunState, at_work: bool) -> str:
    word = "running" if at_work else state.ended.outcome if state.ended else "not ended"
    task = " ".join(state.task.task.split())[:60]
    return f"{state.run}  {word:<14} {render.count(len(state.checks), 'attempt'):<11}  {state.task.agent:<10} {task}"


@click.command()
@click.argument("run", required=False, default="")
@click.option("--follow", "-f", is_flag=True, help="Wait for more until the run has ended.")
@click.option("--json", "as_json", is_flag=True, help="Print the journal's own lines.")
@click.option("--turn", type=click.IntRange(min=1), help="Print what the agent printed in that turn.")
def logs(run: str, follow: bool, as_json: bool, turn: int | None) -> None:
    """Show the events of RUN, or of the newest one."""
    with Repo.open(Path.cwd()) as repo:
        folder = journal.find_run(repo.common_dir, run)
    if turn is not None:
        _print_turn(folder, turn)
        return
    seen = 0
    while True:
        events, seen = journal.follow(folder.journal, seen)
        for event in events:
            _print(event, as_json)
        if not follow or (not events and not journal.at_work(folder)):
            return
        time.sleep(0.2)


def _print_turn(folder: journal.RunFolder, turn: int) -> None:
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


@click.command()
@click.argument("run", required=False, default="")
def undo(run: str) -> None:
    """Take back the skill that RUN committed, and the links it made; the agent's own work stays."""
    from agentloop.supervisor import worktree_lock

    with Repo.open(Path.cwd()) as repo, worktree_lock(repo):
        folder = journal.find_run(repo.common_dir, run)
        state = fold(journal.read(folder.journal))
        lines = publish.undo(repo, own_worktree.published(repo, state), state.linked)
        if lines and state.published and not state.taken_back:
            book = journal.Journal(folder)
            book.append(ev.SkillTakenBack(name=state.published.name))
            book.close()
        if state.ended:  # one that can still be resumed needs its snapshots
            repo.drop_snapshots(folder.run)
        lines = lines or [f"run {folder.run}: {_nothing_to_undo(state)}"]
        lines += own_worktree.advice(repo, state)
    click.echo("\n".join(lines))


def _nothing_to_undo(state: RunState) -> str:
    if state.published is None:
        return "it committed nothing: there is nothing to take back"
    return f"its skill {state.published.name} is not there any more: there is nothing to take back"
