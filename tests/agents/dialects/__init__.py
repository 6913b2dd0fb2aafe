"""The protocols that a scripted model speaks: how each offers tools, carries texts, and wants its answers."""

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


Reply = Say | Run | Call | Fail | Cut | Hang


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


def shell_call(tools: list[tuple[str, Mapping[str, Any]]], command: str) -> Call:
    """The call by which one of the offered tools runs a command.

    Raises:
        LookupError: none of them is a shell.
    """
    for wanted in ("bash", "shell", "exec", "command", "terminal"):
        for name, schema in tools:
            if wanted in name.lower():
                return Call(name, _arguments(schema, command))
    raise LookupError(f"no shell among the tools {[name for name, _schema in tools]}")


def _arguments(schema: Mapping[str, Any], command: str) -> dict[str, Any]:
    properties = schema.get("properties", {})
    key = next((key for key in ("command", "cmd", "script") if key in properties), "command")
    as_list = properties.get(key, {}).get("type") == "array"
    arguments: dict[str, Any] = {key: ["bash", "-lc", command] if as_list else command}
    if "description" in schema.get("required", ()):
        arguments["description"] = "scripted"
    return arguments


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
