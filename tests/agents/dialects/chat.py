"""OpenAI Chat Completions."""

import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from . import USAGE_IN, USAGE_OUT, Call, Fail, Say, dump, openai_error

_USAGE = {"prompt_tokens": USAGE_IN, "completion_tokens": USAGE_OUT, "total_tokens": USAGE_IN + USAGE_OUT}


def tools(body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """See `Dialect`."""
    functions = [tool["function"] for tool in body.get("tools", []) if tool["type"] == "function"]
    return [(function["name"], function.get("parameters", {})) for function in functions]


def texts(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """See `Dialect`."""
    return [(message["role"], _text(message)) for message in body.get("messages", [])]


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    words = content if isinstance(content, str) else "".join(str(part.get("text", "")) for part in content)
    return words + "".join(call["function"]["arguments"] for call in message.get("tool_calls") or ())


def _message(reply: Say | Call) -> dict[str, Any]:
    if isinstance(reply, Say):
        return {"role": "assistant", "content": reply.text}
    function = {"name": reply.name, "arguments": dump(reply.arguments)}
    call = {"index": 0, "id": f"call_{uuid.uuid4().hex[:16]}", "type": "function", "function": function}
    return {"role": "assistant", "content": reply.text or None, "tool_calls": [call]}


def _reason(reply: Say | Call) -> str:
    return "stop" if isinstance(reply, Say) else "tool_calls"


def _frame(model: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex[:20]}", "object": kind, "created": int(time.time()), "model": model}


def schema(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """See `Dialect`."""
    found: Mapping[str, Any] = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    return found


def answer(model: str, reply: Say | Call) -> Mapping[str, Any]:
    """See `Dialect`."""
    choice = {"index": 0, "message": _message(reply), "finish_reason": _reason(reply)}
    return {**_frame(model, "chat.completion"), "choices": [choice], "usage": _USAGE}


def stream(model: str, reply: Say | Call) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """See `Dialect`."""
    frame = _frame(model, "chat.completion.chunk")
    yield "", {**frame, "choices": [{"index": 0, "delta": _message(reply), "finish_reason": None}]}
    yield "", {**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": _reason(reply)}]}
    yield "", {**frame, "choices": [], "usage": _USAGE}
    yield "", "[DONE]"


def failure(fail: Fail) -> Mapping[str, Any]:
    """See `Dialect`."""
    return openai_error(fail)
