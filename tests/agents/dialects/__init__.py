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


Reply = Say | Run | Fail


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call in a dialect's own terms."""

    name: str
    arguments: Mapping[str, Any]


class Dialect(Protocol):
    """One protocol."""

    def tools(self, body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
        """The names and argument schemas of the tools that a request offers."""

    def texts(self, body: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The conversation as (role, text)."""

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


def dump(content: Any) -> str:
    """Compact JSON."""
    return json.dumps(content, separators=(",", ":"))
