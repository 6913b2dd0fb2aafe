"""Anthropic Messages."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from . import USAGE_IN, USAGE_OUT, Call, Fail, Say, dump

_USAGE = {"input_tokens": USAGE_IN, "output_tokens": USAGE_OUT}
_ERRORS = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


def tools(body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """See `Dialect`."""
    return [(tool["name"], tool.get("input_schema", {})) for tool in body.get("tools", [])]


def texts(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """See `Dialect`."""
    found = []
    for message in body.get("messages", []):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        found += [(message["role"], _text(block)) for block in blocks]
    return found


def _text(block: Mapping[str, Any]) -> str:
    if block["type"] == "text":
        return str(block["text"])
    if block["type"] == "tool_use":
        return dump(block["input"])
    content = block.get("content", "")
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def schema(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """See `Dialect`."""
    found: Mapping[str, Any] = body.get("output_format", {}).get("schema", {})
    return found


def answer(model: str, reply: Say | Call) -> Mapping[str, Any]:
    """See `Dialect`."""
    return {**_message(model), "content": [_block(reply)], "stop_reason": _stop(reply), "usage": _USAGE}


def _message(model: str) -> dict[str, Any]:
    return {
        "id": f"msg_{uuid.uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**_USAGE, "output_tokens": 1},
    }


def _block(reply: Say | Call) -> dict[str, Any]:
    if isinstance(reply, Say):
        return {"type": "text", "text": reply.text}
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:16]}", "name": reply.name, "input": reply.arguments}


def _stop(reply: Say | Call) -> str:
    return "end_turn" if isinstance(reply, Say) else "tool_use"


def stream(model: str, reply: Say | Call) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """See `Dialect`."""
    block = _block(reply)
    if isinstance(reply, Say):
        empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": reply.text}
    else:
        empty, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": dump(reply.arguments)}
    for event in (
        {"type": "message_start", "message": _message(model)},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": _stop(reply), "stop_sequence": None}, "usage": _USAGE},
        {"type": "message_stop"},
    ):
        yield str(event["type"]), event


def failure(fail: Fail) -> Mapping[str, Any]:
    """See `Dialect`."""
    return {"type": "error", "error": {"type": _ERRORS.get(fail.status, "api_error"), "message": fail.message}}
