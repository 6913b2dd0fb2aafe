"""`agentloop diff` and `undo`: what a run changed, and taking it back."""

import re
from pathlib import Path

import click

from agentloop.errors import RunError
from agentloop.records import folders, journal
from agentloop.repo import Repo, show_difference
from agentloop.run import undoing
from agentloop.state import RunState
from agentloop.state.fold import fold
from agentloop.text.quoting import visible

_TURN = re.compile(r"\d{1,3}")


@click.command()
@click.argument("run", required=False, default="")
@click.argument("turn", required=False, type=click.IntRange(min=1))
@click.option("--stat", "form", flag_value="--stat", help="How much changed in which file.")
@click.option("--name-only", "form", flag_value="--name-only", help="The files alone.")
def diff(run: str, turn: int | None, form: str | None) -> int:
    """Show what RUN changed, or the newest run; with TURN, what that turn changed.

    \b
    agentloop diff              agentloop diff 2              agentloop diff 20261126 --stat
    """  # noqa: D301 - click reads the \b
    if turn is None and _TURN.fullmatch(run):
        run, turn = "", int(run)
    with Repo.open(Path.cwd()) as repo:
        folder = folders.find_run(repo.common_dir, run)
        state = fold(journal.read(folder.journal))
        old, new = _ends(state, turn)
        if not (repo.commit_at(old) and repo.commit_at(new)):
            raise RunError(f"the snapshots of run {state.run} are not in this repository any more")
        return show_difference(repo.root, old, new, [form] if form else [])


def _ends(state: RunState, turn: int | None) -> tuple[str, str]:
    """The commits before and after the run, or one of its turns."""
    if len(state.snapshots) < 2:
        raise RunError(f"run {state.run} recorded no turn yet", hint=f"agentloop status {state.run}")
    if turn is None:
        return state.snapshots[0].commit, state.snapshots[-1].commit
    for before, after in zip(state.snapshots, state.snapshots[1:], strict=False):
        if after.n >= turn > before.n:
            if after.n > turn:
                click.echo(f"turn {turn} was cut off: its changes are in those of turn {after.n}", err=True)
            return before.commit, after.commit
    raise RunError(f"run {state.run} recorded no turn {turn}", hint=f"its last one is {state.snapshots[-1].n}")


@click.command()
@click.argument("run", required=False, default="")
@click.option("--to", type=click.IntRange(min=0), metavar="N",
              help="Restore the files to how they were after turn N.  [default: 0, before the first turn]")  # fmt: skip
@click.option("--keep-work", is_flag=True, help="Take back the skill alone; the agent's work stays.")
def undo(run: str, to: int | None, keep_work: bool) -> None:
    """Take back what RUN did, or the newest run: its work, its skill and the links it made.

    Files that you changed since are never overwritten; index, stash and commits stay, and the way back is said.
    """
    from agentloop.run.supervisor import worktree_lock

    if keep_work and to is not None:
        raise click.UsageError("--to and --keep-work exclude each other")
    with Repo.open(Path.cwd()) as repo, worktree_lock(repo):
        folder = folders.find_run(repo.common_dir, run)
        lines = undoing.take_back(repo, folder, to, keep_work=keep_work)
    click.echo("\n".join(visible(line) for line in lines))
