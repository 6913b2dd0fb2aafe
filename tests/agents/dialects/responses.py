"""OpenAI Responses."""

import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from . import USAGE_IN, USAGE_OUT, Call, Fail, Say, dump, openai_error

_USAGE = {
    "input_tokens": USAGE_IN,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": USAGE_OUT,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": USAGE_IN + USAGE_OUT,
}


def tools(body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """See `Dialect`."""
    return [(tool["name"], tool.get("parameters", {})) for tool in body.get("tools", []) if tool["type"] == "function"]


def texts(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """See `Dialect`."""
    given = body.get("input", [])
    if isinstance(given, str):
        return [("user", given)]
    return [(str(item.get("role", item.get("type"))), _text(item)) for item in given]


def _text(item: Mapping[str, Any]) -> str:
    for key in ("arguments", "output", "content"):
        content = item.get(key)
        if isinstance(content, str):
            return content
        if isinstance(content, list):
            return "".join(str(part.get("text", "")) for part in content)
    return ""


def _item(reply: Say | Call) -> dict[str, Any]:
    if isinstance(reply, Say):
        content = [{"type": "output_text", "text": reply.text, "annotations": []}]
        return {"type": "message", "id": _id("msg"), "status": "completed", "role": "assistant", "content": content}
    return {
        "type": "function_call",
        "id": _id("fc"),
        "call_id": _id("call"),
        "status": "completed",
        "name": reply.name,
        "arguments": dump(reply.arguments),
    }


def _id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:20]}"


def schema(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """See `Dialect`."""
    found: Mapping[str, Any] = body.get("text", {}).get("format", {}).get("schema", {})
    return found


def answer(model: str, reply: Say | Call) -> Mapping[str, Any]:
    """See `Dialect`."""
    return _response(model, "completed", [_item(reply)])


def _response(model: str, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    usage = _USAGE if status == "completed" else None
    return {"id": _id("resp"), "object": "response", "model": model, "status": status, "output": output, "usage": usage}


def stream(model: str, reply: Say | Call) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """See `Dialect`."""
    item = _item(reply)
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response(model, "in_progress", [])},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": _response(model, "completed", [item])},
    ]
    if isinstance(reply, Say):
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        events.insert(2, {"type": "response.output_text.delta", "delta": reply.text, **place})
    for number, event in enumerate(events):
        yield event["type"], {**event, "sequence_number": number}


def failure(fail: Fail) -> Mapping[str, Any]:
    """See `Dialect`."""
    if fail.retry_after_s is None:
        return openai_error(fail)
    limit = {"plan_type": "plus", "resets_at": int(time.time()) + fail.retry_after_s}
    return {"error": {"type": "usage_limit_reached", "message": fail.message, **limit}}
