"""The records of runs in the user's state folder, across repositories: where they lie, and how they began."""

from pathlib import Path

from agentloop import events as ev
from agentloop.config import state_folder
from agentloop.records import journal


def repositories() -> list[Path]:
    """The state folders of all repositories that have runs."""
    root = state_folder()
    return sorted(path for path in root.iterdir() if of(path)) if root.is_dir() else []


def of(repository: Path) -> list[journal.RunFolder]:
    """The folders of runs in the state folder of a repository, oldest first; also of those that began nothing."""
    if not repository.is_dir():
        return []
    return [journal.RunFolder(path) for path in sorted(repository.iterdir()) if journal.is_run(path.name)]


def started(folder: journal.RunFolder) -> ev.RunStarted | None:
    """How a run began, by the first line of its journal; None when that cannot be read."""
    try:
        with folder.journal.open("rb") as file:
            event = ev.parse(file.readline())
    except (OSError, ValueError):
        return None
    return event if isinstance(event, ev.RunStarted) else None
