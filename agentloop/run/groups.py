"""A group of runs that try the same side by side: its folder, its members, and who is the first of them.

The folder holds the job that all of them have and, once one has an honest pass, the file `won` with that run's id.
"""

import os
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from agentloop import events as ev
from agentloop.errors import RunError
from agentloop.job import Job
from agentloop.records import folders

_GROUP_ID = re.compile(r"^group-\d{8}-\d{6}-[0-9a-f]{4}$")


def folder_of(common_dir: Path, group: str) -> Path:
    """Where a group lies."""
    return _all(common_dir) / group


def _all(common_dir: Path) -> Path:
    return folders.repository_folder(common_dir) / "groups"


def make(common_dir: Path, job: Job) -> str:
    """Make the folder of a new group, and say its id.

    Args:
        common_dir: the directory that all working trees of the repository share.
        job: what every member is to do.

    Raises:
        RunError: the state folder cannot be written.
    """
    group = f"group-{folders.time_stamp()}-{secrets.token_hex(2)}"
    folder = folder_of(common_dir, group)
    try:
        folder.mkdir(mode=0o700, parents=True)
        job = job.model_copy(update={"group": group})
        (folder / "job.json").write_text(job.model_dump_json(), encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"the group's folder {folder} cannot be made: {error.strerror}",
            hint="make it writable, or set XDG_STATE_HOME to a folder that is",
        ) from error
    return group


def job_of(common_dir: Path, group: str) -> Job:
    """What every member is to do.

    Raises:
        RunError: there is no such group any more.
    """
    try:
        return Job.model_validate_json((folder_of(common_dir, group) / "job.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"the group {group} has ended", hint="agentloop status --all lists its runs") from error


def find(common_dir: Path, name: str) -> str:
    """The group whose id begins or ends with `name`; empty when there is none, or several."""
    folder = _all(common_dir)
    names = [path.name for path in folder.iterdir()] if name and folder.is_dir() else []
    found = [group for group in names if _GROUP_ID.match(group) and (group.startswith(name) or group.endswith(name))]
    return found[0] if len(found) == 1 else ""


def members(common_dir: Path, group: str) -> dict[int, folders.RunFolder]:
    """The runs of a group by their number; of several with one number the newest."""
    found = {}
    for folder in folders.runs(common_dir):
        job = _job(folder)
        if job and job.group == group:
            found[job.member] = folder
    return found


def _job(folder: folders.RunFolder) -> Job | None:
    with folder.journal.open("rb") as file, suppress(ValueError):
        first = ev.parse(file.readline())
        return first.job if isinstance(first, ev.RunStarted) else None
    return None


def claim(common_dir: Path, group: str, run: str) -> str:
    """Be the first of a group, unless another is.

    Args:
        common_dir: the directory that all working trees of the repository share.
        group: the group's id.
        run: who asks.

    Returns:
        The run that is the first.
    """
    folder = folder_of(common_dir, group)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".claim-") as file:
        file.write(run)
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, folder / "won")
    return winner(common_dir, group)


def winner(common_dir: Path, group: str) -> str:
    """The run that is the first of a group; empty while none is."""
    try:
        return (folder_of(common_dir, group) / "won").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
