"""The two files that make a repository a Claude plugin, and a marketplace that offers it.

Claude Code finds the plugin's skills in `skills/` by itself, or where `skills` says. Without a version, each commit is
one: what was learned reaches those who installed it. (Found by running Claude Code 2.1.330.)
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agentloop.errors import UsageError
from agentloop.skills.disk import read_bytes

FOLDER = ".claude-plugin"
_DEFAULT_SKILLS_DIR = "skills"
_MAX_BYTES = 1024 * 1024
_REMOTE = re.compile(r"(?:[a-z][a-z0-9+.-]*://[^/]+/|(?:[^/@:]+@)?[^/@:]{2,}:)(?P<path>[^?#]+)", re.IGNORECASE)
_NOT_KEBAB = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a repository is called, and who owns it; both in kebab case."""

    name: str
    owner: str

    def __str__(self) -> str:
        """For a copy's mark."""
        return f"{self.owner}/{self.name}"


def identity(remote: str, root: Path) -> Identity:
    """Derive them from the address of the remote, so that every clone has the same; else from the root's name."""
    match = _REMOTE.fullmatch(remote.strip())
    path = match["path"] if match else remote or root.name
    parts = [_kebab(part) for part in path.removesuffix("/").removesuffix(".git").split("/")]
    name = parts[-1] or _kebab(root.name) or "skills"
    return Identity(name, parts[-2] if match and len(parts) > 1 and parts[-2] else name)


def files(who: Identity, skills_dir: str) -> dict[str, dict[str, Any]]:
    """What the files hold, by their paths relative to the root."""
    description = f"Skills that were learned in {who.name}"
    plugin: dict[str, Any] = {"name": who.name, "description": description, "author": {"name": who.owner}}
    if skills_dir != _DEFAULT_SKILLS_DIR:
        plugin["skills"] = f"./{skills_dir}/"
    marketplace = {
        "name": who.name,
        "owner": {"name": who.owner},
        "metadata": {"description": description},
        "plugins": [{"name": who.name, "source": "./", "description": description}],
    }
    return {f"{FOLDER}/plugin.json": plugin, f"{FOLDER}/marketplace.json": marketplace}


def write(root: Path, path: str, content: dict[str, Any]) -> Literal["written", "same", "other"]:
    """Write one of them, unless something is there.

    Returns:
        Whether it was written, was there with that content, or is another's, which stays.

    Raises:
        UsageError: its folder is a link or a file, or cannot be written.
    """
    file = root / path
    if file.parent.is_symlink() or (file.parent.exists() and not file.parent.is_dir()):
        raise UsageError(f"{FOLDER} is a link or a file", hint="make it an ordinary folder")
    try:
        if file.exists() or file.is_symlink():
            return "same" if _read(file) == content else "other"
        file.parent.mkdir(exist_ok=True)
        _put(file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    return "written"


def _put(file: Path, text: str) -> None:
    """Write it as a whole or not at all: half of it would count as somebody else's."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError:
        file.unlink(missing_ok=True)
        raise


def _read(file: Path) -> Any:
    try:
        return json.loads(read_bytes(file, _MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return None


def _kebab(text: str) -> str:
    return _NOT_KEBAB.sub("-", text.lower()).strip("-")
