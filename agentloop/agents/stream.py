"""Reading what an agent prints while it runs: bytes in, progress and the facts of the turn out, in constant memory."""

import json
import re
from collections.abc import Callable
from typing import Any

from agentloop.agents.expressions import compiled
from agentloop.agents.stream_spec import Stream
from agentloop.events import AgentWaited, Counters, Event, SessionOpened, SkillLoaded, ToolCalled, ToolEnded, Usage
from agentloop.text.quoting import one_line, plain, shorten

MAX_LINE_BYTES = 8 * 1024 * 1024
_MAX_TEXT_CHARS = 16_000
_TAIL_BYTES = 16_384
_MAX_DETAIL_CHARS = 120
_MAX_COMMAND_CHARS = 4000
_MAX_RESULT_CHARS = 1500
_SKILL_FILE = re.compile(r"(?:^|[\s/'\"=])([\w.-]+)/SKILL\.md(?![\w.-])")
_MAX_SESSION_CHARS = 200
_MAX_PATTERN_BYTES = 65536
_MAX_DENIED = 20
_MAX_OPEN_CALLS = 1000
_MAX_AMOUNT = 1e15
"""Nobody uses as much; sums of what is less are exact and finite."""
_SCALE = {"k": 1e3, "m": 1e6}
_TOKENS = ("input_tokens", "output_tokens", "cached_tokens")
_NUMBERS = (*_TOKENS, "cost_usd", "session_cost_usd")


class StreamReader:
    """Takes an agent's output chunk by chunk.

    Args:
        stream: where things stand in it.
        emit: gets the session when it is first named, each tool call, and each wait.
        known_session: a session that needs no announcing.
    """

    def __init__(self, stream: Stream, emit: Callable[[Event], object], known_session: str | None = None) -> None:
        self._stream = stream
        self._emit = emit
        self._announced = known_session
        self._expressions = {key: compiled(path) for key, path in stream.paths.model_dump().items() if path}
        self._patterns = {key: re.compile(said) for key, said in stream.patterns.model_dump().items() if said}
        self._line = bytearray()
        self._skipping = False
        self._tail = bytearray()
        self.session: str | None = None
        self.tool_calls = 0
        self.says_end = "finished" in {**self._expressions, **self._patterns}
        """The agent says when its turn has ended; of another, the exit code does."""
        self.finished = not self.says_end
        self.error = ""
        self.status = ""
        """The status or the code of the error."""
        self.reset: object = None
        """When a usage limit ends, as the agent says it."""
        self.denied: tuple[str, ...] = ()
        self.model = ""
        self._loaded: set[str] = set()
        self._open_calls: dict[str, str] = {}
        self._text = ""
        self._text_ended = False
        self._numbers: dict[str, float] = {}

    def feed(self, chunk: bytes) -> None:
        """Take what came."""
        if self._stream.format == "text":
            self._keep(chunk)
            if not self._patterns:
                return
        if self._stream.format == "json":
            self._extend(chunk)
            return
        first, *rest = chunk.split(b"\n")
        self._extend(first)
        for part in rest:
            self._end_line()
            self._extend(part)

    def close(self) -> None:
        """Take the last line although it has no end."""
        self._end_line()

    def take_document(self, content: bytes) -> None:
        """Take one JSON document, whatever the format of the stream; anything else says nothing."""
        document = _json(content)
        if isinstance(document, dict):
            self.take(document)

    def take(self, content: dict[str, Any]) -> None:
        """Take what a line says, once it is read."""
        searched = {key: _search(path, content) for key, path in self._expressions.items()}
        self._note({key: value for key, value in searched.items() if value is not None})

    def end_text(self) -> None:
        """What is said from here on is another answer."""
        self._text_ended = True

    @property
    def text(self) -> str:
        """The agent's last words; for plain text, the end of what it printed."""
        return self._text if self._text or self._stream.format != "text" else self.tail

    @property
    def tail(self) -> str:
        """The end of what was printed and is no event."""
        return plain(bytes(self._tail).decode("utf-8", errors="replace")).strip()

    def usage(self, before: Counters) -> tuple[Usage, Counters]:
        """What this turn used, and the session's totals after it.

        Args:
            before: the session's totals before this turn.
        """
        numbers = {key: self._numbers.get(key) for key in (*_TOKENS, "cost_usd")}
        totals: dict[str, float | None] = {"cost_usd": self._numbers.get("session_cost_usd")}
        if self._stream.usage == "session":
            totals |= {key: numbers[key] for key in _TOKENS}
            numbers |= {key: _since(getattr(before, key), totals[key]) for key in _TOKENS}
        if numbers["cost_usd"] is None:
            numbers["cost_usd"] = _since(before.cost_usd, totals["cost_usd"])
        after = {key: value if value is not None else getattr(before, key) for key, value in totals.items()}
        return Usage.model_validate(numbers), before.model_copy(
            update=Counters.model_validate(after).model_dump(exclude_none=True)
        )

    def _extend(self, part: bytes) -> None:
        if self._skipping:
            return
        self._line += part
        if len(self._line) > MAX_LINE_BYTES:
            self._line.clear()
            self._skipping = True

    def _end_line(self) -> None:
        line, self._line, self._skipping = bytes(self._line), bytearray(), False
        if not line.strip():
            return
        content = _json(line) if self._stream.format != "text" else None
        if isinstance(content, dict):
            self.take(content)
            return
        if self._stream.format != "text":
            self._keep(line + b"\n")
        if self._patterns:
            self._take_text(line[:_MAX_PATTERN_BYTES].decode("utf-8", errors="replace").strip("\r"))

    def _keep(self, chunk: bytes) -> None:
        self._tail += chunk
        del self._tail[:-_TAIL_BYTES]

    def _take_text(self, line: str) -> None:
        found: dict[str, Any] = {}
        for key, pattern in self._patterns.items():
            match = pattern.search(line)
            if match and not (key == "session" and self.session):
                said = match[1] if match.re.groups else match[0]
                found[key] = _amount(said or "") if key in _NUMBERS else said
        self._note(found)

    def _note(self, found: dict[str, Any]) -> None:
        if found.get("session"):
            self._name_session(str(found["session"]))
        self._note_tools(found)
        self.model = _line(found.get("model", self.model))
        if "waiting" in found:
            self._emit(AgentWaited(reason=_line(found["waiting"])))
        if "text" in found:
            self._say(str(found["text"]))
        if "error" in found or "finished" in found:
            self.error = plain(str(found.get("error", ""))[:_MAX_TEXT_CHARS])
        self.status = _line(found.get("status", self.status))
        self.reset = found.get("reset", self.reset)
        self.finished = self.finished or "finished" in found
        self._count({key: found[key] for key in _NUMBERS if _is_amount(found.get(key))})

    def _note_tools(self, found: dict[str, Any]) -> None:
        for call in records(found.get("tools")):
            self._call(call)
        denied = (self._open_calls.get(said, said) for said in map(_line, _list(found.get("denied"))))
        self.denied = tuple(dict.fromkeys([*self.denied, *denied]))[:_MAX_DENIED]
        for result in records(found.get("results")):
            self._end_call(result)
        for name in _list(found.get("skills")):
            self._load_skill(name)

    def _say(self, text: str) -> None:
        before = "" if self._text_ended or self._stream.text == "last" else self._text
        self._text = plain((before + text)[-_MAX_TEXT_CHARS:])
        self._text_ended = False

    def _count(self, amounts: dict[str, float]) -> None:
        for key, value in amounts.items():
            before = self._numbers.get(key, 0) if self._stream.usage == "step" else 0
            self._numbers[key] = before + (value if key.endswith("_usd") else int(value))

    def _call(self, call: dict[str, Any]) -> None:
        self.tool_calls += 1
        self._text_ended = True
        command = _bounded(call.get("command") or "", _MAX_COMMAND_CHARS)
        detail = as_text(call.get("detail") or "")
        name, number = _line(call.get("name") or "tool"), _line(call.get("call") or "")
        if number and len(self._open_calls) < _MAX_OPEN_CALLS:
            self._open_calls[number] = name
        self._emit(ToolCalled(name=name, detail=_line(detail), call=number, command=command))
        for name in _SKILL_FILE.findall(command or detail[:_MAX_COMMAND_CHARS]):
            self._load_skill(name)

    def _end_call(self, result: dict[str, Any]) -> None:
        failed = bool(result.get("failed"))
        number = _line(result.get("call") or "")
        self._open_calls.pop(number, None)
        output = _bounded(result.get("output") or "", _MAX_RESULT_CHARS) if failed else ""
        self._emit(ToolEnded(call=number, failed=failed, output=output))

    def _load_skill(self, name: Any) -> None:
        name = _line(name)
        if name and name not in self._loaded:
            self._loaded.add(name)
            self._emit(SkillLoaded(name=name))

    def _name_session(self, session: str) -> None:
        session = one_line(session, _MAX_SESSION_CHARS)
        if not session or session.startswith("-"):
            return  # it would be a flag of the command that resumes it
        self.session = session
        if session != self._announced:
            self._announced = session
            self._emit(SessionOpened(session=session))


def _search(path: Callable[[Any], Any], content: dict[str, Any]) -> Any:
    """What a line says of something; None for all that JMESPath holds for false, which 0 is not."""
    value = path(content)
    return None if value is False or value in ("", [], {}) else value


def _json(text: bytes) -> Any:
    """A JSON object; None for anything else."""
    if text.lstrip()[:1] != b"{":
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _amount(text: str) -> float | None:
    """A number as people write it: `1,234`, `1.2k`."""
    text = text.strip().lower().replace(",", "").replace("$", "")
    scale = _SCALE.get(text[-1:], 1.0)
    try:
        return float(text.rstrip("km")) * scale
    except ValueError:
        return None


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MAX_AMOUNT


def _since(before: float | None, now: float | None) -> float | None:
    if now is None or before is None:
        return now
    return now - before if now >= before else now


def records(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none of what is no list."""
    return [record for record in _list(value) if isinstance(record, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _line(value: Any) -> str:
    return one_line(as_text(value), _MAX_DETAIL_CHARS)


def _bounded(value: Any, max_chars: int) -> str:
    """Text of several lines; the beginning and the end of what is too long."""
    return shorten(plain(as_text(value)), max_chars)


def as_text(value: Any) -> str:
    """Text as it is, of a list of Markdown or text blocks the texts, anything else as JSON."""
    if isinstance(value, str):
        return value
    blocks = records(value)
    if blocks and all(isinstance(block.get("text"), str) for block in blocks):
        return "\n".join(block["text"] for block in blocks)
    try:
        return json.dumps(value)
    except RecursionError:  # it was read with a little less on the stack
        return "..."
