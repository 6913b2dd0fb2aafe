"""The scripted model itself, by the protocols' own requests."""

import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from .dialects import Cut, Fail, Hang, Run, Say
from .scripted_model import ScriptedModel, read_script

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
    "/v1beta/models/any:generateContent": {
        "contents": [{"role": "user", "parts": [{"text": "hello"}]}],
        "tools": [{"functionDeclarations": [{"name": "run_shell_command", "parametersJsonSchema": SCHEMA}]}],
    },
}
STREAMED = {path: path.replace(":generate", ":streamGenerate") for path in REQUESTS}


def post(url: str, body: dict[str, Any], timeout_s: float = 10) -> str:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", REQUESTS)
def test_it_says_what_the_script_says(path: str, stream: bool) -> None:
    body = {"model": "any", "stream": stream, **REQUESTS[path]}
    with ScriptedModel([Run("echo wanted"), Say("the end")]) as model:
        url = model.url + (STREAMED[path] if stream else path)
        call, words = post(url, body), post(url, body)
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


def test_a_side_request_for_json_gets_what_its_schema_wants() -> None:
    properties = {"why": {"type": "STRING"}, "score": {"type": "INTEGER"}, "model": {"enum": ["big", "small"]}}
    schema = {"type": "OBJECT", "properties": properties, "required": ["why", "score", "model"]}
    body = {"contents": [], "generationConfig": {"responseJsonSchema": schema}}
    with ScriptedModel([Say("the end")]) as model:
        answer = json.loads(post(model.url + "/v1beta/models/any:generateContent", body))
    words = answer["candidates"][0]["content"]["parts"][0]["text"]
    assert json.loads(words) == {"why": "scripted", "score": 1, "model": "big"}


def test_a_step_may_depend_on_what_was_asked() -> None:
    with ScriptedModel([lambda request: Say(request.prompt.upper())]) as model:
        assert "HELLO" in post(model.url + "/v1/messages", {"model": "any", **REQUESTS["/v1/messages"]})


@pytest.mark.parametrize("path", REQUESTS)
def test_it_fails_when_told(path: str) -> None:
    with ScriptedModel([Fail(429, "enough")]) as model, pytest.raises(urllib.error.HTTPError) as caught:
        post(model.url + path, {"model": "any", **REQUESTS[path]})
    with caught.value as answer:
        assert answer.code == 429
        assert answer.headers["Retry-After"] is None
        assert b"enough" in answer.read()


@pytest.mark.parametrize("path", REQUESTS)
def test_a_limit_says_when_it_ends(path: str) -> None:
    with ScriptedModel([Fail(429, "enough", 4711)]) as model, pytest.raises(urllib.error.HTTPError) as caught:
        post(model.url + path, {"model": "any", **REQUESTS[path]})
    with caught.value as answer:
        assert answer.headers["Retry-After"] == "4711"
        body = answer.read()
        assert b"enough" in body
        assert {"/v1/messages": b"enough", "/v1/responses": b'"resets_at":'}.get(path, b"4711s") in body


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", REQUESTS)
def test_a_cut_answer_begins_and_has_no_end(path: str, stream: bool) -> None:
    with ScriptedModel([Cut("half of it")]) as model, pytest.raises(http.client.IncompleteRead):
        post(
            model.url + (STREAMED[path] if stream else path),
            {"model": "any", "stream": stream, **REQUESTS[path]},
        )


def test_a_request_that_is_never_answered_is_logged_and_ends_with_the_model() -> None:
    with ScriptedModel([Hang()]) as model:
        with pytest.raises(TimeoutError):
            post(model.url + "/v1/messages", {"model": "any", **REQUESTS["/v1/messages"]}, timeout_s=0.2)
        assert len(model.main) == 1


def test_a_script_may_stand_in_a_file(tmp_path: Path) -> None:
    script = [{"fail": 429, "retry_after_s": 60}, {"cut": "half"}, {"hang": True}, {"run": "ls"}, {"say": "done"}]
    path = tmp_path / "script.json"
    path.write_text(json.dumps(script))
    assert read_script(path) == [Fail(429, retry_after_s=60), Cut("half"), Hang(), Run("ls"), Say("done")]
