"""The adapter: what has to be known of an agent, as data."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, field_validator

from agentloop.config import folder_inside
from agentloop.errors import AdapterError
from agentloop.events import ErrorClass

_VARIABLE = re.compile(r"\$(\w+)")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Expressions(_Part):
    """JMESPath expressions, tried on each JSON line; null and false mean that the line does not say it."""

    session: str = ""
    text: str = ""
    """The agent's words; the last one stands."""
    tools: str = ""
    """A list of `{name, detail, call, command}`, one for each tool call that the line reports: `call` is the agent's
    own id of it, `command` the whole command line of a tool that runs one."""
    results: str = ""
    """A list of `{call, failed, output}`, one for each tool call whose end the line reports."""
    skills: str = ""
    """A list of the names of skills that the line says were loaded; reading a SKILL.md with a tool counts anyhow."""
    model: str = ""
    input_tokens: str = ""
    output_tokens: str = ""
    cost_usd: str = ""
    """US dollars of this turn."""
    session_cost_usd: str = ""
    """US dollars of the whole session so far; used when `cost_usd` says nothing."""
    finished: str = ""
    """True on the line that ends a turn; a turn without it has failed."""
    error: str = ""
    """The text of an error that ended the turn."""
    waiting: str = ""
    """The text of a retry or a wait."""

    @field_validator("*")
    @classmethod
    def _compiles(cls, value: str) -> str:
        if value:
            try:
                jmespath.compile(value)
            except JMESPathError as error:
                raise ValueError(f"no valid JMESPath: {error}") from error
        return value


class Stream(_Part):
    """What the agent prints."""

    format: Literal["jsonl", "text"] = "text"
    usage: Literal["turn", "session"] = "turn"
    """Whether tokens are counted for the turn or for the whole session."""
    paths: Expressions = Expressions()
    session_pattern: str = ""
    """A regular expression that finds the session in text; its first group, or all of it."""


class Store(_Part):
    """Where an agent keeps its sessions, one JSONL file each."""

    root: str
    """A folder, `~` for the user's home."""
    root_variable: str = ""
    """The environment variable that names another root."""
    files: str
    """A glob below the root."""
    cwd: str
    """A JMESPath expression for the folder that the session works in."""
    paths: Expressions = Expressions()
    """As in `stream.paths`; `session`, `tools` and `skills` are of use."""


class DefaultFlags(_Part):
    """Flags that an agent gets unless the user's own command line says something of the kind."""

    words: tuple[str, ...]
    unless: tuple[str, ...] = ()
    """Names of flags, and keys of `KEY=VALUE` values, that take the place of these."""


class Flags(_Part):
    """The agent's command line, as far as a user's own has to be understood."""

    defaults: tuple[DefaultFlags, ...] = ()
    dropped: tuple[str, ...] = ()
    """Words that agentloop says itself."""
    refused: tuple[str, ...] = ()
    """Words that only agentloop can say."""
    valued: tuple[str, ...] = ()
    """Flags whose next word is their value. With these or `variadic` given, a word of another kind is an error."""
    variadic: tuple[str, ...] = ()
    """Flags whose next words are their values, up to the next flag."""

    @property
    def are_known(self) -> bool:
        """A flag's value can be told from other words."""
        return bool(self.valued or self.variadic)

    def takes_value(self, name: str) -> bool:
        """The word after that flag is its value."""
        return name in self.valued or name in self.variadic


class ErrorPattern(_Part):
    """A text by which a kind of failure is known."""

    kind: ErrorClass
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"no valid regular expression: {error}") from error
        return value


class Adapter(_Part):
    """An agent.

    In `start`, `resume` and `fork`, `{program}` is the program, `{session}` the session's id, `{prompt}` the prompt,
    `{prompt_file}` a file with it (with neither, it goes to stdin), `{python}` our own interpreter; a lone `{extra}`
    is where the default flags and the user's go.
    """

    name: str
    title: str = ""
    programs: tuple[str, ...] = ()
    """The program's names; the first is the one that is run."""
    install: str = ""
    start: tuple[str, ...]
    resume: tuple[str, ...] = ()
    fork: tuple[str, ...] = ()
    """Like `resume`, in a new session that begins as a copy of `{session}`."""
    version: tuple[str, ...] = ()
    """The command that prints the program's version."""
    session: Literal["chosen", "reported", "none"] = "none"
    """Whether we choose the session's id (a UUID), the agent reports it, or there is none to name."""
    environment: dict[str, str] = {}
    flags: Flags = Flags()
    stream: Stream = Stream()
    store: Store | None = None
    errors: tuple[ErrorPattern, ...] = ()
    skills: tuple[Annotated[str, AfterValidator(folder_inside)], ...] = ()
    """The folders of a project that the agent reads skills from."""
    user_skills: tuple[str, ...] = ()
    """The folders of a user that it reads skills from, the first of which is used whose `$VARIABLE` is set."""

    @property
    def called(self) -> str:
        """What people call it."""
        return self.title or self.name

    def user_folder(self, environment: Mapping[str, str]) -> Path | None:
        """Where it reads the skills of its user; None when that is not known."""
        for folder in self.user_skills:
            if all(environment.get(name) for name in _VARIABLE.findall(folder)):
                return Path(_VARIABLE.sub(lambda match: environment[match[1]], folder)).expanduser()
        return None

    @cached_property
    def resumable(self) -> bool:
        """There is a way to return to a session."""
        return bool(self.resume)

    @cached_property
    def names_session(self) -> bool:
        """Whoever returns to a session has to name it."""
        return any("{session}" in word for word in self.resume)

    @cached_property
    def reports_cost(self) -> bool:
        """The agent says what a turn cost."""
        return bool(self.stream.paths.cost_usd or self.stream.paths.session_cost_usd)

    def classify(self, text: str) -> ErrorClass | None:
        """The kind of failure that a text tells of."""
        for known in self.errors:
            if re.search(known.pattern, text, re.IGNORECASE):
                return known.kind
        return None


def read(path: Path) -> Adapter:
    """Read an adapter.

    Raises:
        AdapterError: the file cannot be read, or a key or a value in it is wrong; names both.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AdapterError(f"{path} cannot be read: {error}") from error
    try:
        return Adapter.model_validate(content)
    except ValidationError as error:
        problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        raise _explained(path, problems[0]) from error


def _explained(path: Path, problem: Any) -> AdapterError:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        return AdapterError(f"{path}: {key}: {problem['msg']}")
    parts: dict[tuple[str, ...], type[BaseModel]] = {
        ("stream",): Stream,
        ("stream", "paths"): Expressions,
        ("store",): Store,
        ("store", "paths"): Expressions,
        ("errors",): ErrorPattern,
        ("flags",): Flags,
        ("flags", "defaults"): DefaultFlags,
    }
    model = parts.get(tuple(part for part in problem["loc"][:-1] if isinstance(part, str)), Adapter)
    near = difflib.get_close_matches(str(problem["loc"][-1]), model.model_fields, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(model.model_fields)}"
    return AdapterError(f"{path}: unknown key {key!r}", hint=hint)
