"""Settings: where they come from, in which order, and where each value came from.

In rising order: defaults, the user's `agentloop.toml` (in the user's configuration folder), the repository's
`agentloop.toml` or `[tool.agentloop]` in its pyproject.toml, `AGENTLOOP_*` in the environment, flags.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, cast

import platformdirs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from agentloop.errors import ConfigError
from agentloop.job import Driver, MetricSpec, PermissionMode, SandboxKind, SkillsTo
from agentloop.recipients import Notify
from agentloop.text import amounts

_VARIABLE = re.compile(r"\$(\w+)")
_FOLDER = re.compile(r"[\w.][^\x00-\x1f\x7f\\*?\[:]*\Z")
_DESTINATION = re.compile(r"(?P<to>commit|outbox|branch(?:[: ] *(?P<branch>\S+))?)")
DEFAULT_BRANCH = "agentloop/skills"
_OURS = "AGENTLOOP_"
_MISTYPED = 0.9


def folder_inside(value: str) -> str:
    """Read a folder of the repository: `skills`, `docs/skills`, `./skills/`.

    Raises:
        ValueError: it may lie elsewhere, is the repository itself or git's, or has a character that git reads as a
            pattern.
    """
    parts = PurePosixPath(value).parts
    plain = all(_FOLDER.match(part) and part.lower() not in ("..", ".git") for part in parts)
    if not parts or not plain:
        raise ValueError(f"{value!r} is no folder inside the repository: write skills, or docs/skills")
    return "/".join(parts)


def destination(value: str) -> str:
    """Read where skills go: `commit`, `outbox`, `branch`, `branch:NAME` or `branch NAME`; a branch gets its name.

    Whether git takes the name is for git to say.

    Raises:
        ValueError: it is none of these.
    """
    match = _DESTINATION.fullmatch(value.strip())
    if not match:
        raise ValueError(f"{value!r} is no place for skills: write commit, branch, branch:NAME or outbox")
    return f"branch:{match['branch'] or DEFAULT_BRANCH}" if match["to"].startswith("branch") else match["to"]


def split_destination(value: str) -> tuple[SkillsTo, str]:
    """Where skills go, and the branch; empty when it is none.

    Args:
        value: as `destination` writes it.
    """
    to, _, branch = value.partition(":")
    return cast(SkillsTo, to), branch


_Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$")]
_Duration = Annotated[float, BeforeValidator(amounts.time_limit_s), PlainSerializer(amounts.as_duration)]
_Count = Annotated[int, BeforeValidator(amounts.whole_number)]
_TimeOrNone = Annotated[
    float | None, BeforeValidator(amounts.time_limit_or_none_s), PlainSerializer(amounts.as_duration)
]
_Cost = Annotated[float | None, BeforeValidator(amounts.cost_limit_usd), PlainSerializer(amounts.as_cost)]
_Tokens = Annotated[int | None, BeforeValidator(amounts.token_limit), PlainSerializer(amounts.as_tokens)]
_Wait = Annotated[float, BeforeValidator(amounts.longest_wait_s), PlainSerializer(amounts.as_wait)]
_Kept = Annotated[float, BeforeValidator(amounts.kept_for_s), PlainSerializer(amounts.as_kept)]
_Size = Annotated[int, BeforeValidator(amounts.size_bytes), PlainSerializer(amounts.as_size)]


def _words(value: object) -> object:
    """In the environment and in a file alike: one glob, several with commas between them, or a list."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return tuple(value) if isinstance(value, list) else value


def _one_or_several(value: object) -> object:
    """One predicate, in which a comma separates nothing, or a list of them."""
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    return tuple(value) if isinstance(value, list) else value


_Predicates = Annotated[tuple[str, ...], BeforeValidator(_one_or_several)]
_Globs = Annotated[tuple[str, ...], BeforeValidator(_words)]


class Hook(BaseModel):
    """What the pre-push hook does with a commit that is not known to pass."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    gate: Literal["warn", "block", "run"] = "warn"
    """It says so, refuses the push, or checks while git waits."""
    timeout: _Duration = 60.0
    """How long `run` may keep the connection waiting."""


class Queue(BaseModel):
    """What becomes of the sessions behind a plain `git push`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    land: Annotated[str, AfterValidator(destination)] = "outbox"
    """Where their skills go: `outbox`, `branch:NAME` or `commit`."""
    worker: bool = False
    """They are asked at once, by a process that outlives the push."""


class Settings(BaseModel):
    """What a run can be told beside its task and its predicate."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    until: _Predicates = ()
    """What must hold where no `--until` says it: a predicate, or several, all of them."""
    agent: str = ""
    """The agent's name; empty: the first known one that is installed."""
    permissions: PermissionMode | Literal[""] = ""
    """What the agent may do; empty: the narrowest mode that can edit and run the check."""
    model: str = ""
    """The model that the agent is told to use; empty: its own choice."""
    driver: Driver | Literal[""] = ""
    """How the agent is driven; empty: as its adapter says."""
    session: Literal["same", "fresh"] = "same"
    """Whether the work turns share a session, or each gets a new one."""
    max_attempts: _Count = 10
    max_time: _TimeOrNone = 4 * 3600.0
    turn_timeout: _Duration = 1800.0
    idle_timeout: _Duration = 600.0
    check_timeout: _Duration = 1800.0
    max_cost: _Cost = 50.0
    """US dollars, where the agent names them or they can be estimated."""
    max_tokens: _Tokens = 100_000_000
    """What went in and what came out, together; what was read from a cache counts."""
    wait: _Wait = 6 * 3600.0
    """How long a usage limit is waited for; 0: not at all, which is the default where the variable CI is set."""
    stuck_after: _Count = 3
    """Attempts that repeat what was there before, until another approach is asked for."""
    worktree: bool = False
    """The run works in a worktree of its own, and its work comes back as a branch."""
    attempts_in_parallel: Annotated[int, Field(ge=1, le=16)] = 1
    """How many sessions try side by side, each in a worktree of its own; the first honest pass wins."""
    distill: Literal["auto", "always", "never"] = "auto"
    distill_in: Literal["same", "fork"] = "same"
    """Where the skill is asked for: in the session itself, or in a fork of it."""
    skills_to: Annotated[str, AfterValidator(destination)] = "commit"
    """Where a skill goes: `commit`, `branch:NAME` or `outbox`."""
    review: bool = False
    """A person is shown the draft and asked before it goes anywhere."""
    link: bool = True
    guard: Literal["enforce", "warn", "off"] = "enforce"
    """What happens with a pass that is not honest: it is refused, told of, or not looked at."""
    protect: _Globs = ()
    """Further files that the agent must leave as they are."""
    may_edit: _Globs = ()
    """Protected files that the task is about."""
    confirm: Annotated[int, Field(ge=1, le=100)] = 1
    """How often the accepting check has to pass in a row."""
    sandbox: SandboxKind | Literal[""] = ""
    """What keeps checks from writing anywhere but to the tree; empty: Landlock, where the kernel has it."""
    sandbox_writable: _Globs = ()
    """Further files and folders that may be written to within it, `~` and `$VARIABLE` as in a shell."""
    skills_dir: Annotated[str, AfterValidator(folder_inside)] = "skills"
    judge_model: str = ""
    """The model that `judge` asks, as litellm names it."""
    checks: dict[_Name, str] = {}
    """Predicates by name."""
    metrics: dict[_Name, MetricSpec] = {}
    hook: Hook = Hook()
    queue: Queue = Queue()
    notify: Notify = Notify()
    """Who is told when a run ends or waits."""
    keep_runs: _Kept = 90 * 86400.0
    """How long the record of a run is kept; `forever`: no record is pruned unasked."""
    max_runs_size: _Size = 5 * 1024**3
    """How much the records of a repository may take, in bytes."""


USERS_ALONE = ("notify", "keep_runs", "max_runs_size", "queue.worker")
"""What a repository's own files cannot say: they may be somebody else's, and these run, send or remove something."""


_TABLES: Mapping[str, type[BaseModel]] = {"hook": Hook, "queue": Queue, "notify": Notify}
"""Tables whose keys can be said in the environment, too."""


@dataclass(frozen=True, slots=True)
class Config:
    """The settings in force, and the origin of each by name."""

    settings: Settings
    origin: Mapping[str, str]
    notes: tuple[str, ...] = ()
    """What was said and is not used, a line each."""


def expanded(path: str, environment: Mapping[str, str]) -> Path | None:
    """A path with `~` and `$VARIABLE` in it; None when such a variable is not set."""
    if not all(environment.get(name) for name in _VARIABLE.findall(path)):
        return None
    return Path(_VARIABLE.sub(lambda match: environment[match[1]], path)).expanduser()


def state_folder() -> Path:
    """Where journals and logs live: `$XDG_STATE_HOME/agentloop`, `~/.local/state/agentloop` by default."""
    return platformdirs.user_state_path("agentloop", appauthor=False)


def user_folder() -> Path:
    """Where the user's own settings and adapters live: `$XDG_CONFIG_HOME/agentloop`."""
    return platformdirs.user_config_path("agentloop", appauthor=False)


def in_ci(environment: Mapping[str, str] = os.environ) -> bool:
    """Machines run it, and nobody sits before it: the variable `CI` is set."""
    return environment.get("CI", "").lower() not in ("", "0", "false")


def load(root: Path | None, flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Config:
    """Gather the settings for a repository.

    Args:
        root: the repository's root; None outside of one.
        flags: what the command line said; None values were not given.
        environment: where `AGENTLOOP_MAX_ATTEMPTS` and the like are looked up.

    Raises:
        ConfigError: a file cannot be read, a key is unknown, or a value is of the wrong kind; names file and key.
    """
    values: dict[str, Any] = {}
    origin = dict.fromkeys(Settings.model_fields, "default")
    notes: list[str] = []
    for source, layer in _layers(root, flags, environment):
        if root and Path(source) in _files_of(root):
            notes += [f"{source}: {key} is not used: only your own settings can say it" for key in _drop(layer)]
        _check(source, layer)
        for key, value in layer.items():
            values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
        origin.update(dict.fromkeys(layer, source))
    notes += _mistyped(environment)
    return Config(Settings.model_validate(values), origin, tuple(notes))


def _files_of(root: Path) -> list[Path]:
    """The repository's own settings; the user's are none, even where they are kept in a repository."""
    return [path for path in (root / "pyproject.toml", root / "agentloop.toml") if path.parent != user_folder()]


def _drop(layer: dict[str, Any]) -> list[str]:
    """Take out what is the user's alone; returns the keys that were there."""
    found = []
    for name in USERS_ALONE:
        table, _dot, key = name.rpartition(".")
        place = layer.get(table, {}) if table else layer
        if isinstance(place, dict) and key in place:
            del place[key]
            found.append(name)
    return found


def _mistyped(environment: Mapping[str, str]) -> Iterator[str]:
    """What sets nothing and nearly sets something: a limit that somebody believes in. We and others have more names."""
    known = [f"{_OURS}{key.upper()}" for key in Settings.model_fields]
    for name in sorted(environment):
        near = difflib.get_close_matches(name, known, n=1, cutoff=_MISTYPED)
        if name.startswith(_OURS) and name not in known and near:
            yield f"{name} sets nothing: did you mean {near[0]}?"


def _layers(
    root: Path | None, flags: Mapping[str, Any], environment: Mapping[str, str]
) -> list[tuple[str, dict[str, Any]]]:
    layers = [_of_ci(environment), _file(user_folder() / "agentloop.toml")]
    if root:
        layers += [_file(root / "pyproject.toml", "tool", "agentloop"), _file(root / "agentloop.toml")]
    for key in Settings.model_fields:
        name = f"{_OURS}{key.upper()}"
        if environment.get(name):
            layers.append((name, {key: environment[name]}))
    for table, model in _TABLES.items():
        for key in model.model_fields:
            name = f"{_OURS}{table}_{key}".upper()
            if environment.get(name):
                layers.append((name, {table: {key: environment[name]}}))
    layers.append(("command line", {key: value for key, value in flags.items() if value is not None}))
    return layers


def _of_ci(environment: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Where machines run it, nobody pays for a machine that waits."""
    return "CI in the environment", {"wait": "never"} if in_ci(environment) else {}


def _file(path: Path, *table: str) -> tuple[str, dict[str, Any]]:
    try:
        content: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return str(path), {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    for key in table:
        content = content.get(key, {})
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: {key} is not a table", hint="write it as a table: [tool.agentloop]")
    return str(path), {key.replace("-", "_"): value for key, value in content.items()}


def _check(source: str, layer: Mapping[str, Any]) -> None:
    try:
        Settings.model_validate(layer)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        near = difflib.get_close_matches(key, Settings.model_fields, n=1)
        if problem["type"] == "extra_forbidden":
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(Settings.model_fields)}"
            raise ConfigError(f"{source}: unknown key {key!r}", hint=hint) from error
        raise ConfigError(f"{source}: {key}: {problem['msg'].removeprefix('Value error, ')}") from error
