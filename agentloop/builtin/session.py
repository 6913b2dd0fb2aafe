"""The agent's memory across turns: the conversation, one JSON file a session.

It lies in `${XDG_STATE_HOME:-~/.local/state}/agentloop/builtin/ID.json`, outside of the repository. After whatever
kill, each call of a tool has a result in it: providers refuse a conversation without.
"""

import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentloop.config import state_folder
from agentloop.errors import UsageError
from agentloop.models import Answer, ToolCall
from agentloop.text.quoting import writable

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_KILLED = "(no result: the program was killed while this ran)"


@dataclass(slots=True)
class Session:
    """A conversation in the form of Chat Completions, without the system prompt.

    Args:
        id: its name.
    """

    id: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    def save(self) -> None:
        """Write it in one step, for its owner alone."""
        file = _file_of(self.id)
        file.parent.mkdir(parents=True, exist_ok=True)
        staged = file.with_suffix(f".{os.getpid()}.tmp")
        staged.touch(mode=0o600)
        staged.write_text(json.dumps({"messages": self.messages}), encoding="utf-8")
        staged.replace(file)

    def prompt(self, text: str) -> None:
        """Take a prompt; one that was never answered is not left standing beside it."""
        last = self.messages[-1] if self.messages else {}
        if last.get("role") != "user":
            self.messages.append({"role": "user", "content": text})
        elif text not in last["content"]:
            last["content"] += f"\n\n{text}"
        self.save()

    def answer(self, answer: Answer) -> list[ToolCall]:
        """Take an answer, in a form that each provider takes back.

        Returns:
            The calls of tools in it, whose results are wanted.
        """
        # JSON holds halves of characters that UTF-8 cannot.
        message = json.loads(writable(json.dumps(answer.message, ensure_ascii=False)))
        raw_calls = message.get("tool_calls") or []
        known = {message.get("tool_call_id") for message in self.messages} | {None, ""}
        for call in raw_calls:
            call["id"] = f"call_{uuid.uuid4().hex[:16]}" if call.get("id") in known else call["id"]
            known.add(call["id"])
            function = call["function"]
            function["name"] = _NOT_IN_A_NAME.sub("_", function.get("name") or "unknown")[:64]
        calls = [ToolCall(raw["id"], raw["function"]["name"], raw["function"]["arguments"] or "") for raw in raw_calls]
        for call, raw in zip(calls, raw_calls, strict=True):
            raw["function"]["arguments"] = call.arguments if arguments(call) is not None else "{}"
        self.messages.append(message)
        self.messages += [{"role": "tool", "tool_call_id": call.id, "content": _KILLED} for call in calls]
        self.save()
        return calls

    def result(self, call: ToolCall, text: str) -> None:
        """Take the result of a call."""
        for message in reversed(self.messages):
            if message.get("tool_call_id") == call.id:
                message["content"] = text
                break
        self.save()


def arguments(call: ToolCall) -> Mapping[str, Any] | None:
    """What a tool is called with; None when the model did not write a JSON object."""
    try:
        content = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def open_session(name: str, *, resume: bool) -> Session:
    """Open a session by its id; start it when it does not exist and is not to be resumed.

    Raises:
        UsageError: the id is malformed, there is no such session to resume, or its file cannot be read.
    """
    file = _file_of(name)
    if not file.exists():
        if resume:
            raise UsageError(f"there is no session {name!r}", hint="start one with --session")
        return Session(name)
    try:
        return Session(name, json.loads(file.read_text(encoding="utf-8"))["messages"])
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"there is no session {name!r} that can be read: {error}", hint="start a new one") from error


def fork(name: str) -> Session:
    """A copy of a session, under a name of its own.

    Raises:
        UsageError: see `open_session`.
    """
    return Session(str(uuid.uuid4()), open_session(name, resume=True).messages)


def _file_of(session: str) -> Path:
    if not _ID.fullmatch(session):
        raise UsageError(f"malformed session id: {session!r}", hint="use letters, digits, dots, dashes and underscores")
    return state_folder() / "builtin" / f"{session}.json"
