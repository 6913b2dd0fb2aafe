"""What agents print, as it comes: torn, mixed with noise, endless."""

import json
import tracemalloc
from typing import Any

import pytest

from agentloop.agents import registry
from agentloop.agents.stream import MAX_LINE_BYTES, StreamReader
from agentloop.agents.stream_spec import Expressions, Patterns, Stream
from agentloop.events import AgentWaited, Counters, Event, SessionOpened, SkillLoaded, ToolCalled, ToolEnded

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
        "model_usage_since_last_result": {},
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


@pytest.mark.parametrize(
    ("since_last", "totals"),
    [([None, None, None], [0.25, 0.0, 0.25]), ([{}, {}, {"m": {"costUSD": 0.25}}], [0.25, 0.25, 0.5])],
    ids=["2.1.197: of the turn", "2.1.330: of the session"],
)
def test_what_three_turns_of_claude_cost(since_last: list[object], totals: list[float]) -> None:
    """Measured on both versions: a turn, one that failed before it cost anything, another turn."""
    counters, costs = Counters(), []
    for since, total in zip(since_last, totals, strict=True):
        line: dict[str, Any] = {
            "type": "result",
            "total_cost_usd": total,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        if since is not None:
            line["model_usage_since_last_result"] = since
        usage, counters = read("claude", [line])[0].usage(counters)
        costs.append(usage.cost_usd)
        assert (usage.input_tokens, usage.output_tokens) == (0, 0)
    assert costs == [0.25, 0.0, 0.25]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1", "true", '"7"', "[1]", "1e400"])
def test_a_number_that_is_no_amount_is_unknown(number: str) -> None:
    reader = StreamReader(registry.load("codex").stream, lambda event: None)
    line = f'{{"type":"turn.completed","usage":{{"input_tokens":{number},"output_tokens":2.0}}}}\n'
    reader.feed(line.encode())
    usage, _after = reader.usage(Counters())
    assert (usage.input_tokens, usage.output_tokens) == (None, 2)


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
    reader = StreamReader(Stream(patterns=Patterns(session=r"session: (\S+)")), events.append)
    for chunk in (b"hello\nsess", b"ion: ab", b"c\nmore"):
        reader.feed(chunk)
    assert reader.session == "abc"
    assert reader.text == "hello\nsession: abc\nmore"


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_session_that_is_torn_is_not_named_by_half(cut: int) -> None:
    events: list[Event] = []
    reader = StreamReader(Stream(patterns=Patterns(session=r"^session: (\w+)")), events.append)
    text = b"hello\nsession: abcdef\nmore"
    reader.feed(text[:cut])
    reader.feed(text[cut:])
    reader.close()
    assert [event.session for event in events if isinstance(event, SessionOpened)] == ["abcdef"]


def test_a_session_is_found_before_much_other_text_and_in_a_last_line_without_an_end() -> None:
    reader = StreamReader(Stream(patterns=Patterns(session=r"session: (\w+)")), lambda event: None)
    reader.feed(b"session: abc\n" + b"x" * 60_000)
    assert reader.session == "abc"
    reader = StreamReader(Stream(patterns=Patterns(session=r"session: (\w+)")), lambda event: None)
    reader.feed(b"y" * 60_000 + b" session: abc")
    assert reader.session is None
    reader.close()
    assert reader.session == "abc"


@pytest.mark.parametrize("name", ["--dangerous", "  ", "\x1b[0m"])
def test_a_session_by_a_name_that_cannot_be_one_is_not_taken(name: str) -> None:
    reader, events = read("codex", [{"type": "thread.started", "thread_id": name}])
    assert (reader.session, events) == (None, [])


def test_half_of_a_surrogate_pair_can_be_written_down() -> None:
    half = "a\ud83d"
    lines: list[dict[str, Any]] = [
        {"type": "thread.started", "thread_id": half},
        {"type": "item.started", "item": {"type": "command_execution", "command": half}},
        {"type": "error", "message": f"Reconnecting {half}"},
        {"type": "item.completed", "item": {"type": "agent_message", "text": half}},
        {"type": "turn.failed", "error": {"message": half}},
    ]
    reader, events = read("codex", lines)
    assert len(events) == 3
    for words in (reader.text, reader.error, *(event.model_dump_json() for event in events)):
        assert "a\ufffd" in words
        words.encode()


@pytest.mark.parametrize("depth", [900, 1_000, 200_000])
def test_a_line_that_is_nested_too_deep_is_noise(depth: int) -> None:
    reader = StreamReader(Stream(format="jsonl", paths=Expressions(tools="[{name: a, detail: a}]")), lambda event: None)
    reader.feed(b'{"a":' + b"[" * depth + b"1" + b"]" * depth + b"}\n")
    reader.feed(b'{"a": "b"}\n')
    assert reader.tool_calls >= 1


@pytest.mark.parametrize("tools", ["a", "b", "c", "length(b)", "b || a"])
def test_an_expression_for_tools_that_gives_no_list_reports_none(tools: str) -> None:
    reader = StreamReader(Stream(format="jsonl", paths=Expressions(tools=tools)), lambda event: None)
    reader.feed(b'{"a": 7, "b": "word", "c": true}\n')
    assert reader.tool_calls == 0


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


def test_what_claude_ran_and_how_it_came_out_is_told() -> None:
    calls = [
        {"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": "make\n  test"}},
        {"type": "tool_use", "id": "c2", "name": "Bash", "input": {"command": "make all"}},
    ]
    results = [
        {"type": "tool_result", "tool_use_id": "c1", "content": "Exit code 2\nno rule", "is_error": True},
        {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "built"}]},
    ]
    lines: list[dict[str, Any]] = [
        {"type": "system", "subtype": "init", "session_id": "s", "model": "a-model"},
        {"type": "assistant", "message": {"content": calls}},
        {"type": "user", "message": {"content": results}},
        {"type": "user", "message": {"content": "a prompt"}},
    ]
    reader, events = read("claude", lines)
    assert [(event.call, event.command) for event in events if isinstance(event, ToolCalled)] == [
        ("c1", "make\n  test"),
        ("c2", "make all"),
    ]
    assert [(event.call, event.failed, event.output) for event in events if isinstance(event, ToolEnded)] == [
        ("c1", True, "Exit code 2\nno rule"),
        ("c2", False, ""),
    ]
    assert reader.model == "a-model"


def test_what_codex_ran_and_how_it_came_out_is_told() -> None:
    item = {"id": "item_1", "type": "command_execution", "command": "bash -lc 'make'"}
    lines: list[dict[str, Any]] = [
        {"type": "item.started", "item": {**item, "exit_code": None}},
        {"type": "item.completed", "item": {**item, "exit_code": 2, "aggregated_output": "no rule"}},
        {"type": "item.completed", "item": {**item, "id": "item_2", "exit_code": 0, "aggregated_output": "fine"}},
        {"type": "item.completed", "item": {**item, "id": "item_3", "exit_code": None, "status": "declined"}},
    ]
    _reader, events = read("codex", lines)
    assert [event.command for event in events if isinstance(event, ToolCalled)] == ["bash -lc 'make'"]
    assert [(event.call, event.failed, event.output) for event in events if isinstance(event, ToolEnded)] == [
        ("item_1", True, "no rule"),
        ("item_2", False, ""),
        ("item_3", True, ""),
    ]


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Skill", {"skill": "mend-dates"}),
        ("Read", {"file_path": "/w/.claude/skills/mend-dates/SKILL.md"}),
        ("Bash", {"command": "cat skills/mend-dates/SKILL.md && ls"}),
    ],
)
def test_a_skill_that_is_loaded_is_told_of_once(tool: str, given: dict[str, str]) -> None:
    call = {"type": "tool_use", "id": "c", "name": tool, "input": given}
    line: dict[str, Any] = {"type": "assistant", "message": {"content": [call]}}
    _reader, events = read("claude", [line, line])
    assert [event.name for event in events if isinstance(event, SkillLoaded)] == ["mend-dates"]


@pytest.mark.parametrize("command", ["ls skills/*/SKILL.md", "cat SKILL.md", "grep x skills/mend/SKILL.md.bak"])
def test_a_skill_that_is_not_loaded_is_not_told_of(command: str) -> None:
    call = {"type": "tool_use", "id": "c", "name": "Bash", "input": {"command": command}}
    _reader, events = read("claude", [{"type": "assistant", "message": {"content": [call]}}])
    assert not [event for event in events if isinstance(event, SkillLoaded)]


def test_what_a_command_says_is_kept_within_bounds() -> None:
    call = {"type": "tool_use", "id": "c", "name": "Bash", "input": {"command": "x" * 100_000}}
    result = {"type": "tool_result", "tool_use_id": "c", "content": "y" * 100_000, "is_error": True}
    lines: list[dict[str, Any]] = [
        {"type": "assistant", "message": {"content": [call]}},
        {"type": "user", "message": {"content": [result]}},
    ]
    _reader, events = read("claude", lines)
    assert len(next(event.command for event in events if isinstance(event, ToolCalled))) < 4200
    assert len(next(event.output for event in events if isinstance(event, ToolEnded))) < 1700


def test_pieces_of_one_answer_are_joined_and_a_tool_call_begins_a_new_one() -> None:
    paths = Expressions(text="say", tools="run && [{name: 'shell', command: run}]")
    reader = StreamReader(Stream(format="jsonl", text="joined", paths=paths), lambda event: None)
    for line in ({"say": "I "}, {"say": "look"}, {"run": "ls"}, {"say": "Do"}, {"say": "ne"}):
        reader.feed(json.dumps(line).encode() + b"\n")
    assert reader.text == "Done"


def test_numbers_of_steps_are_added_up() -> None:
    paths = Expressions(input_tokens="i", output_tokens="o", cost_usd="c")
    reader = StreamReader(Stream(format="jsonl", usage="step", paths=paths), lambda event: None)
    reader.feed(b'{"i": 10, "o": 1, "c": 0.5}\n{"x": 1}\n{"i": 20, "o": 2, "c": 0.25}\n')
    usage, _counters = reader.usage(Counters())
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (30, 3, 0.75)


def test_numbers_and_errors_are_found_in_plain_text() -> None:
    patterns = Patterns(
        input_tokens=r"Tokens: ([\d.,]+[kM]?) sent",
        output_tokens=r"([\d.,]+[kM]?) received",
        session_cost_usd=r"([\d.]+) session",
        error=r"^litellm\.\w+Error.*",
    )
    reader = StreamReader(Stream(patterns=patterns), lambda event: None)
    reader.feed(b"Tokens: 1.2k sent, 1,234 received. Cost: $0.01 message, $0.05 session.\r\nlitellm.AuthErr")
    reader.feed(b"or\nlitellm.AuthError: no key")
    reader.close()
    usage, counters = reader.usage(Counters(cost_usd=0.02))
    assert (usage.input_tokens, usage.output_tokens, counters.cost_usd) == (1200, 1234, 0.05)
    assert usage.cost_usd == pytest.approx(0.03)
    assert reader.error == "litellm.AuthError: no key"


def test_a_document_is_read_like_a_last_line() -> None:
    paths = Expressions(text="messages[-1].content", cost_usd="info.cost", finished="info")
    reader = StreamReader(Stream(paths=paths), lambda event: None)
    reader.feed(b"words\n")
    for nothing in (b"", b"{", b"[1]"):
        reader.take_document(nothing)
    assert (reader.finished, reader.text) == (False, "words")
    reader.take_document(b'{"messages": [{"content": "Done."}], "info": {"cost": 0.5}}')
    assert (reader.finished, reader.text, reader.usage(Counters())[0].cost_usd) == (True, "Done.", 0.5)


def test_what_was_denied_and_when_a_limit_ends_are_kept() -> None:
    paths = Expressions(error="e", status="s", reset="r", denied="d")
    reader = StreamReader(Stream(format="jsonl", paths=paths), lambda event: None)
    reader.feed(b'{"d": ["Bash", "Edit"]}\n{"e": "slow down", "s": 429, "r": 1795644000}\n{"d": ["Bash"]}\n')
    assert (reader.denied, reader.status, reader.reset) == (("Bash", "Edit"), "429", 1795644000)
