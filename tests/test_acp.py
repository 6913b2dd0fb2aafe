"""The ACP driver against a real program over real pipes, that behaves, dies, hangs and floods as it is told."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentloop.agents.acp import entering
from agentloop.agents.acp import session as acp_session
from agentloop.agents.acp.session import AcpSession
from agentloop.agents.session import Turn
from agentloop.agents.spec import Acp, Adapter
from agentloop.errors import CannotStartError
from agentloop.events import Counters, Event
from agentloop.interrupts import Interrupted, noted

AGENT = Path(__file__).parent / "scripted_acp_agent.py"
SAY = {"say": "Done."}
ERRORS = [{"kind": "rate_limit", "pattern": "too many", "reset": "again in (\\S+)"}]


@dataclass
class Bench:
    """A script, and sessions of the agent that follows it."""

    folder: Path
    events: list[Event] = field(default_factory=list)
    opened: list[AcpSession] = field(default_factory=list)

    @property
    def script(self) -> Path:
        return self.folder / "script.json"

    def turns(self, *turns: list[dict[str, Any]], **rest: Any) -> None:
        """Say what the agent does."""
        self.script.write_text(json.dumps({"turns": turns, **rest}))

    def open(self, acp: dict[str, Any] | None = None, **settings: Any) -> AcpSession:
        """A session, in a process that does not run yet."""
        said = {"command": [sys.executable, str(AGENT), str(self.script)], **(acp or {})}
        adapter = Adapter.model_validate({"name": "scripted", "acp": said, "errors": ERRORS})
        assert adapter.acp
        run = f"acp-{os.getpid()}-{self.folder.name}"
        session = AcpSession(adapter, adapter.acp, sys.executable, (), run, self.folder, **settings)
        self.opened.append(session)
        return session

    def send(self, session: AcpSession, prompt: str = "Do it", **told: Any) -> Turn:
        """Take a turn."""
        limits: dict[str, Any] = {"timeout_s": 30.0, "idle_timeout_s": 30.0, **told}
        self.events.clear()
        return session.send(prompt, log=self.folder / "turn.log", emit=self.events.append, **limits)

    def turn(self, *steps: dict[str, Any], acp: dict[str, Any] | None = None, **settings: Any) -> Turn:
        """Take the only turn of a session."""
        self.turns([*steps])
        return self.send(self.open(acp, **settings))

    def prompts(self) -> list[dict[str, Any]]:
        """What the agent was asked, turn by turn."""
        return [json.loads(line) for line in self.script.with_suffix(".log").read_text().splitlines()]

    def answers(self) -> list[Any]:
        """What the agent was answered when it asked."""
        return [json.loads(line) for line in self.script.with_suffix(".answers").read_text().splitlines()]

    def said(self, *kinds: str) -> list[dict[str, Any]]:
        """The events of the last turn."""
        known = [event.model_dump(exclude={"seq", "at"}) for event in self.events]
        return [event for event in known if event["type"] in kinds]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    for session in made.opened:
        session.close()


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_two_prompts_go_to_one_session_of_one_process(bench: Bench) -> None:
    bench.turns([{"say": "One"}, {"say": " and"}, {"say": " the same."}], [{"say": "Two."}])
    session = bench.open()
    assert not session.remembers
    one = bench.send(session, "First")
    assert (one.status, one.text, one.error) == ("done", "One and the same.", "")
    assert [event["session"] for event in bench.said("session.opened")] == [session.id]
    assert session.remembers
    two = bench.send(session, "Second")
    assert (two.text, two.session) == ("Two.", one.session)
    assert bench.said("session.opened") == []
    first, second = bench.prompts()
    assert second["before"] == ["First"]
    assert first["pid"] == second["pid"]
    session.close()
    assert not alive(first["pid"])


def test_a_long_nasty_prompt_arrives_byte_for_byte(bench: Bench) -> None:
    nasty = "--flag 'single' \"double\" `tick` $HOME \\ \t\r\n\u2028\u0085 \x01\x1b[31m \U0001f600 e\u0301 {prompt}\n"
    prompt = (nasty * (200_000 // len(nasty.encode()) + 1)) + "\n-- end"
    bench.turns([{"say": "x" * 300_000}, SAY])
    assert bench.send(bench.open(), prompt).status == "done"
    (known,) = bench.prompts()
    assert known["prompt"].encode() == prompt.encode()


def test_a_tool_call_begins_a_new_text_and_is_told_once_with_its_command(bench: Bench) -> None:
    ran = bench.turn({"say": "I try."}, {"run": "echo out; false"}, {"run": "cat a/SKILL.md"}, SAY)
    assert (ran.text, ran.tool_calls) == ("Done.", 2)
    called = bench.said("tool.called", "tool.ended", "skill.loaded")
    assert [event["type"] for event in called] == [
        "tool.called", "tool.ended", "tool.called", "skill.loaded", "tool.ended"
    ]  # fmt: skip
    assert (called[0]["name"], called[0]["command"]) == ("execute", "echo out; false")
    assert called[0]["call"] == called[1]["call"]
    assert (called[1]["failed"], called[1]["output"]) == (True, "out\n")
    assert called[3]["name"] == "a"


def test_pieces_of_another_message_begin_a_new_text(bench: Bench) -> None:
    def piece(text: str, message: str | None) -> dict[str, Any]:
        said = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
        return {"update": said | ({"messageId": message} if message else {})}

    assert bench.turn(piece("Warning", None), piece("A", "1"), piece("B", "1"), piece("!", None)).text == "AB!"


def test_calls_in_pieces(bench: Bench) -> None:
    def tool(form: str, **said: Any) -> dict[str, Any]:
        return {"update": {"sessionUpdate": form, "toolCallId": "1", **said}}

    bench.turn(
        tool("tool_call", status="pending", kind="execute", rawInput={"cwd": "/"}),
        tool("tool_call_update", rawInput={"command": ["bash", "-c", "echo a b"]}),
        tool("tool_call_update", status="in_progress", title="later"),
        tool("tool_call_update", status="completed"),
        tool("tool_call_update", status="completed"),
        {"update": {"sessionUpdate": "tool_call", "toolCallId": "2", "title": "never more"}},
    )
    told = bench.said("tool.called", "tool.ended")
    assert [(event["type"], event["call"]) for event in told] == [
        ("tool.called", "1"), ("tool.ended", "1"), ("tool.called", "2")
    ]  # fmt: skip
    assert told[0]["command"] == "bash -c 'echo a b'"
    assert told[2]["detail"] == "never more"


def test_a_new_process_goes_on_and_the_replay_is_not_this_turn(bench: Bench) -> None:
    bench.turns([{"run": "true"}, SAY], [{"say": "Again."}])
    before = bench.open()
    bench.send(before, "First")
    before.close()
    after = bench.open(id=before.id)
    assert after.remembers
    turn = bench.send(after, "Second")
    assert (turn.text, turn.tool_calls, turn.session) == ("Again.", 0, before.id)
    assert bench.events == []
    first, second = bench.prompts()
    assert second["before"] == ["First"]
    assert first["pid"] != second["pid"]


def test_an_agent_that_cannot_load_loses_the_session(bench: Bench) -> None:
    bench.turns([SAY], offers={})
    before = bench.open()
    bench.send(before)
    assert before.remembers
    before.close()
    assert not before.remembers
    after = bench.open(id=before.id)
    turn = bench.send(after)
    assert (turn.status, turn.error_class) == ("failed", "session_lost")
    assert bench.send(after).status == "done"
    assert after.id != before.id


def test_a_session_that_is_not_found_is_lost(bench: Bench) -> None:
    bench.turns([SAY], on={"session/load": [{"error": {"code": -32002, "message": "Resource not found"}}]})
    (bench.folder / "script.sessions").mkdir()
    (bench.folder / "script.sessions/gone").write_text("")
    turn = bench.send(bench.open(id="gone"))
    assert (turn.status, turn.error_class) == ("failed", "session_lost")
    assert "session/load: Resource not found" in turn.error


def test_resume_where_there_is_no_load(bench: Bench) -> None:
    bench.turns([SAY], offers={"sessionCapabilities": {"resume": {}}})
    assert bench.send(bench.open(id="old")).status == "failed"  # the program knows no such session
    bench.turns([SAY], offers={"sessionCapabilities": {"resume": {}}})
    before = bench.open()
    bench.send(before)
    before.close()
    assert bench.send(bench.open(id=before.id)).session == before.id


ASKED = {
    "a command": ({"kind": "execute"}, {"edit", "full"}),
    "an edit here": ({"kind": "edit", "locations": [{"path": "a/b.py"}]}, {"edit", "full"}),
    "an edit elsewhere": ({"kind": "edit", "locations": [{"path": "/etc/passwd"}]}, {"full"}),
    "an edit by a way out": ({"kind": "edit", "content": [{"type": "diff", "path": "../b.py"}]}, {"full"}),
    "a look": ({"kind": "read", "locations": [{"path": "/etc/passwd"}]}, {"read", "edit", "full"}),
    "another mode": ({"kind": "switch_mode"}, {"full"}),
    "no kind": ({"kind": None}, {"edit", "full"}),
    "nonsense": ({"kind": ["read"], "locations": "x", "content": [{"path": 7}]}, {"edit", "full"}),
}


@pytest.mark.parametrize("mode", ["read", "edit", "full"])
def test_permissions_are_given_by_the_mode(bench: Bench, mode: Any) -> None:
    steps = [{"run": f"touch {at}", "ask": True, "tool": tool} for at, (tool, _) in enumerate(ASKED.values())]
    turn = bench.turn(*steps, permissions=mode)
    assert turn.status == "done"
    passed = [mode in modes for _tool, modes in ASKED.values()]
    assert [(bench.folder / str(at)).exists() for at in range(len(ASKED))] == passed
    assert [answer.get("optionId") for answer in bench.answers()] == ["yes" if passes else "no" for passes in passed]
    assert turn.denied == tuple(f"touch {at}" for at, passes in enumerate(passed) if not passes)


@pytest.mark.parametrize(
    ("mode", "kinds", "outcome"),
    [
        ("edit", ["allow_always"], "cancelled"),
        ("full", ["allow_always"], "allow_always"),
        ("edit", ["allow_always", "reject_always"], "reject_always"),
        ("read", ["allow_once"], "cancelled"),
        ("full", [], "cancelled"),
    ],
)
def test_the_least_lasting_answer_is_chosen(bench: Bench, mode: Any, kinds: list[str], outcome: str) -> None:
    options = [{"optionId": kind, "name": kind, "kind": kind} for kind in kinds]
    bench.turn({"run": "true", "ask": options}, permissions=mode)
    (answer,) = bench.answers()
    assert answer.get("optionId", answer["outcome"]) == outcome


def test_nothing_is_offered_to_the_agent_but_answers(bench: Bench) -> None:
    turn = bench.turn(
        {"request": "fs/read_text_file", "params": {"path": "/etc/passwd"}},
        {"request": "terminal/create", "params": {"command": "id"}},
        {"request": "session/request_permission", "params": {"toolCall": "x", "options": 3}},
        SAY,
    )
    assert turn.status == "done"
    read, create, asked = bench.answers()
    assert read["error"]["code"] == create["error"]["code"] == -32601
    assert asked["result"] == {"outcome": {"outcome": "cancelled"}}


@pytest.mark.parametrize(
    ("entered", "method"),
    [
        ({"modes": {"availableModes": [{"id": "careful"}]}}, "session/set_mode"),
        ({"configOptions": [{"id": "m", "category": "mode"}]}, "session/set_config_option"),
    ],
)
def test_the_mode_is_set_in_each_process_or_the_turn_fails(bench: Bench, entered: dict[str, Any], method: str) -> None:
    bench.turns([SAY], entered=entered)
    session = bench.open(mode="careful")
    assert bench.send(session).status == "done"
    assert f'"method":"{method}"' in (bench.folder / "turn.log").read_text()
    session.close()
    bench.turns([SAY], entered=entered, on={method: [{"error": {"code": 1, "message": "no such mode"}}]})
    turn = bench.send(session)
    assert (turn.status, turn.error_class) == ("failed", "permanent")
    assert "'careful' cannot be set: no such mode" in turn.error


@pytest.mark.parametrize(
    ("usage", "second"),
    [("session", (150, 8)), ("turn", (250, 18))],
)
def test_usage_and_cost(bench: Bench, usage: str, second: tuple[int, int]) -> None:
    def end(tokens: int, words: int, cost: float) -> list[dict[str, Any]]:
        said = {"sessionUpdate": "usage_update", "cost": {"amount": cost, "currency": "USD"}}
        used = {"inputTokens": tokens, "cachedReadTokens": 50, "outputTokens": words}
        return [{"update": said}, {"stop": "end_turn", "usage": used}]

    bench.turns(end(50, 10, 0.25), end(200, 18, 1.0))
    session = bench.open({"usage": usage}, counters=Counters())
    first = bench.send(session).usage
    assert (first.input_tokens, first.output_tokens, first.cost_usd) == (100, 10, 0.25)
    turn = bench.send(session)
    assert (turn.usage.input_tokens, turn.usage.output_tokens, turn.usage.cost_usd) == (*second, 0.75)
    assert turn.counters.cost_usd == 1.0


def test_an_adapter_says_where_else_things_stand(bench: Bench) -> None:
    paths = {"input_tokens": "_meta.used", "error": "_meta.broken && 'it broke'"}
    broken: list[dict[str, Any]] = [{"say": "too many"}, {"stop": "end_turn", "_meta": {"broken": True}}]
    bench.turns([{"stop": "end_turn", "_meta": {"used": 7}}], broken)
    session = bench.open({"usage": "turn", "paths": paths})
    turn = bench.send(session)
    assert (turn.status, turn.usage.input_tokens) == ("done", 7)
    turn = bench.send(session)
    assert (turn.status, turn.error, turn.error_class) == ("failed", "it broke: too many", "rate_limit")


@pytest.mark.parametrize(
    ("stop", "words"),
    [
        ("max_tokens", "its model may say no more"),
        ("max_turn_requests", "its own limit"),
        ("refusal", "refuses"),
        ("cancelled", "by itself"),
        ("whatever", "without saying why"),
        (None, "without saying why"),
    ],
)
def test_other_ends_than_the_end_are_failures_after_which_it_goes_on(bench: Bench, stop: Any, words: str) -> None:
    bench.turns([SAY, {"stop": stop}], [{"say": "Now."}])
    session = bench.open()
    turn = bench.send(session)
    assert (turn.status, turn.error_class, turn.text) == ("failed", None, "Done.")
    assert words in turn.error
    assert bench.send(session).text == "Now."
    assert bench.prompts()[1]["before"] == ["Do it"]


@pytest.mark.parametrize(
    ("error", "words", "kind"),
    [
        ({"code": -32000, "message": "Authentication required"}, "Authentication required", "login"),
        ({"code": 1, "message": "x", "data": {"details": "too many; again in 5m"}}, "x: too many", "rate_limit"),
        ({"code": -32603, "message": "Internal error", "data": {"a": 1}}, 'Internal error: {"a": 1}', None),
        ({"code": -32000, "message": "too many"}, "too many", "rate_limit"),
        ("not even an object", "not even an object", None),
        ({"message": ["x"], "code": {}}, "['x']", None),
    ],
)
def test_errors_are_classified_and_the_session_stays(bench: Bench, error: Any, words: str, kind: str | None) -> None:
    bench.turns([{"error": error}], [SAY])
    session = bench.open()
    turn = bench.send(session)
    assert (turn.status, turn.error_class) == ("failed", kind)
    assert words in turn.error
    assert (turn.reset_at is not None) == ("again in" in turn.error)
    assert bench.send(session).status == "done"
    assert bench.prompts()[1]["before"] == ["Do it"]


def test_an_agent_that_wants_a_login_first(bench: Bench) -> None:
    bench.turns([SAY], on={"session/new": [{"error": {"code": -32000, "message": "Authentication required"}}]})
    turn = bench.send(bench.open())
    assert (turn.status, turn.error_class, turn.session) == ("failed", "login", None)


def test_an_agent_that_dies_is_started_again_and_told_to_go_on(bench: Bench) -> None:
    bench.turns([{"say": "I"}, {"stderr": "too many"}, {"exit": 3}], [SAY])
    session = bench.open()
    turn = bench.send(session, "First")
    assert (turn.status, turn.exit_code, turn.error_class, turn.text) == ("failed", 3, "rate_limit", "I")
    assert "exit code 3" in turn.error
    assert session.remembers
    assert bench.send(session, "Second").status == "done"
    assert bench.prompts()[1]["before"] == ["First"]


def test_an_agent_that_dies_between_turns_is_started_again(bench: Bench) -> None:
    bench.turns([SAY, {"child": "sleep 60"}], [SAY])
    session = bench.open()
    bench.send(session, "First")
    (first,) = bench.prompts()
    os.kill(first["pid"], 9)
    os.waitid(os.P_PID, first["pid"], os.WEXITED | os.WNOWAIT)  # its last thread, too
    assert bench.send(session, "Second").status == "done"
    assert bench.prompts()[1]["before"] == ["First"]


def test_children_end_with_it_and_do_not_keep_the_turn_open(bench: Bench) -> None:
    left = bench.folder / "pids"
    bench.turns([{"child": f"(setsid sh -c 'echo $$ >> {left}; exec sleep 60' &) ; echo $$ >> {left}; exec sleep 60"},
                 {"run": f"until [ $(wc -l < {left}) = 2 ]; do sleep 0.02; done"}, {"exit": 1}])  # fmt: skip
    turn = bench.send(bench.open())
    assert turn.status == "failed"
    assert len(turn.killed) == 2
    assert not any(alive(int(pid)) for pid in left.read_text().split())


def test_a_turn_that_takes_too_long_is_cancelled_and_the_session_goes_on(bench: Bench) -> None:
    bench.turns([{"say": "Slow"}, {"sleep_s": 60}], [SAY])
    session = bench.open()
    ticks: list[float] = []
    turn = bench.send(session, "First", timeout_s=1.5, on_tick=ticks.append)
    assert (turn.status, turn.error, turn.text) == ("timed_out", "it took too long", "Slow")
    assert ticks
    assert bench.send(session, "Second").status == "done"
    first, second = bench.prompts()
    assert first["pid"] == second["pid"]


@pytest.mark.parametrize(("limits", "status"), [({"timeout_s": 1.0}, "timed_out"), ({"idle_timeout_s": 1.0}, "idle")])
def test_an_agent_that_does_not_hear_is_killed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any], status: str
) -> None:
    monkeypatch.setattr(acp_session, "_GRACE_S", 0.2)
    bench.turns([{"sleep_s": 60, "deaf": True}])
    session = bench.open()
    assert bench.send(session, **limits).status == status
    assert not alive(bench.prompts()[0]["pid"])


def test_an_agent_that_does_not_read_its_prompt_is_killed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acp_session, "_GRACE_S", 0.2)
    hello, new = '{"id": 0, "result": {}}', '{"id": 1, "result": {"sessionId": "s"}}'
    program = f"echo $$ > pid; read a; echo '{hello}'; read b; echo '{new}'; exec sleep 60"
    session = bench.open({"command": ["sh", "-c", program]})
    turn = bench.send(session, "x" * 500_000, timeout_s=1.5)
    assert (turn.status, turn.session) == ("timed_out", "s")
    assert not alive(int((bench.folder / "pid").read_text()))


def test_nothing_is_granted_after_the_time_is_over(bench: Bench) -> None:
    bench.turns([{"sleep_s": 60}, {"run": "touch late", "ask": True}], [SAY])
    session = bench.open()
    assert bench.send(session, timeout_s=1.0).status == "timed_out"
    assert bench.answers() == [{"outcome": "cancelled"}]
    assert not (bench.folder / "late").exists()


@pytest.mark.parametrize("limits", [{"timeout_s": 0.7}, {}])
def test_an_agent_that_never_says_hello(bench: Bench, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any]) -> None:
    monkeypatch.setattr(entering, "STARTUP_S", 1.0)
    bench.turns([SAY], on={"initialize": [{"mute": True}]})
    turn = bench.send(bench.open(), **limits)
    if limits:
        assert turn.status == "timed_out"
    else:
        assert (turn.status, turn.error_class) == ("failed", None)
        assert "does not answer initialize within 1 s" in turn.error


NO_HELLO = "does not answer initialize"


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (["cat"], "Method not found"),
        (["true"], "exit code 0"),
        (["yes"], NO_HELLO),
        (["head", "-c", "100000000", "/dev/zero"], "exit code 0"),
        (["sh", "-c", "exec 0<&- 1>&-; sleep 60"], "it closed its pipes"),
    ],
)
def test_programs_that_speak_something_else(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, program: list[str], words: str
) -> None:
    if words == NO_HELLO:
        monkeypatch.setattr(entering, "STARTUP_S", 1.0)
    turn = bench.send(bench.open({"command": program}))
    assert turn.status == "failed"
    assert words in turn.error
    assert (bench.folder / "turn.log").stat().st_size < 40_000_000


GARBAGE = [
    "not json\n",
    "\x00\xff\n\n   \n",
    "[1, 2]\n",
    '"text"\n',
    "[" * 100_000 + "\n",
    '{"id": {}, "result": 1}\n',
    '{"id": [1], "error": "x"}\n',
    '{"id": 99, "result": {}}\n',
    '{"id": "mine-1", "error": {}}\n',
    '{"jsonrpc": "2.0"}\n',
    '{"method": 7, "id": 1}\n',
    '{"method": "session/update"}\n',
    '{"method": "session/update", "params": [1]}\n',
    '{"method": "session/update", "params": {"sessionId": "other", "update": {"sessionUpdate": "tool_call"}}}\n',
    '{"method": "unheard/of", "params": {}}\n',
    '{"id": null, "method": "unheard/of"}\n',
    '{"id": 1' + "0" * 5000 + ', "result": {}}\n',
]


def test_garbage_in_between_is_passed_over(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    updates = [
        {"sessionUpdate": "agent_message_chunk", "content": 7},
        {"sessionUpdate": "agent_message_chunk", "content": {"text": {"a": "\x1b[31m"}}},
        {"sessionUpdate": "tool_call"},
        {"sessionUpdate": "tool_call", "toolCallId": {}, "rawInput": [1], "title": 3, "kind": {}, "status": []},
        {"sessionUpdate": ["tool_call"], "toolCallId": 1},
        {"sessionUpdate": "tool_call_update", "toolCallId": "x" * 10_000, "status": "completed", "content": 3},
        {"sessionUpdate": "usage_update", "cost": {"amount": -1, "currency": "USD"}},
    ]
    turn = bench.turn(
        *({"raw": line} for line in GARBAGE), *({"update": said} for said in updates), {"run": "true"}, SAY
    )
    assert (turn.status, turn.text) == ("done", "Done.")
    assert capfd.readouterr() == ("", "")


def test_a_line_without_end_is_passed_over_and_not_kept(bench: Bench) -> None:
    turn = bench.turn({"raw": "x" * 1_000_000, "times": 100}, {"raw": "\n"}, SAY)
    assert (turn.status, turn.text) == ("done", "Done.")
    assert "was passed over" in (bench.folder / "turn.log").read_text()
    assert (bench.folder / "turn.log").stat().st_size < 1_000_000


def test_a_flood_of_updates_comes_to_its_end(bench: Bench) -> None:
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "a"}}
    line = json.dumps({"method": "session/update", "params": {"sessionId": "SESSION", "update": update}}) + "\n"
    bench.turns([SAY], [{"raw": line, "times": 3000}, {"run": "true"}, SAY])
    session = bench.open()
    bench.send(session)
    script = bench.script.read_text().replace("SESSION", str(session.id))
    session.close()
    bench.script.write_text(script)
    turn = bench.send(session)
    assert (turn.status, turn.text) == ("done", "Done.")


def test_a_flood_without_end_is_cut_by_the_clock(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acp_session, "_GRACE_S", 0.2)
    question = json.dumps({"id": 1, "method": "fs/read_text_file", "params": {"path": "x" * 500}}) + "\n"
    bench.turns([{"raw": question, "times": 10**9}])
    assert bench.send(bench.open(), timeout_s=1.5).status == "timed_out"


def test_what_is_said_is_logged_without_secrets(bench: Bench) -> None:
    key = "sk-ant-" + "api03-" + "a1B2" * 24
    bench.turn({"say": key}, {"stderr": f"key {key}"})
    log = (bench.folder / "turn.log").read_text()
    assert '"method":"session/prompt"' in log
    assert '"sessionUpdate": "agent_message_chunk"' in log
    assert key not in log


def test_a_missing_program_is_said(bench: Bench) -> None:
    with pytest.raises(CannotStartError):
        bench.send(bench.open({"command": ["no-such-program-at-all"]}))


def test_an_interrupt_ends_the_agent(bench: Bench) -> None:
    bench.turns([{"run": f"kill -TERM {os.getpid()}"}, {"sleep_s": 60}])
    with noted(), pytest.raises(Interrupted):
        bench.send(bench.open())
    assert not alive(bench.prompts()[0]["pid"])


def test_a_full_disk_is_not_swallowed(bench: Bench) -> None:
    bench.turns([{"run": "true"}, {"sleep_s": 60}])

    def emit(_event: Event) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        bench.open().send("x", log=bench.folder / "log", timeout_s=30, idle_timeout_s=30, emit=emit)


def test_an_adapter_that_only_speaks_acp(tmp_path: Path) -> None:
    adapter = Adapter(name="a", acp=Acp(command=("a", "acp")))
    assert adapter.driver == "acp"
