"""The protocols that a scripted model speaks: how each offers tools, carries texts, and wants its answers."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

USAGE_IN, USAGE_OUT = 100, 7


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with words, which ends the turn."""

    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """Call the shell tool that the request offers."""

    command: str
    text: str = ""
    """What is said beside it, in Chat Completions alone."""


@dataclass(frozen=True, slots=True)
class Write:
    """Write a file: by the shell, or where there is none, in the words of an agent that finds files in them."""

    path: str
    text: str

    @property
    def command(self) -> str:
        """How the shell does it; encoded, as not every shell tool takes a backtick."""
        encoded = base64.b64encode(self.text.encode()).decode()
        return f"mkdir -p ./{self.path.rpartition('/')[0]} && echo {encoded} | base64 -d > {self.path}"


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer with an HTTP error."""

    status: int
    message: str = "scripted failure"
    retry_after_s: int | None = None
    """When to come again; said in a header, and in the body as the provider says it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Begin to answer with words, and close the connection in the middle."""

    text: str = "These words are"


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the request and never answer."""


@dataclass(frozen=True, slots=True)
class Call:
    """Call a tool of that name, whatever the request offers."""

    name: str
    arguments: Mapping[str, Any]
    text: str = ""
    """As in `Run`."""


Reply = Say | Run | Write | Call | Fail | Cut | Hang


class Dialect(Protocol):
    """One protocol."""

    def tools(self, body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
        """The names and argument schemas of the tools that a request offers."""

    def texts(self, body: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The conversation as (role, text)."""

    def schema(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The JSON schema that the answer has to follow; empty for words."""

    def answer(self, model: str, reply: Say | Call) -> Mapping[str, Any]:
        """A whole answer, for a request that does not stream."""

    def stream(self, model: str, reply: Say | Call) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
        """The events of a streamed answer: (event name or nothing, data)."""

    def failure(self, fail: Fail) -> Mapping[str, Any]:
        """The body of an error."""


def shell_call(tools: list[tuple[str, Mapping[str, Any]]], command: str, text: str = "") -> Call:
    """The call by which one of the offered tools runs a command.

    Raises:
        LookupError: none of them is a shell.
    """
    for wanted in ("bash", "shell", "exec", "command", "terminal"):
        for name, schema in tools:
            if wanted in name.lower():
                return Call(name, _arguments(schema, command), text)
    raise LookupError(f"no shell among the tools {[name for name, _schema in tools]}")


def _arguments(schema: Mapping[str, Any], command: str) -> dict[str, Any]:
    properties = schema.get("properties", {})
    key = next((key for key in ("command", "cmd", "script", "commands") if key in properties), "command")
    as_list = properties.get(key, {}).get("type") == "array"
    words = [command] if key == "commands" else ["bash", "-lc", command]
    others = {name: example(properties[name]) for name in schema.get("required", ()) if name in properties}
    return {**others, key: words if as_list else command}


def example(schema: Mapping[str, Any]) -> Any:
    """The smallest content that follows a JSON schema, as far as agents' side requests have any."""
    if "enum" in schema:
        return schema["enum"][0]
    match str(schema.get("type", "")).lower():
        case "object":
            properties = schema.get("properties", {})
            return {name: example(properties[name]) for name in schema.get("required", properties)}
        case "array":
            return []
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", 1)
    return "scripted"


def openai_error(fail: Fail) -> Mapping[str, Any]:
    """An error as both protocols of OpenAI say it; when to come again stands in its words."""
    if fail.retry_after_s is None:
        return {"error": {"message": fail.message, "type": "scripted", "code": str(fail.status)}}
    words = f"{fail.message}: Rate limit reached. Please try again in {fail.retry_after_s}s."
    return {"error": {"message": words, "type": "requests", "code": "rate_limit_exceeded"}}


def dump(content: Any) -> str:
    """Compact JSON."""
    return json.dumps(content, separators=(",", ":"))
