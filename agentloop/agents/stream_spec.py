"""What an agent prints, keeps and fails with, as data: the parts of an adapter that say where things stand."""

import re
from typing import Annotated, Literal

from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from agentloop.agents.expressions import compiled
from agentloop.events import ErrorClass


class Part(BaseModel):
    """A table of an adapter: nothing in it that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _jmespath(value: str) -> str:
    if value:
        try:
            compiled(value)
        except JMESPathError as error:
            raise ValueError(f"no valid JMESPath: {error}") from error
    return value


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"no valid regular expression: {error}") from error
    return value


Expression = Annotated[str, AfterValidator(_jmespath)]
Pattern = Annotated[str, AfterValidator(_regex)]


class Expressions(Part):
    """JMESPath expressions, tried on each JSON line; null and false mean that the line does not say it.

    `from_json(text)` is a function beside those of JMESPath: what a text says that is JSON itself.
    """

    session: Expression = ""
    text: Expression = ""
    """The agent's words; see `Stream.text` for which of them stand."""
    tools: Expression = ""
    """A list of `{name, detail, call, command}`, one for each tool call that the line reports: `call` is the agent's
    own id of it, `command` the whole command line of a tool that runs one."""
    results: Expression = ""
    """A list of `{call, failed, output}`, one for each tool call whose end the line reports."""
    skills: Expression = ""
    """A list of the names of skills that the line says were loaded; reading a SKILL.md with a tool counts anyhow."""
    denied: Expression = ""
    """A list of the names of tools that the agent was not allowed to use, or of the ids of their calls."""
    model: Expression = ""
    input_tokens: Expression = ""
    output_tokens: Expression = ""
    cached_tokens: Expression = ""
    """Of `input_tokens`, what was read from a cache."""
    cost_usd: Expression = ""
    """US dollars of this turn."""
    session_cost_usd: Expression = ""
    """US dollars of the whole session so far; used when `cost_usd` says nothing."""
    finished: Expression = ""
    """True on the line that ends a turn; a turn without it has failed."""
    error: Expression = ""
    """The text of an error that ended the turn; a later line that says `finished` takes it back."""
    status: Expression = ""
    """The HTTP status or the code of that error."""
    reset: Expression = ""
    """When a usage limit ends, in any form that `resets.reset_at` reads."""
    waiting: Expression = ""
    """The text of a retry or a wait."""


class Patterns(Part):
    """Regular expressions, tried on each line of text; the first group counts, without groups the whole match."""

    session: Pattern = ""
    input_tokens: Pattern = ""
    """A number, perhaps with a thousands separator or a `k` or `M` behind it."""
    output_tokens: Pattern = ""
    cached_tokens: Pattern = ""
    cost_usd: Pattern = ""
    session_cost_usd: Pattern = ""
    finished: Pattern = ""
    error: Pattern = ""
    status: Pattern = ""
    waiting: Pattern = ""


class Stream(Part):
    """What the agent prints."""

    format: Literal["jsonl", "json", "text"] = "text"
    """A JSON document on each line, one document in all, or words."""
    usage: Literal["turn", "session", "step"] = "turn"
    """Whether a number is the turn's, the whole session's so far, or that of a step of the turn, to be added up."""
    text: Literal["last", "joined"] = "last"
    """Whether the last `text` of a turn stands, or the pieces since its last tool call make it up together."""
    paths: Expressions = Expressions()
    patterns: Patterns = Patterns()


class ErrorPattern(Part):
    """A kind of failure, and how it is known: by its status, or by its text."""

    kind: ErrorClass
    status: tuple[int | str, ...] = ()
    """What `stream.paths.status` may have found."""
    pattern: Pattern = ""
    """What stands in the error's text; capitals do not matter."""
    reset: Pattern = ""
    """Finds in that text when a usage limit ends; the first group, or all of it, as `resets.reset_at` reads it."""

    @model_validator(mode="after")
    def _says_how(self) -> "ErrorPattern":
        if not (self.status or self.pattern):
            raise ValueError("a pattern or a status is wanted")
        return self

    def fits(self, text: str, status: str) -> bool:
        """The failure is of this kind."""
        if status and status in {str(known) for known in self.status}:
            return True
        return bool(self.pattern and re.search(self.pattern, text, re.IGNORECASE))
