"""The updates of an ACP turn: tool calls that come in pieces, put together for the reader of streams."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from agentloop.agents.spec import Acp
from agentloop.agents.stream import StreamReader
from agentloop.agents.stream_spec import Expressions, Stream

_PROTOCOL = Expressions(
    session="sessionId",
    text="sessionUpdate=='agent_message_chunk' && content.text",
    tools="sessionUpdate=='tool_call' && [{name: name || kind, detail: rawInput.command || title, "
    "call: toolCallId, command: rawInput.command}]",
    results="sessionUpdate=='tool_call_update' && [{call: toolCallId, failed: status=='failed', "
    "output: content[].content || rawOutput}]",
    denied="denied",
    model="models.currentModelId || configOptions[?category=='model'].currentValue | [0]",
    input_tokens="usage && sum([usage.inputTokens, usage.cachedReadTokens || `0`, usage.cachedWriteTokens || `0`])",
    output_tokens="usage.outputTokens",
    session_cost_usd="sessionUpdate=='usage_update' && cost.currency=='USD' && cost.amount",
)
_MAX_CALLS = 1000
_MAX_KEPT_CHARS = 4000
_KEPT = ("name", "kind", "title", "status", "locations", "content", "rawInput", "rawOutput")
_ENDED = ("completed", "failed")


def stream_of(acp: Acp) -> Stream:
    """Where things stand in the messages of an agent: as the protocol has it, but for what its adapter says."""
    paths = _PROTOCOL.model_copy(update=acp.paths.model_dump(exclude_defaults=True))
    return Stream(format="jsonl", usage=acp.usage, text="joined", paths=paths)


class Updates:
    """Takes the updates of one turn.

    A call is begun, changed and ended by messages that each say a part of it, in some agents by the request for a
    permission alone. The reader is told of each call twice at most: when it is known what it does, and when it ended.

    Args:
        reader: gets whole updates.
    """

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader
        self._open: dict[str, dict[str, Any]] = {}
        self._told: dict[str, bool] = {}
        """By call: whether it has ended."""
        self._message: object = None

    def take(self, update: Mapping[str, Any]) -> None:
        """Take an update as the protocol has it."""
        kind = update.get("sessionUpdate")
        if kind == "agent_message_chunk":
            self._begin_message(update.get("messageId"))
        if kind not in ("tool_call", "tool_call_update"):
            self._reader.take(dict(update))
            return
        name = _name(update)
        if self._told.get(name):
            return
        call = self._merge(name, update)
        ended = call.get("status") in _ENDED
        # What a call is begun with may be a part of it still.
        is_whole = kind == "tool_call_update" or call.get("status") == "in_progress"
        if ended or (is_whole and call.get("rawInput")):
            self._tell(name, call)
        if ended:
            self._reader.take({**call, "sessionUpdate": "tool_call_update"})
            self._open.pop(name, None)
            self._told[name] = True

    def ask(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """Take a call that the agent wants a permission for; returns all that is known of it."""
        name = _name(call)
        merged = self._merge(name, call)
        if call.get("kind") or merged.get("rawInput"):
            self._tell(name, merged)
        return merged

    def close(self) -> None:
        """Tell of the calls that were begun and never came to more."""
        for name, call in self._open.items():
            self._tell(name, call)

    def _begin_message(self, message: object) -> None:
        """Pieces of one message name it; an agent that names none says one message between two tool calls."""
        if message and message != self._message:
            self._message = message
            self._reader.end_text()

    def _merge(self, name: str, update: Mapping[str, Any]) -> dict[str, Any]:
        said = {key: update[key] for key in _KEPT if update.get(key) not in (None, {}, [], "")}
        given = said.get("rawInput")
        if isinstance(given, dict):
            said["rawInput"] = {key: _as_line(value) for key, value in given.items()}
        call = {**self._open.get(name, {}), **said, "toolCallId": name}
        if name not in self._open and len(self._open) >= _MAX_CALLS:
            self._open.pop(next(iter(self._open)))
        self._open[name] = {key: value for key, value in call.items() if _is_short(value)}
        return call

    def _tell(self, name: str, call: Mapping[str, Any]) -> None:
        if name in self._told:
            return
        if len(self._told) >= _MAX_CALLS:
            self._told.pop(next(iter(self._told)))
        self._told[name] = False
        self._reader.take({**call, "sessionUpdate": "tool_call"})


def _name(call: Mapping[str, Any]) -> str:
    return str(call.get("toolCallId"))[:_MAX_KEPT_CHARS]


def _as_line(value: Any) -> Any:
    """A command that is given as a list of words, as it would be typed."""
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return shlex.join(value)
    return value


def _is_short(value: Any) -> bool:
    return len(json.dumps(value)) <= _MAX_KEPT_CHARS
