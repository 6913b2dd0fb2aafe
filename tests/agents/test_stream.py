"""What agents print, as it comes: torn, mixed with noise, endless."""

import json
import tracemalloc
from typing import Any

import pytest

from agentloop.agents import registry
from agentloop.agents.spec import Stream
from agentloop.agents.stream import MAX_LINE_BYTES, StreamReader
from agentloop.events import AgentWaited, Counters, Event, SessionOpened, ToolCalled

CLAUDE: list[dict[str, Any]] = [
    {"type": "system", "subtype": "init", "session_id": "s-1"},
    {"type": "system", "subtype": "api_retry", "error_status": 529, "error": "overloaded"},
    {
        "type": "assistant",
        "session_id": "s-1",
        "message": {
            "content": [
                {"type": "text", "text": "Look."},
                {"type": "tool_use", "name": "Bash", "input": {"command": "make\n  test"}},
                {"type": "tool_use", "name": "Read", "input": {"file_path": "a.py"}},
            ]
        },
    },
    {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "session_id": "s-1",
        "result": "Done.",
        "total_cost_usd": 0.5,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 3},
    },
]
CODEX: list[dict[str, Any]] = [
    {"type": "thread.started", "thread_id": "t-1"},
    {"type": "item.completed", "item": {"type": "error", "message": "a mere warning"}},
    {"type": "error", "message": "Reconnecting... 1/5"},
    {"type": "item.started", "item": {"type": "command_execution", "command": "ls"}},
    {"type": "item.completed", "item": {"type": "agent_message", "text": "First."}},
    {"type": "item.completed", "item": {"type": "agent_message", "text": "Last."}},
    {"type": "turn.completed", "usage": {"input_tokens": 200, "output_tokens": 14}},
]


def read(name: str, lines: list[dict[str, Any]], size: int = 7) -> tuple[StreamReader, list[Event]]:
    """Feed an agent's lines in chunks of a size."""
    events: list[Event] = []
    reader = StreamReader(registry.load(name).stream, events.append)
    content = "\n".join(json.dumps(line) for line in lines).encode()
    for start in range(0, len(content), size):
        reader.feed(content[start : start + size])
    reader.close()
    return reader, events


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_claude(size: int) -> None:
    reader, events = read("claude", CLAUDE, size)
    assert (reader.session, reader.text, reader.error, reader.finished) == ("s-1", "Done.", "", True)
    assert [(event.name, event.detail) for event in events if isinstance(event, ToolCalled)] == [
        ("Bash", "make test"),
        ("Read", "a.py"),
    ]
    assert [event.session for event in events if isinstance(event, SessionOpened)] == ["s-1"]
    assert [event.reason for event in events if isinstance(event, AgentWaited)] == ["retrying after 529 overloaded"]


def test_claude_costs_what_the_session_gained() -> None:
    reader, _events = read("claude", CLAUDE)
    usage, after = reader.usage(Counters(cost_usd=0.2))
    assert (usage.input_tokens, usage.output_tokens) == (15, 3)
    assert usage.cost_usd == pytest.approx(0.3)
    assert after.cost_usd == 0.5


def test_an_error_of_claude_is_one_although_its_subtype_says_success() -> None:
    failed = {"type": "result", "subtype": "success", "is_error": True, "result": "API Error: 500"}
    assert read("claude", [failed])[0].error == "API Error: 500"


def test_codex() -> None:
    reader, events = read("codex", CODEX)
    assert (reader.session, reader.text, reader.error, reader.finished) == ("t-1", "Last.", "", True)
    assert [event.detail for event in events if isinstance(event, ToolCalled)] == ["ls"]
    assert [event.reason for event in events if isinstance(event, AgentWaited)] == ["Reconnecting... 1/5"]


def test_codex_counts_its_session_and_we_the_turn() -> None:
    reader, _events = read("codex", CODEX)
    usage, after = reader.usage(Counters(input_tokens=150, output_tokens=10))
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (50, 4, None)
    assert (after.input_tokens, after.output_tokens) == (200, 14)


def test_a_turn_of_codex_that_failed_says_why() -> None:
    reader, _events = read("codex", [{"type": "turn.failed", "error": {"message": "429"}}])
    assert (reader.error, reader.finished) == ("429", True)


def test_noise_between_the_events_is_kept_as_words_and_harms_nothing() -> None:
    events: list[Event] = []
    reader = StreamReader(registry.load("codex").stream, events.append)
    reader.feed(b'npm warn old\n{"type": broken\n\xff\xfe\n[1]\n{"type":"thread.started","thread_id":"t"}\n{"type":')
    reader.close()
    assert reader.session == "t"
    assert "npm warn old" in reader.tail
    assert not reader.finished


def test_an_event_of_another_shape_says_nothing() -> None:
    odd: list[dict[str, Any]] = [
        {"type": "assistant", "message": "text"},
        {"type": "result", "usage": [], "result": 7},
        {"type": 3},
    ]
    reader, events = read("claude", odd)
    assert reader.finished
    assert not [event for event in events if isinstance(event, ToolCalled)]


def test_a_session_is_found_in_plain_text_across_chunks() -> None:
    events: list[Event] = []
    reader = StreamReader(Stream(session_pattern=r"session: (\S+)\n"), events.append)
    for chunk in (b"hello\nsess", b"ion: ab", b"c\nmore"):
        reader.feed(chunk)
    assert reader.session == "abc"
    assert reader.text == "hello\nsession: abc\nmore"


def test_a_line_without_an_end_takes_no_memory_and_the_next_one_is_read() -> None:
    reader = StreamReader(registry.load("codex").stream, lambda event: None)
    chunk = b"x" * 1_000_000
    tracemalloc.start()
    for _ in range(100):
        reader.feed(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * MAX_LINE_BYTES
    reader.feed(b'\n{"type":"thread.started","thread_id":"t"}\n')
    assert reader.session == "t"


def test_control_characters_of_a_tool_call_do_not_reach_the_terminal() -> None:
    call = {"type": "item.started", "item": {"type": "command_execution", "command": "a\x1b]0;title\x07\nb\x1b[2J"}}
    _reader, events = read("codex", [call])
    shown = next(event.detail for event in events if isinstance(event, ToolCalled))
    assert "\x1b" not in shown
    assert "\x07" not in shown
