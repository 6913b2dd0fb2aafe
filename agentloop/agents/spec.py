"""The adapter: what has to be known of an agent, as data."""

import difflib
import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from agentloop.errors import AdapterError
from agentloop.events import ErrorClass


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Expressions(_Part):
    """JMESPath expressions, tried on each JSON line; null and false mean that the line does not say it."""

    session: str = ""
    text: str = ""
    """The agent's words; the last one stands."""
    tools: str = ""
    """A list of `{name, detail}`, one for each tool call that the line reports."""
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

    In `start` and `resume`, `{program}` is the program, `{session}` the session's id, `{prompt}` the prompt,
    `{prompt_file}` a file with it, `{python}` our own interpreter; a lone `{extra}` is where the user's flags go.
    """

    name: str
    title: str = ""
    programs: tuple[str, ...] = ()
    """The program's names; the first is the one that is run."""
    install: str = ""
    start: tuple[str, ...]
    resume: tuple[str, ...] = ()
    prompt: Literal["stdin", "argv", "file"] = "stdin"
    session: Literal["chosen", "reported", "none"] = "none"
    """Whether we choose the session's id (a UUID), the agent reports it, or there is none to name."""
    environment: dict[str, str] = {}
    dropped: tuple[str, ...] = ()
    """Words of a user's command line that we say ourselves."""
    refused: tuple[str, ...] = ()
    """Flags of a user's command line that only agentloop can set."""
    stream: Stream = Stream()
    errors: tuple[ErrorPattern, ...] = ()
    skills: tuple[str, ...] = ()
    """The folders of a project that the agent reads skills from."""

    @cached_property
    def resumable(self) -> bool:
        """There is a way to return to a session."""
        return bool(self.resume)

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
    parts: dict[str, type[BaseModel]] = {"stream": Stream, "errors": ErrorPattern}
    model = parts.get(str(problem["loc"][0]), Adapter)
    if problem["loc"][:2] == ("stream", "paths"):
        model = Expressions
    near = difflib.get_close_matches(str(problem["loc"][-1]), model.model_fields, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(model.model_fields)}"
    return AdapterError(f"{path}: unknown key {key!r}", hint=hint)
