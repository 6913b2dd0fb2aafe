"""What a push is held against: the settings, and the predicate as receipts have it.

What reads settings and predicates takes longer to load than the hook may take. So what came of it is kept, for as long
as the files and the variables are what they were. What is wrong in them fails no push: it is told.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from agentloop import __version__
from agentloop.errors import AgentloopError
from agentloop.text.quoting import one_line

Gate = Literal["warn", "block", "run"]
_FOLDER = "hook-rules"
_MAX_CHARS = 300


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides about a push."""

    predicate: str = ""
    """What has to hold, as receipts have it; empty: the project says nothing."""
    gate: Gate = "warn"
    timeout_s: float = 60.0
    """The longest that `gate = run` keeps the connection waiting."""
    skills_dir: str = "skills"
    distills: bool = False
    """Sessions may be asked for skills."""
    worker: bool = False
    """A job that was queued is done at once, by a process of its own."""
    problems: tuple[str, ...] = ()
    """What cannot be read, a line each; it is then as by default."""


def rules(root: Path, environment: Mapping[str, str], folder: Path) -> Rules:
    """What a push is held against.

    Args:
        root: the top of the working tree.
        environment: of the hook.
        folder: the state folder of the repository.
    """
    file = folder / _FOLDER / f"{sha256(os.fsencode(root)).hexdigest()[:10]}.json"
    key = _key(root, environment)
    kept = _kept(file, key)
    if kept is None:
        kept = _read(root, environment)
        with suppress(OSError):  # it is read again the next time
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = file.with_name(f".{file.name}.{os.getpid()}")
            unfinished.write_text(json.dumps({"key": key, "rules": asdict(kept)}), encoding="utf-8")
            unfinished.replace(file)
    return kept


def _key(root: Path, environment: Mapping[str, str]) -> list[Any]:
    """The same as long as nothing has changed that counts."""
    told = environment.get("XDG_CONFIG_HOME", "")
    users = Path(told if told.strip() else "~/.config").expanduser() / "agentloop" / "agentloop.toml"
    files = (users, root / "pyproject.toml", root / "agentloop.toml")
    variables = sorted([name, value] for name, value in environment.items() if name.startswith("AGENTLOOP_"))
    return [__version__, [_looks_like(file) for file in files], variables]


def _looks_like(file: Path) -> list[Any]:
    try:
        status = file.stat()
    except OSError:
        return [str(file)]
    return [str(file), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _kept(file: Path, key: list[Any]) -> Rules | None:
    try:
        content: Any = json.loads(file.read_bytes())
        if content["key"] != key:
            return None
        return Rules(**{**content["rules"], "problems": tuple(content["rules"]["problems"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _read(root: Path, environment: Mapping[str, str]) -> Rules:
    from agentloop import config
    from agentloop.predicate.language import grammar, wording

    try:
        told = config.load(root, {}, environment).settings
    except AgentloopError as error:
        return Rules(problems=(one_line(error.explained, _MAX_CHARS),))
    found = Rules(
        gate=told.hook.gate, timeout_s=told.hook.timeout, skills_dir=told.skills_dir, worker=told.queue.worker
    )
    until = told.until or (tuple(told.checks) if len(told.checks) == 1 else ())
    if not until:
        return found
    try:
        node = grammar.parse_all(until, grammar.Names(told.checks, told.metrics))
    except AgentloopError as error:
        return replace(found, problems=(one_line(error.explained, _MAX_CHARS),))
    return replace(found, predicate=wording.render(node), distills=told.distill != "never")
