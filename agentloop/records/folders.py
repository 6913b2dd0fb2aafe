"""The records of runs in the user's state folder: where they lie, by which names, and how they began.

They lie in `$XDG_STATE_HOME/agentloop/<repository>/<run>/`, out of a sandboxed agent's reach.
"""

import fcntl
import os
import re
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from agentloop import events as ev
from agentloop.config import state_folder
from agentloop.errors import RunError
from agentloop.records import commit_receipts

_RUN_ID = re.compile(r"^(20\d{6}-\d{6})-[0-9a-f]{4}$")
_FINGERPRINTS = "fingerprints"
_TIME_STAMP = "%Y%m%d-%H%M%S"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where everything of one run lies."""

    path: Path

    @property
    def run(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """The journal file."""
        return self.path / "journal.jsonl"

    @property
    def draft(self) -> Path:
        """The newest draft, kept."""
        return self.path / "draft"

    @property
    def index(self) -> Path:
        """The private git index of the snapshots."""
        return self.path / "index"

    @property
    def guard(self) -> Path:
        """What a pass is held against."""
        return self.path / "guard.json"

    @property
    def replay(self) -> Path:
        """Where checks are replayed."""
        return self.path / "replay"

    def turn_file(self, turn: int, what: str) -> Path:
        """The file of a turn: its prompt or what the agent printed."""
        return self._file(f"turn-{turn:03d}.{what}")

    def check_folder(self, attempt: int) -> Path:
        """The folder with the whole outputs of a check."""
        folder = self.path / f"check-{attempt:03d}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _file(self, name: str) -> Path:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.path / name


def repository_folder(common_dir: Path) -> Path:
    """The state folder of a repository, named after it and its git common directory's path."""
    return commit_receipts.folder_of(common_dir)


def receipts_folder(common_dir: Path) -> Path:
    """Where a repository's receipts lie."""
    return repository_folder(common_dir) / "receipts"


def fingerprint_folder(common_dir: Path, root: Path) -> Path:
    """Where the index and the objects for a working tree's fingerprint lie."""
    return repository_folder(common_dir) / _FINGERPRINTS / sha256(os.fsencode(root)).hexdigest()[:10]


def fingerprint_folders(repository: Path) -> list[Path]:
    """Those of all working trees, by the state folder of their repository."""
    return [*(repository / _FINGERPRINTS).glob("*")]


def new_run(common_dir: Path) -> RunFolder:
    """Make the folder of a new run; its id sorts by time.

    Raises:
        RunError: the state folder cannot be written.
    """
    run = f"{time_stamp()}-{secrets.token_hex(2)}"
    folder = RunFolder(repository_folder(common_dir) / run)
    try:
        folder.path.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise RunError(
            f"the run's folder {folder.path} cannot be made: {error.strerror}",
            hint="make it writable, or set XDG_STATE_HOME to a folder that is",
        ) from error
    return folder


def time_stamp() -> str:
    """Now, as ids begin with it."""
    return time.strftime(_TIME_STAMP)


def runs(common_dir: Path) -> list[RunFolder]:
    """The runs of a repository, oldest first."""
    root = repository_folder(common_dir)
    if not root.is_dir():
        return []
    found = (RunFolder(path) for path in sorted(root.iterdir()) if is_run(path.name))
    return [folder for folder in found if has_begun(folder)]


def is_run(name: str) -> bool:
    """The name is a run's id."""
    found = _RUN_ID.match(name)
    try:
        return bool(found and time.strptime(found[1], _TIME_STAMP))
    except ValueError:  # no such day
        return False


def began_at(run: str) -> float:
    """The Unix time at which a run began, by its id."""
    return time.mktime(time.strptime(run[: run.rindex("-")], _TIME_STAMP))


def has_begun(folder: RunFolder) -> bool:
    """The journal holds its first line; a supervisor that died before that began nothing."""
    try:
        with folder.journal.open("rb") as file:
            return file.readline().endswith(b"\n")
    except OSError:
        return False


def find_run(common_dir: Path, name: str = "") -> RunFolder:
    """The run whose id begins or ends with `name`, or the newest one.

    Raises:
        RunError: there is none, or there are several.
    """
    all_runs = runs(common_dir)
    if not all_runs:
        raise RunError("this repository has no runs yet", hint="start one: agentloop run --until 'COMMAND passes' TASK")
    if not name:
        return all_runs[-1]
    matches = [folder for folder in all_runs if folder.run.startswith(name) or folder.run.endswith(name)]
    if len(matches) == 1:
        return matches[0]
    what = "no run" if not matches else f"{len(matches)} runs"
    raise RunError(f"{what} of this repository matches {name!r}", hint="agentloop status --all lists them")


def at_work(folder: RunFolder) -> bool:
    """A supervisor works on the run now."""
    with folder.journal.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def repositories() -> list[Path]:
    """The state folders of all repositories that have runs."""
    root = state_folder()
    return sorted(path for path in root.iterdir() if of(path)) if root.is_dir() else []


def of(repository: Path) -> list[RunFolder]:
    """The folders of runs in the state folder of a repository, oldest first; also of those that began nothing."""
    if not repository.is_dir():
        return []
    return [RunFolder(path) for path in sorted(repository.iterdir()) if is_run(path.name)]


def started(folder: RunFolder) -> ev.RunStarted | None:
    """How a run began, by the first line of its journal; None when that cannot be read."""
    try:
        with folder.journal.open("rb") as file:
            event = ev.parse(file.readline())
    except (OSError, ValueError):
        return None
    return event if isinstance(event, ev.RunStarted) else None
