"""What each of the other agents prints, in lines that its own program has printed, shortened."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from agentloop.agents import registry
from agentloop.agents.stream import StreamReader
from agentloop.events import Counters, Event, ToolCalled, ToolEnded

COMMAND = "echo hi; false"
ARGUMENTS = json.dumps({"command": COMMAND})


@dataclass(frozen=True)
class Turn:
    """What an agent printed in a turn that ran a command which failed, and said that it is done."""

    lines: list[Any]
    session: str | None = None
    call: str = "c1"
    usage: tuple[int | None, int | None, float | None] = (None, None, None)
    document: dict[str, Any] | None = None
    """What it left in a file."""


def pi_message(content: list[dict[str, Any]], reason: str) -> dict[str, Any]:
    usage = {"input": 60, "output": 7, "cacheRead": 30, "cacheWrite": 10, "cost": {"total": 0.25}}
    message = {"role": "assistant", "content": content, "model": "m", "usage": usage, "stopReason": reason}
    return {"type": "message_end", "message": message}


def openhands_event(kind: str, **more: Any) -> dict[str, Any]:
    return {"id": "e", "source": "agent", "kind": kind, **more}


MINI_USAGE = {"response": {"usage": {"prompt_tokens": 100, "completion_tokens": 7}}}
TURNS = {
    "pi": Turn(
        [
            {"type": "session", "version": 3, "id": "s1", "cwd": "/w"},
            pi_message([{"type": "toolCall", "id": "c1", "name": "bash"}], "toolUse"),
            {"type": "tool_execution_start", "toolCallId": "c1", "toolName": "bash", "args": {"command": COMMAND}},
            {
                "type": "tool_execution_end",
                "toolCallId": "c1",
                "toolName": "bash",
                "result": {"content": [{"type": "text", "text": "hi"}]},
                "isError": True,
            },
            pi_message([{"type": "text", "text": "Done."}], "stop"),
            {"type": "agent_end", "messages": [{"role": "assistant", "stopReason": "stop"}]},
        ],
        session="s1",
        usage=(200, 14, 0.5),
    ),
    "kimi": Turn(
        [
            {"role": "meta", "type": "system.version", "version": "2.1.0"},
            {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "Bash", "arguments": ARGUMENTS}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "hi\nCommand failed with exit code: 1."},
            {"role": "assistant", "content": "Done."},
            {"role": "meta", "type": "session.resume_hint", "session_id": "s1"},
        ],
        session="s1",
    ),
    "cline": Turn(
        [
            {"type": "hook_event", "hookEventName": "agent_start", "agentId": "a"},
            {
                "type": "agent_event",
                "event": {
                    "type": "content_start",
                    "contentType": "tool",
                    "toolName": "run_commands",
                    "toolCallId": "c1",
                    "input": {"commands": [COMMAND]},
                },
            },
            {
                "type": "agent_event",
                "event": {
                    "type": "content_end",
                    "contentType": "tool",
                    "toolCallId": "c1",
                    "output": [{"query": COMMAND, "result": "[Command exited with code 1]\nhi\n", "success": False}],
                },
            },
            {
                "type": "run_result",
                "finishReason": "completed",
                "usage": {"inputTokens": 200, "outputTokens": 14, "totalCost": 0},
                "text": "Done.",
                "model": {"id": "m"},
            },
        ],
        usage=(200, 14, 0),
    ),
    "grok": Turn(
        [
            {"role": "user", "content": "Do it."},
            {
                "role": "assistant",
                "content": "Using tools to help you...",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "bash", "arguments": ARGUMENTS}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": f"Command failed: Command failed: {COMMAND}\n"},
            {"role": "assistant", "content": "Done."},
        ],
    ),
    "vibe": Turn(
        [
            {"id": "u", "sessionId": "s1", "type": "message", "role": "user", "content": []},
            {
                "id": "c1",
                "sessionId": "s1",
                "type": "effect",
                "detail": {"toolName": "file_system.bash", "input": {"command": COMMAND}},
                "state": {"status": "completed", "outputText": "hi\n", "display": {"success": False}},
            },
            {"sessionId": "s1", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "Done."}]},
        ],
        session="s1",
        usage=(200, 14, 0.00034),
        document={
            "outcome": "finished",
            "stop_reason": None,
            "error": None,
            "session_id": "s1",
            "usage": {"input_tokens": 200, "output_tokens": 14},
            "cost_usd": 0.00034,
        },
    ),
    "openhands": Turn(
        [
            "Initializing agent...",
            openhands_event("ActionEvent", tool_name="terminal", tool_call_id="c1", tool_call={"arguments": ARGUMENTS}),
            openhands_event(
                "ObservationEvent",
                tool_name="terminal",
                tool_call_id="c1",
                observation={"content": [{"type": "text", "text": "hi"}], "is_error": False, "exit_code": 1},
            ),
            openhands_event("MessageEvent", llm_message={"content": [{"type": "text", "text": "Done."}]}),
            "Agent finished",
            "Conversation ID: fc37c756b9c5472d9ce68b167328c07c",
        ],
        session="fc37c756b9c5472d9ce68b167328c07c",
    ),
    "mini": Turn(
        ["mini-swe-agent (step 1, $0.00):"],
        usage=(200, 14, 0.5),
        document={
            "info": {
                "model_stats": {"instance_cost": 0.5, "api_calls": 2},
                "config": {"model": {"model_name": "m"}},
                "exit_status": "Submitted",
            },
            "messages": [
                {"role": "user", "content": "Do it."},
                {
                    "role": "assistant",
                    "content": None,
                    "extra": {"actions": [{"command": COMMAND, "tool_call_id": "c1"}], **MINI_USAGE},
                },
                {"role": "tool", "tool_call_id": "c1", "content": "", "extra": {"raw_output": "hi\n", "returncode": 1}},
                {"role": "assistant", "content": "Done.", "extra": {"actions": [], **MINI_USAGE}},
                {"role": "exit", "content": "", "extra": {"exit_status": "Submitted"}},
            ],
        },
    ),
}


def feed(name: str, lines: list[Any], document: dict[str, Any] | None = None) -> tuple[StreamReader, list[Event]]:
    """Read an agent's lines, torn into pieces."""
    events: list[Event] = []
    reader = StreamReader(registry.load(name).stream, events.append)
    content = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode()
    for start in range(0, len(content), 7):
        reader.feed(content[start : start + 7])
    reader.close()
    reader.take_document(json.dumps(document or {}).encode())
    return reader, events


@pytest.mark.parametrize("name", TURNS)
def test_a_turn_is_understood(name: str) -> None:
    turn = TURNS[name]
    reader, events = feed(name, turn.lines, turn.document)
    assert (reader.session, reader.text, reader.error, reader.finished) == (turn.session, "Done.", "", True)
    called = [(event.call, event.command) for event in events if isinstance(event, ToolCalled)]
    assert called == [(turn.call, COMMAND)]
    ended = [(event.call, event.failed) for event in events if isinstance(event, ToolEnded)]
    assert ended == [(turn.call, True)]
    usage, _after = reader.usage(Counters())
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == turn.usage


def test_gptme_does_not_say_which_command_a_tool_ran() -> None:
    usage = {"input_tokens": 100, "output_tokens": 7}
    lines = [
        "hi",
        {"role": "assistant", "content": f"@shell(c1): {ARGUMENTS}", "metadata": {"model": "m", "usage": usage}},
        {"role": "system", "content": "Return code: 1", "call_id": "c1", "metadata": {"tool": "shell"}},
        {"role": "assistant", "content": "Done.", "metadata": {"model": "m", "usage": usage}},
    ]
    reader, events = feed("gptme", lines)
    assert (reader.text, reader.says_end) == ("Done.", False)
    assert [event.failed for event in events if isinstance(event, ToolEnded)] == [True]
    assert reader.usage(Counters())[0].input_tokens == 200


def test_nanocoder_prints_one_document_over_many_lines() -> None:
    call = {"name": "execute_bash", "arguments": {"command": COMMAND}, "result": "EXIT_CODE: 1\nhi\n"}
    usage = {"inputTokens": 200, "outputTokens": 14}
    content = {"kind": "success", "exitCode": 0, "finalText": "Done.", "toolCalls": [call], "usage": usage}
    reader, events = feed("nanocoder", json.dumps(content, indent=2).splitlines())
    assert (reader.text, reader.finished) == ("Done.", True)
    assert [event.command for event in events if isinstance(event, ToolCalled)] == [COMMAND]
    assert reader.usage(Counters())[0].output_tokens == 14


def test_aider_says_in_words_what_it_used() -> None:
    lines = [
        "Aider v0.86.2",
        "Done.",
        "Tokens: 1.2k sent, 48 cache write, 7 received. Cost: $0.0012 message, $0.0012 session.",
        "Tokens: 300 sent, 5 received. Cost: $0.0003 message, $0.0015 session.",
    ]
    reader, _events = feed("aider", lines)
    usage, _after = reader.usage(Counters())
    assert (usage.input_tokens, usage.output_tokens) == (1500, 12)
    assert usage.cost_usd == pytest.approx(0.0015)
    assert reader.finished


AIDER_LIMIT = "litellm.RateLimitError: RateLimitError: OpenAIException - slow down"


def test_an_error_that_was_got_over_is_none() -> None:
    lines = [AIDER_LIMIT, "Retrying in 0.2 seconds...", "Done.", "Tokens: 300 sent, 5 received."]
    reader, _events = feed("aider", lines)
    assert (reader.error, reader.finished) == ("", True)
    reader, _events = feed("aider", lines[:2])
    assert (reader.error, reader.finished) == (AIDER_LIMIT, False)
    failed = pi_message([], "error")
    failed["message"]["errorMessage"] = "500 on fire"
    again = [failed, {"type": "agent_end", "messages": [failed["message"]]}]
    assert feed("pi", again)[0].error == "500 on fire"
    assert feed("pi", [*again, *TURNS["pi"].lines[-2:]])[0].error == ""


@pytest.mark.parametrize(
    ("name", "text", "status", "kind"),
    [
        ("pi", "401 scripted: who are you?", "", "login"),
        ("pi", '500: {"message":"on fire"}', "", "transient"),
        ("pi", "terminated", "", "transient"),
        ("pi", "No session found matching '9'", "", "session_lost"),
        ("kimi", "error: failed to run prompt: provider.auth_error: 401 who are you?", "", "login"),
        ("kimi", "429 slow down", "429", "rate_limit"),
        ("kimi", "error: failed to run prompt: provider.connection_error: terminated", "", "transient"),
        ("cline", "who are you?", "auth", "login"),
        ("cline", "The socket connection was closed unexpectedly", "unknown", "transient"),
        ("aider", AIDER_LIMIT, "", "rate_limit"),
        ("aider", "litellm.AuthenticationError: AuthenticationError: OpenAIException", "", "login"),
        ("aider", "litellm.InternalServerError: InternalServerError: OpenAIException", "", "transient"),
        ("mini", "RateLimitError: litellm.RateLimitError: slow down", "", "rate_limit"),
        ("nanocoder", "Authentication failed: Invalid API key or credentials", "", "login"),
        ("nanocoder", "Server error: on fire", "", "transient"),
        ("grok", "Sorry, I encountered an error: Grok API error: 429 slow down", "", "rate_limit"),
    ],
)
def test_failures_are_told_apart(name: str, text: str, status: str, kind: str) -> None:
    known = registry.load(name).classify(text, status)
    assert known is not None
    assert known.kind == kind
