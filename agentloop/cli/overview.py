"""The runs of a repository, or of all of a user's: a line each, those at work first, then the newest."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agentloop.errors import RunError
from agentloop.records import folders, journal
from agentloop.render import ago, clock, count, result_object
from agentloop.state import RunState
from agentloop.state.fold import fold
from agentloop.text.quoting import one_line


@dataclass(frozen=True, slots=True)
class Row:
    """How a run stands."""

    run: str
    state: RunState | None
    """None when its journal cannot be read."""
    at_work: bool
    problem: str = ""


def of(repository: Path) -> list[Row]:
    """The runs in the state folder of a repository."""
    return _sorted(folders.of(repository))


def everywhere() -> list[Row]:
    """The runs of all repositories."""
    return _sorted(folder for place in folders.repositories() for folder in folders.of(place))


def _sorted(found: Iterable[folders.RunFolder]) -> list[Row]:
    rows = [row for folder in found if folders.has_begun(folder) and (row := _row(folder))]
    return sorted(rows, key=lambda row: (row.at_work, row.run), reverse=True)


def _row(folder: folders.RunFolder) -> Row | None:
    try:
        return Row(folder.run, fold(journal.read(folder.journal)), folders.at_work(folder))
    except FileNotFoundError:  # pruned meanwhile
        return None
    except RunError as error:
        return Row(folder.run, None, at_work=False, problem=error.message)


def as_json(rows: Iterable[Row]) -> str:
    """The results, as `status --json` gives one; a journal that cannot be read is named with what is wrong."""
    return json.dumps(
        [
            result_object(row.state, at_work=row.at_work) if row.state else {"run": row.run, "problem": row.problem}
            for row in rows
        ]
    )


def as_lines(rows: Iterable[Row], *, with_place: bool) -> str:
    """A table for people.

    Args:
        rows: what it shows.
        with_place: with the working tree of each.
    """
    return "\n".join(_line(row, with_place=with_place) for row in rows)


def _line(row: Row, *, with_place: bool) -> str:
    state = row.state
    if state is None:
        return f"{row.run}  {'unreadable':<14} {one_line(row.problem, 200)}"
    word = "running" if row.at_work else state.ended.outcome.replace("_", " ") if state.ended else "not ended"
    age = f"for {clock(state.elapsed_s + time.time() - state.last_at)}" if row.at_work else _age(state)
    attempts = count(len(state.checks), "attempt")
    task = one_line(state.task.task, 60)
    place = f"{_short(state.task.worktree)}  " if with_place else ""
    return f"{row.run}  {word:<14} {age:<14} {attempts:<11} {state.task.agent:<10} {place}{task}".rstrip()


def _age(state: RunState) -> str:
    return ago(max(0.0, time.time() - state.last_at))


def _short(path: str) -> str:
    """A path as a shell would take it, the home as `~`."""
    home = str(Path.home())
    return one_line(f"~{path[len(home) :]}" if path == home or path.startswith(f"{home}/") else path, 100)
