"""The door to litellm: the real library against a scripted model on loopback, its faults turned into ours."""

import json
import os
import socket
import subprocess
import sys
from email.utils import formatdate

import pytest

from agentloop import models
from agentloop.events import ErrorClass
from agentloop.models import Answer, ModelError, ask

from .agents.dialects import USAGE_IN, USAGE_OUT, Cut, Fail, Hang, Reply, Run, Say
from .agents.scripted_model import ScriptedModel

SHELL = {"name": "shell", "parameters": {"type": "object", "properties": {"command": {"type": "string"}}}}
TOOLS = [{"type": "function", "function": SHELL}]
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is there?"}]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "scripted-key-1234")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "scripted-key-1234")


def answer(server: ScriptedModel, monkeypatch: pytest.MonkeyPatch, model: str = "openai/scripted") -> Answer:
    monkeypatch.setenv("OPENAI_API_BASE", f"{server.url}/v1")
    monkeypatch.setenv("ANTHROPIC_API_BASE", server.url)
    return ask(model, ASKED, tools=TOOLS, timeout_s=20)


def failure(server: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> ModelError:
    with pytest.raises(ModelError) as caught:
        answer(server, monkeypatch)
    return caught.value


def test_words_calls_tokens_and_a_cost_that_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedModel([Run("ls"), Say("Three files.")]) as server:
        called, said = (answer(server, monkeypatch) for _ in range(2))
    (call,) = called.calls
    assert (call.name, json.loads(call.arguments)) == ("shell", {"command": "ls"})
    assert called.message["tool_calls"][0]["id"] == call.id
    assert (said.text, said.calls) == ("Three files.", ())
    assert (said.input_tokens, said.output_tokens, said.cost_usd) == (USAGE_IN, USAGE_OUT, None)


def test_a_known_price_is_told_and_anthropics_cache_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedModel([Say("Three files.")]) as server:
        said = answer(server, monkeypatch, "anthropic/claude-sonnet-4-5")
    assert said.cost_usd == pytest.approx(USAGE_IN * 3e-6 + USAGE_OUT * 15e-6)
    body = server.requests[0].body
    marks = [body["system"][-1]["cache_control"], body["messages"][-1]["content"][-1]["cache_control"]]
    assert marks == [{"type": "ephemeral"}] * 2


@pytest.mark.parametrize(
    ("reply", "kind", "requests"),
    [
        (Fail(401), "login", 1),
        (Fail(403), "login", 1),
        (Fail(404), "permanent", 1),
        (Fail(400, "no such parameter"), "permanent", 1),
        (Fail(400, "This model's maximum context length is 8192 tokens. Your messages had 9000"), "context", 1),
        (Fail(400, "the request exceeds the available context size, try increasing it"), "context", 1),
        (Fail(413, "too large"), "context", 1),
        (Fail(429, "Request too large for scripted on tokens per min"), "context", 1),
        (Fail(429, "You exceeded your current quota, please check your plan and billing"), "permanent", 1),
        (Fail(429), "rate_limit", models.TRIES),
        (Fail(429, retry_after_s=3600), "rate_limit", 1),
        (Fail(500), "transient", models.TRIES),
        (Fail(503), "transient", models.TRIES),
        (Cut(), "transient", models.TRIES),
    ],
)
def test_each_fault_is_of_a_kind_and_what_passes_is_tried_again(
    reply: Reply, kind: ErrorClass, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedModel([reply]) as server:
        error = failure(server, monkeypatch)
    assert error.kind == kind
    assert len(server.requests) == requests
    assert "\n" not in error.message
    assert error.message.count("Error") == 1


def test_a_limit_that_ends_soon_is_waited_for_and_one_that_does_not_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[tuple[str, float]] = []
    with ScriptedModel([Fail(429, retry_after_s=1), Say("Here."), Fail(429, retry_after_s=3600)]) as server:
        monkeypatch.setenv("OPENAI_API_BASE", f"{server.url}/v1")
        noted = lambda error, delay_s: waits.append((error.kind, delay_s))  # noqa: E731
        assert ask("openai/scripted", ASKED, tools=TOOLS, timeout_s=20, on_wait=noted).text == "Here."
        assert failure(server, monkeypatch).retry_after_s == 3600
    ((kind, delay_s),) = waits
    assert kind == "rate_limit"
    assert delay_s >= 1


@pytest.mark.parametrize(
    ("said", "left_s"),
    [
        ("30", 30),
        ("1.5", 1.5),
        ("-4", 0),
        (formatdate(1500, usegmt=True), 500),
        (formatdate(10), 0),
        ("soon", None),
        ("", None),
    ],
)
def test_a_limit_ends_in_seconds_or_at_a_date(said: str, left_s: float | None) -> None:
    assert models.retry_after_s(said, now=1000) == left_s


def test_a_model_that_never_answers_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedModel([Hang()]) as server:
        monkeypatch.setenv("OPENAI_API_BASE", f"{server.url}/v1")
        with pytest.raises(ModelError) as caught:
            ask("openai/scripted", ASKED, tools=TOOLS, timeout_s=0.5)
    assert caught.value.kind == "transient"
    assert len(server.requests) == 1


def test_without_a_key_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedModel([Say("x")]) as server:
        for name, model in (
            ("OPENAI_API_KEY", "openai/scripted"),
            ("ANTHROPIC_API_KEY", "anthropic/claude-sonnet-4-5"),
        ):
            monkeypatch.delenv(name)
            with pytest.raises(ModelError) as caught:
                answer(server, monkeypatch, model)
            assert caught.value.kind == "login"
            assert name in caught.value.message
    assert not server.requests


def test_a_name_without_a_provider_and_an_address_where_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError) as caught:
        ask("no-such-model", ASKED, timeout_s=5)
    assert caught.value.kind == "permanent"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OPENAI_API_BASE", f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        with pytest.raises(ModelError) as caught:
            ask("openai/scripted", ASKED, timeout_s=5)
    assert caught.value.kind == "transient"


def test_litellm_loads_when_it_is_used_and_leaves_the_environment_alone() -> None:
    code = "import sys, agentloop.models; sys.exit('litellm' in sys.modules or 'httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert "LITELLM_LOCAL_MODEL_COST_MAP" not in os.environ
