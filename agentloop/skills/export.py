"""Skills copied to where they are of use: a folder of the user, or any other."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentloop.errors import UsageError
from agentloop.skills import copies, findings
from agentloop.skills.copies import CopyError, File, Standing

Outcome = Literal["copied", "updated", "same", "refused"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What became of a skill."""

    name: str
    outcome: Outcome
    reason: str = ""
    """Why it was refused."""


_OUTCOMES: Mapping[Standing, tuple[Outcome, str]] = {
    "absent": ("copied", ""),
    "outdated": ("updated", ""),
    "same": ("same", ""),
    "changed": ("refused", "somebody changed {target}, which was a copy of it"),
    "foreign": ("refused", "{target} is there already and is no copy of it"),
}


def export(skill: Path, to: Path, origin: str) -> Exported:
    """Copy a skill into a folder as a plain folder of its name.

    A skill with a finding that blocks is not copied. What is in its place stays, unless it is a copy of the same skill
    that nobody changed.

    Args:
        skill: the skill's folder.
        to: an existing folder.
        origin: what the copy is said to be a copy of.
    """
    errors = [str(finding) for finding in findings.find(skill) if finding.severity == "error"]
    if errors:
        return Exported(skill.name, "refused", "; ".join(errors))
    target = to / skill.name
    try:
        files = copies.contents(skill)
        state = copies.standing(target, origin, files)
        if state in ("absent", "outdated"):
            _put(target, copies.marked(files, origin))
    except CopyError as error:
        return Exported(skill.name, "refused", error.message)
    except OSError as error:
        return Exported(skill.name, "refused", f"{target} cannot be written: {error.strerror}")
    outcome, reason = _OUTCOMES[state]
    return Exported(skill.name, outcome, reason.format(target=target))


def make_folder(path: Path) -> Path:
    """Make sure that there is a folder.

    Raises:
        UsageError: it cannot be made, or a file is in its place.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be made: {error.strerror}", hint="name another folder") from error
    return path


def _put(target: Path, files: Mapping[str, File]) -> None:
    """Put a copy in its place as a whole; a former one is taken away last."""
    with tempfile.TemporaryDirectory(prefix=".agentloop-", dir=target.parent) as staging:
        new, old = Path(staging) / "new", Path(staging) / "old"
        for name, file in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
            if file.mode == copies.EXECUTABLE:
                path.chmod(path.stat().st_mode | 0o111)
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
