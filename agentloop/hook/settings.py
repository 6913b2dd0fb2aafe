"""The settings that the hook needs, read from where `agentloop.config` reads them and in the same order.

That module takes longer to import than the whole hook may take; a test holds the two against each other.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from agentloop.hook.decision import GATES, Gate
from agentloop.text import amounts
from agentloop.text.quoting import one_line

DEFAULT_TIMEOUT_S = 60.0
_MAX_CHARS = 200


@dataclass(frozen=True, slots=True)
class HookSettings:
    """What decides about a push."""

    until: tuple[str, ...] = ()
    """What has to hold, all of it; empty: the project says nothing."""
    checks: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    """Their names."""
    gate: Gate = "warn"
    timeout_s: float = DEFAULT_TIMEOUT_S
    """The longest that `gate = run` keeps the connection waiting."""
    skills_dir: str = "skills"
    worker: bool = False
    """A job that was queued is done at once, by a process of its own."""
    problems: tuple[str, ...] = ()
    """What cannot be read, a line each; it is then as by default."""


def load(root: Path, environment: Mapping[str, str]) -> HookSettings:
    """Read them; whatever is wrong with a file is a line, and the file is passed over.

    Args:
        root: the top of the working tree.
        environment: of the hook.
    """
    problems: list[str] = []
    found: dict[str, Any] = {}
    for layer in _layers(root, environment, problems):
        for key, value in layer.items():
            found[key] = {**found.get(key, {}), **value} if isinstance(value, dict) else value
    hook, queue = _table(found, "hook"), _table(found, "queue")
    gate = hook.get("gate", "warn")
    if gate not in GATES:
        problems.append(f"hook.gate: {one_line(str(gate), _MAX_CHARS)} is none of {', '.join(GATES)}")
        gate = "warn"
    return HookSettings(
        until=_until(found),
        checks={name: check for name, check in _table(found, "checks").items() if isinstance(check, str)},
        metrics=tuple(_table(found, "metrics")),
        gate=cast(Gate, gate),
        timeout_s=_timeout_s(hook.get("timeout", DEFAULT_TIMEOUT_S), problems),
        skills_dir=str(found.get("skills_dir", "skills")),
        worker=str(queue.get("worker", "")).lower() in ("true", "1", "yes", "on"),
        problems=tuple(problems),
    )


def user_file(environment: Mapping[str, str]) -> Path:
    """The user's own settings."""
    told = environment.get("XDG_CONFIG_HOME", "")
    return Path(told if told.strip() else "~/.config").expanduser() / "agentloop" / "agentloop.toml"


def _layers(root: Path, environment: Mapping[str, str], problems: list[str]) -> Iterator[dict[str, Any]]:
    users = user_file(environment)
    yield _file(users, problems)
    for path, tables in ((root / "pyproject.toml", ("tool", "agentloop")), (root / "agentloop.toml", ())):
        layer = _file(path, problems, *tables)
        if path.parent != users.parent and isinstance(layer.get("queue"), dict):
            layer["queue"].pop("worker", None)  # the user's alone
        yield layer
    for key in ("until", "skills_dir"):
        yield from ({key: value} for value in [environment.get(f"AGENTLOOP_{key.upper()}")] if value)
    for table, key in (("hook", "gate"), ("hook", "timeout"), ("queue", "worker")):
        value = environment.get(f"AGENTLOOP_{table.upper()}_{key.upper()}")
        yield from [{table: {key: value}}] if value else []


def _file(path: Path, problems: list[str], *tables: str) -> dict[str, Any]:
    try:
        content: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path.name} cannot be read: {one_line(str(error), _MAX_CHARS)}")
        return {}
    for name in tables:
        content = _table(content, name)
    return {key.replace("-", "_"): value for key, value in content.items()}


def _table(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = content.get(name, {})
    return table if isinstance(table, dict) else {}


def _until(found: Mapping[str, Any]) -> tuple[str, ...]:
    """What is configured, or the only one of the checks."""
    until, checks = found.get("until"), _table(found, "checks")
    if isinstance(until, list):
        return tuple(map(str, until))
    if isinstance(until, str) and until.strip():
        return (until,)
    return tuple(checks) if len(checks) == 1 else ()


def _timeout_s(value: object, problems: list[str]) -> float:
    try:
        return amounts.time_limit_s(value)
    except ValueError as error:
        problems.append(f"hook.timeout: {one_line(str(error), _MAX_CHARS)}")
        return DEFAULT_TIMEOUT_S
