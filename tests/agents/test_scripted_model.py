"""The scripted model itself, by the protocols' own requests."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from .dialects import Fail, Run, Say
from .scripted_model import ScriptedModel

SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}}
REQUESTS = {
    "/v1/messages": {
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [{"name": "Bash", "input_schema": SCHEMA}],
    },
    "/v1/responses": {
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}],
        "tools": [{"type": "function", "name": "shell", "parameters": SCHEMA}],
    },
    "/v1/chat/completions": {
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [{"type": "function", "function": {"name": "bash", "parameters": SCHEMA}}],
    },
}


def post(url: str, body: dict[str, Any]) -> str:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", REQUESTS)
def test_it_says_what_the_script_says(path: str, stream: bool) -> None:
    body = {"model": "any", "stream": stream, **REQUESTS[path]}
    with ScriptedModel([Run("echo wanted"), Say("the end")]) as model:
        call, words = post(model.url + path, body), post(model.url + path, body)
    assert "echo wanted" in call
    assert "the end" in words
    assert [request.prompt for request in model.main] == ["hello", "hello"]


@pytest.mark.parametrize("path", REQUESTS)
def test_a_request_without_a_shell_takes_nothing_from_the_script(path: str) -> None:
    with ScriptedModel([Say("the end")]) as model:
        side = post(model.url + path, {"model": "any", **REQUESTS[path], "tools": []})
        main = post(model.url + path, {"model": "any", **REQUESTS[path]})
    assert "the end" not in side
    assert "the end" in main


def test_a_step_may_depend_on_what_was_asked() -> None:
    with ScriptedModel([lambda request: Say(request.prompt.upper())]) as model:
        assert "HELLO" in post(model.url + "/v1/messages", {"model": "any", **REQUESTS["/v1/messages"]})


def test_it_fails_when_told() -> None:
    with ScriptedModel([Fail(429, "enough")]) as model, pytest.raises(urllib.error.HTTPError) as caught:
        post(model.url + "/v1/messages", {"model": "any", **REQUESTS["/v1/messages"]})
    with caught.value as answer:
        assert answer.code == 429
        assert b"enough" in answer.read()
