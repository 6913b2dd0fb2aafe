"""Gemini's generateContent: the model's name and whether it streams stand in the path."""

from collections.abc import Iterator, Mapping
from typing import Any

from . import USAGE_IN, USAGE_OUT, Call, Fail, Say, dump

_USAGE = {
    "promptTokenCount": USAGE_IN,
    "candidatesTokenCount": USAGE_OUT,
    "totalTokenCount": USAGE_IN + USAGE_OUT,
}
_STATUS = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}


def tools(body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """See `Dialect`."""
    functions = [function for tool in body.get("tools", []) for function in tool.get("functionDeclarations", [])]
    return [(each["name"], each.get("parametersJsonSchema") or each.get("parameters", {})) for each in functions]


def texts(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """See `Dialect`."""
    contents = [{"role": "system", **body.get("systemInstruction", {})}, *body.get("contents", [])]
    return [(content.get("role", "user"), _text(part)) for content in contents for part in content.get("parts", [])]


def _text(part: Mapping[str, Any]) -> str:
    if "functionCall" in part:
        return dump(part["functionCall"].get("args", {}))
    if "functionResponse" in part:
        response = part["functionResponse"].get("response", {})
        return str(response.get("output", dump(response)))
    return str(part.get("text", ""))


def schema(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """See `Dialect`."""
    found: Mapping[str, Any] = body.get("generationConfig", {}).get("responseJsonSchema", {})
    return found


def answer(model: str, reply: Say | Call) -> Mapping[str, Any]:
    """See `Dialect`."""
    part: dict[str, Any] = {"text": reply.text} if isinstance(reply, Say) else {"functionCall": _call(reply)}
    candidate = {"index": 0, "content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    return {"candidates": [candidate], "usageMetadata": _USAGE, "modelVersion": model}


def _call(reply: Call) -> dict[str, Any]:
    return {"name": reply.name, "args": reply.arguments}


def stream(model: str, reply: Say | Call) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """See `Dialect`."""
    yield "", answer(model, reply)


def failure(fail: Fail) -> Mapping[str, Any]:
    """See `Dialect`."""
    error: dict[str, Any] = {
        "code": fail.status,
        "message": fail.message,
        "status": _STATUS.get(fail.status, "UNKNOWN"),
    }
    if fail.retry_after_s is not None:
        error["details"] = [
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{fail.retry_after_s}s"}
        ]
    return {"error": error}
