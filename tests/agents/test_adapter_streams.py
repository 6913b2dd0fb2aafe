"""What some agents print, as it was seen, and what is read from it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agentloop.agents import registry
from agentloop.agents.headless import HeadlessSession
from agentloop.agents.session import Turn
from agentloop.agents.spec import Adapter
from agentloop.agents.stream import StreamReader
from agentloop.events import AgentWaited, Counters, Event, SkillLoaded, ToolCalled, ToolEnded

GEMINI: list[dict[str, Any]] = [
    {"type": "init", "session_id": "s-1", "model": "auto"},
    {"type": "message", "role": "user", "content": "hello"},
    {"type": "message", "role": "assistant", "content": "Let me look.", "delta": True},
    {"type": "tool_use", "tool_name": "run_shell_command", "tool_id": "c1", "parameters": {"command": "make"}},
    {"type": "tool_result", "tool_id": "c1", "status": "success", "output": "make: *** No rule"},
    {"type": "tool_use", "tool_name": "activate_skill", "tool_id": "c2", "parameters": {"name": "mend"}},
    {"type": "tool_use", "tool_name": "write_file", "tool_id": "c3", "parameters": {"file_path": "a.py"}},
    {
        "type": "tool_result",
        "tool_id": "c3",
        "status": "error",
        "output": 'Tool execution for "WriteFile" requires user confirmation, which is not supported.',
    },
    {"type": "message", "role": "assistant", "content": "It is ", "delta": True},
    {"type": "message", "role": "assistant", "content": "done.", "delta": True},
    {"type": "result", "status": "success", "stats": {"input_tokens": 300, "output_tokens": 21, "cached": 120}},
]
OPENCODE: list[dict[str, Any]] = [
    {"type": "step_start", "sessionID": "ses_1", "part": {"type": "step-start"}},
    {"type": "text", "sessionID": "ses_1", "part": {"text": "Let me look."}},
    {
        "type": "tool_use",
        "sessionID": "ses_1",
        "part": {
            "tool": "bash",
            "callID": "c1",
            "state": {
                "status": "completed",
                "input": {"command": "make"},
                "output": "No rule",
                "metadata": {"exit": 2},
            },
        },
    },
    {
        "type": "step_finish",
        "sessionID": "ses_1",
        "part": {
            "reason": "tool-calls",
            "cost": 0.5,
            "tokens": {"input": 60, "output": 7, "reasoning": 1, "cache": {"read": 40, "write": 0}},
        },
    },
    {"type": "text", "sessionID": "ses_1", "part": {"text": "It is done."}},
    {
        "type": "step_finish",
        "sessionID": "ses_1",
        "part": {
            "reason": "stop",
            "cost": 0.25,
            "tokens": {"input": 100, "output": 7, "reasoning": 0, "cache": {"read": 0, "write": 0}},
        },
    },
]
QWEN: list[dict[str, Any]] = [
    {"type": "system", "subtype": "init", "session_id": "q-1", "model": "scripted"},
    {
        "type": "assistant",
        "session_id": "q-1",
        "message": {
            "content": [{"type": "tool_use", "id": "c1", "name": "run_shell_command", "input": {"command": "make"}}]
        },
    },
    {
        "type": "user",
        "session_id": "q-1",
        "message": {
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "is_error": False,
                    "content": "Command: make\nOutput: No rule\nError: (none)\nExit Code: 2\nSignal: (none)",
                }
            ]
        },
    },
    {
        "type": "result",
        "subtype": "success",
        "session_id": "q-1",
        "is_error": False,
        "result": "It is done.",
        "usage": {"input_tokens": 200, "output_tokens": 14, "cache_read_input_tokens": 80},
        "permission_denials": [{"tool_name": "edit"}],
    },
]
COPILOT: list[dict[str, Any]] = [
    {"type": "session.tools_updated", "data": {"model": "scripted"}},
    {"type": "user.message", "data": {"content": "hello"}},
    {"type": "model.call_failure", "data": {"statusCode": 429, "errorMessage": "slow down"}},
    {"type": "assistant.message", "data": {"content": "Let me look.", "toolRequests": []}},
    {
        "type": "tool.execution_start",
        "data": {"toolCallId": "c1", "toolName": "bash", "arguments": {"command": "make", "description": "build"}},
    },
    {
        "type": "tool.execution_complete",
        "data": {
            "toolCallId": "c1",
            "success": True,
            "shellExecution": {"exitCode": 2},
            "result": {"content": "No rule"},
        },
    },
    {"type": "tool.execution_start", "data": {"toolCallId": "c2", "toolName": "apply_patch", "arguments": "*** Begin"}},
    {
        "type": "tool.execution_complete",
        "data": {"toolCallId": "c2", "success": False, "error": {"message": "Permission denied", "code": "denied"}},
    },
    {"type": "assistant.message", "data": {"content": "It is done.", "toolRequests": []}},
    {"type": "result", "sessionId": "p-1", "exitCode": 0, "usage": {"premiumRequests": 0}},
]
MODEL_METRICS = {"inputTokens": 200, "outputTokens": 14, "cacheReadTokens": 150}
USAGE_FILE = {"modelMetrics": {"a": {"usage": MODEL_METRICS}}, "currentModel": "a"}


def read(name: str, lines: list[dict[str, Any]], document: Mapping[str, Any] | None = None) -> tuple[Any, list[Event]]:
    """Feed an agent's lines, and the file that it leaves."""
    events: list[Event] = []
    reader = StreamReader(registry.load(name).stream, events.append)
    reader.feed("".join(f"{json.dumps(line)}\n" for line in lines).encode())
    reader.close()
    reader.take_document(json.dumps(document or {}).encode())
    return reader, events


@pytest.mark.parametrize(
    ("name", "lines", "session", "tokens", "denied"),
    [
        ("gemini", GEMINI, "s-1", (300, 21, 120), ("write_file",)),
        ("opencode", OPENCODE, "ses_1", (200, 15, None), ()),
        ("qwen", QWEN, "q-1", (200, 14, 80), ("edit",)),
        ("copilot", COPILOT, "p-1", (200, 14, 150), ("apply_patch",)),
    ],
)
def test_a_turn_is_read(
    name: str, lines: list[dict[str, Any]], session: str, tokens: tuple[int | None, ...], denied: tuple[str, ...]
) -> None:
    reader, events = read(name, lines, USAGE_FILE if name == "copilot" else None)
    assert (reader.session, reader.text, reader.finished, reader.error) == (session, "It is done.", True, "")
    usage, _after = reader.usage(Counters(input_tokens=0, output_tokens=0))
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == tokens
    assert usage.cost_usd == (0.75 if name == "opencode" else None)
    assert reader.denied == denied
    first = next(event for event in events if isinstance(event, ToolCalled))
    assert (first.command, first.call) == ("make", "c1")
    ended = {event.call: event.failed for event in events if isinstance(event, ToolEnded)}
    assert ended.get("c1") is (None if name == "gemini" else True)


def test_a_skill_of_gemini_and_a_wait_of_copilot_are_told() -> None:
    assert [event.name for event in read("gemini", GEMINI)[1] if isinstance(event, SkillLoaded)] == ["mend"]
    waited = [event.reason for event in read("copilot", COPILOT)[1] if isinstance(event, AgentWaited)]
    assert waited == ["retrying after 429 slow down"]


def test_a_turn_that_goes_on_with_tools_has_not_ended() -> None:
    assert not read("opencode", OPENCODE[:4])[0].finished


LIMIT = {"message": "slow down", "statusCode": 429, "responseHeaders": {"retry-after": "60"}}


def test_the_end_of_a_session_of_copilot_does_not_hide_its_error() -> None:
    error = {"type": "session.error", "data": {"message": "Authentication failed", "statusCode": 401}}
    reader, _events = read("copilot", [error, {"type": "result", "sessionId": "s-1", "exitCode": 1}])
    assert (reader.error, reader.status, reader.finished) == ("Authentication failed", "401", False)


@pytest.mark.parametrize(
    ("name", "line", "kind", "reset"),
    [
        ("gemini", {"type": "result", "status": "error", "error": {"message": 'x {"code":401}'}}, "login", None),
        (
            "opencode",
            {"type": "error", "error": {"name": "APIError", "data": LIMIT}},
            "rate_limit",
            "60",
        ),
        ("qwen", {"type": "result", "is_error": True, "error": {"message": "[API Error: 500 x]"}}, "transient", None),
        ("copilot", {"type": "session.error", "data": {"message": "no", "statusCode": 401}}, "login", None),
        (
            "claude",
            {"type": "result", "is_error": True, "result": "You've hit your 5-hour limit", "api_error_status": 429},
            "rate_limit",
            None,
        ),
        (
            "claude",
            {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1795654140}},
            None,
            1795654140,
        ),
    ],
)
def test_an_error_is_known_by_its_kind(name: str, line: dict[str, Any], kind: str | None, reset: object) -> None:
    reader, _events = read(name, [line])
    known = registry.load(name).classify(reader.error, reader.status) if reader.error else None
    assert (known and known.kind) == kind
    assert reader.reset == reset


def send(folder: Path, script: str, idle_timeout_s: float = 3) -> Turn:
    """A turn of an agent that is a shell script and says on stderr that it waits."""
    program = folder / "patient"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    adapter = Adapter.model_validate(
        {
            "name": "patient",
            "start": ["{program}"],
            "stream": {
                "format": "jsonl",
                "paths": {"finished": "done", "tools": "tools"},
                "patterns": {"waiting": "^Retrying.*"},
            },
            "errors": [{"kind": "rate_limit", "pattern": "429", "reset": "in (\\d+s)"}],
        }
    )
    session = HeadlessSession(adapter, str(program), (), "run", folder)
    return session.send("x", log=folder / "log", timeout_s=60, idle_timeout_s=idle_timeout_s, emit=lambda _event: None)


def test_an_agent_that_is_ended_while_it_waits_has_failed_by_what_it_waited_for(tmp_path: Path) -> None:
    turn = send(tmp_path, "echo 'Retrying in 60s: 429' >&2; sleep 60", idle_timeout_s=0.5)
    assert (turn.status, turn.error_class) == ("failed", "rate_limit")
    assert "silent for too long while it waited: Retrying in 60s: 429" in turn.error
    assert turn.reset_at is not None


def test_an_agent_that_worked_after_it_had_waited_was_silent(tmp_path: Path) -> None:
    call = '{"tools": [{"name": "shell"}]}'
    turn = send(tmp_path, f"echo 'Retrying in 60s: 429' >&2; sleep 0.2; echo '{call}'; sleep 60")
    assert (turn.status, turn.error_class) == ("idle", None)


def test_an_agent_that_waited_and_came_to_an_end_is_done(tmp_path: Path) -> None:
    turn = send(tmp_path, "echo 'Retrying in 60s: 429' >&2; echo '{\"done\": true}'", idle_timeout_s=20)
    assert (turn.status, turn.error_class) == ("done", None)
