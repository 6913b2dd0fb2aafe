"""The memory: whatever happens, what lies on the disk is a conversation that a provider takes."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from agentloop.builtin import session as sessions
from agentloop.builtin.session import Session, open_session
from agentloop.config import state_folder
from agentloop.errors import UsageError
from agentloop.models import Answer


def answer(*calls: tuple[str | None, str, str], text: str = "") -> Answer:
    """An answer with calls: id, name, arguments."""
    raw = [{"id": id_, "type": "function", "function": {"name": name, "arguments": said}} for id_, name, said in calls]
    message: dict[str, Any] = {"role": "assistant", "content": text or None, **({"tool_calls": raw} if raw else {})}
    return Answer(text, (), message, 1, 1, None)


def is_valid(messages: list[dict[str, Any]]) -> bool:
    """Each call has its result right behind it, and no two prompts stand side by side."""
    wanted: list[str] = []
    for before, message in zip([{}, *messages], messages, strict=False):
        if message["role"] == "tool":
            if message["tool_call_id"] not in wanted:
                return False
            wanted.remove(message["tool_call_id"])
        elif wanted or message["role"] == before.get("role"):
            return False
        wanted += [call["id"] for call in message.get("tool_calls", [])]
    return not wanted


def test_it_is_read_back_as_it_was_and_for_its_owner_alone() -> None:
    session = open_session("s", resume=False)
    session.prompt("Do 'this' \U0001f600 \"now\"\r\n-- \t")
    session.answer(answer(text="Done."))
    again = open_session("s", resume=True)
    assert again == session
    file = state_folder() / "builtin/s.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["s.json"]


def test_each_state_on_the_disk_is_a_valid_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[list[dict[str, Any]]] = []
    monkeypatch.setattr(Session, "save", lambda self: saved.append(json.loads(json.dumps(self.messages))))
    session = Session("s")
    session.prompt("Go.")
    calls = session.answer(answer(("a", "shell", "{}"), ("b", "edit", "{}")))
    for call in calls:
        session.result(call, f"result of {call.id}")
    session.answer(answer(text="Done."))
    session.prompt("On.")
    assert len(saved) == 6
    assert all(is_valid(messages) for messages in saved)
    assert "killed" in saved[1][-1]["content"]
    assert [message["content"] for message in saved[-1][2:4]] == ["result of a", "result of b"]


def test_a_prompt_that_nobody_answered_is_not_repeated() -> None:
    session = Session("s")
    session.prompt("Do this.")
    session.prompt("Do this.")
    session.prompt("Your last turn was cut off.")
    assert session.messages == [{"role": "user", "content": "Do this.\n\nYour last turn was cut off."}]


@pytest.mark.parametrize("said", ['{"command": "ls', "[1]", '"ls"', "null", "[" * 100_000])
def test_arguments_that_are_no_object_stay_out_of_the_conversation(said: str) -> None:
    session = Session("s")
    (call,) = session.answer(answer(("a", "shell", said)))
    assert sessions.arguments(call) is None
    assert session.messages[0]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_ids_and_names_that_no_provider_takes_back_are_mended() -> None:
    session = Session("s")
    first = session.answer(answer(("a", "shell", "{}"), ("a", "no such tool!", "{}"), (None, "", "")))
    second = session.answer(answer(("a", "shell", "{}")))
    assert len({call.id for call in [*first, *second]}) == 4
    assert [call.name for call in first] == ["shell", "no_such_tool_", "unknown"]
    assert is_valid([{"role": "user"}, *session.messages[:4], {"role": "user"}, *session.messages[4:]])


def test_half_a_character_is_no_obstacle() -> None:
    session = Session("s")
    session.answer(answer(("a", "shell", '{"command": "\\ud83d"}'), text="\ud83d"))
    session.answer(answer(text="\ud83d"))
    json.dumps(session.messages, ensure_ascii=False).encode()


def test_a_fork_leaves_the_session_as_it_was() -> None:
    session = open_session("s", resume=False)
    session.prompt("Do this.")
    copy = sessions.fork("s")
    copy.answer(answer(text="Done."))
    assert copy.id != "s"
    assert len(open_session("s", resume=True).messages) == 1
    assert len(open_session(copy.id, resume=True).messages) == 2


def test_what_is_no_session_is_told() -> None:
    for name in ("../up", "", "-x", "a/b", "x" * 101):
        with pytest.raises(UsageError, match="malformed"):
            open_session(name, resume=False)
    with pytest.raises(UsageError, match="there is no session 'gone'"):
        open_session("gone", resume=True)
    Path(state_folder() / "builtin").mkdir(parents=True)
    for content in ("", "[]", '{"other": 1}', "\udcff"):
        (state_folder() / "builtin/broken.json").write_bytes(content.encode("utf-8", "surrogateescape"))
        with pytest.raises(UsageError, match="there is no session 'broken' that can be read"):
            open_session("broken", resume=True)
