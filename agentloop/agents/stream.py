"""Reading what an agent prints while it runs: bytes in, progress and the facts of the turn out, in constant memory."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import jmespath

from agentloop.agents.spec import Stream
from agentloop.events import AgentWaited, Counters, Event, SessionOpened, SkillLoaded, ToolCalled, ToolEnded, Usage
from agentloop.quoting import one_line, plain, shorten

MAX_LINE_BYTES = 8 * 1024 * 1024
_MAX_TEXT_CHARS = 16_000
_TAIL_BYTES = 16_384
_MAX_DETAIL_CHARS = 120
_MAX_COMMAND_CHARS = 4000
_MAX_RESULT_CHARS = 1500
_SKILL_FILE = re.compile(r"(?:^|[\s/'\"=])([\w.-]+)/SKILL\.md(?![\w.-])")
_MAX_SESSION_CHARS = 200
_NUMBERS = ("input_tokens", "output_tokens", "cost_usd", "session_cost_usd")


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
        self._expressions = {key: jmespath.compile(path) for key, path in stream.paths.model_dump().items() if path}
        self._pattern = re.compile(stream.session_pattern.encode(), re.MULTILINE) if stream.session_pattern else None
        self._line = bytearray()
        self._skipping = False
        self._tail = bytearray()
        self.session: str | None = None
        self.tool_calls = 0
        self.finished = "finished" not in self._expressions
        self.error = ""
        self.model = ""
        self._loaded: set[str] = set()
        self._text = ""
        self._numbers: dict[str, float] = {}

    def feed(self, chunk: bytes) -> None:
        """Take what came."""
        if self._stream.format == "text":
            self._keep(chunk)
            if self._pattern and self.session is None:
                self._look_for_session(chunk, self._pattern)
            return
        first, *rest = chunk.split(b"\n")
        self._extend(first)
        for part in rest:
            self._end_line()
            self._extend(part)

    def close(self) -> None:
        """Take the last line although it has no end."""
        if self._stream.format == "jsonl":
            self._end_line()
        elif self._pattern and self.session is None:
            self._find_session(bytes(self._line), self._pattern)

    @property
    def text(self) -> str:
        """The agent's last words; for plain text, the end of what it printed."""
        return self._text if self._text or self._stream.format == "jsonl" else self.tail

    @property
    def tail(self) -> str:
        """The end of what was printed and is no event."""
        return plain(bytes(self._tail).decode("utf-8", errors="replace")).strip()

    def usage(self, before: Counters) -> tuple[Usage, Counters]:
        """What this turn used, and the session's totals after it.

        Args:
            before: the session's totals before this turn.
        """
        numbers = {key: self._numbers.get(key) for key in ("input_tokens", "output_tokens", "cost_usd")}
        totals: dict[str, float | None] = {"cost_usd": self._numbers.get("session_cost_usd")}
        if self._stream.usage == "session":
            totals |= {key: numbers[key] for key in ("input_tokens", "output_tokens")}
            numbers |= {key: _since(getattr(before, key), totals[key]) for key in ("input_tokens", "output_tokens")}
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
        if line.lstrip()[:1] != b"{":
            self._keep(line + b"\n")
            return
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            self._keep(line + b"\n")
            return
        self._take(content)

    def _keep(self, chunk: bytes) -> None:
        self._tail += chunk
        del self._tail[:-_TAIL_BYTES]

    def _look_for_session(self, chunk: bytes, pattern: re.Pattern[bytes]) -> None:
        """Look at whole lines only: a name that is cut in the middle looks like one too."""
        self._line += chunk
        end = self._line.rfind(b"\n") + 1
        if end:
            self._find_session(bytes(self._line[:end]), pattern)
        del self._line[: max(end, len(self._line) - _TAIL_BYTES)]

    def _find_session(self, text: bytes, pattern: re.Pattern[bytes]) -> None:
        match = pattern.search(text)
        if match:
            name = match[1] if match.re.groups else match[0]
            self._name_session((name or b"").decode("utf-8", errors="replace"))

    def _take(self, content: dict[str, Any]) -> None:
        searched = {key: _search(path, content) for key, path in self._expressions.items()}
        found = {key: value for key, value in searched.items() if value is not None}
        if "session" in found:
            self._name_session(str(found["session"]))
        for call in _records(found.get("tools")):
            self._call(call)
        for result in _records(found.get("results")):
            self._end_call(result)
        names = found.get("skills")
        for name in names if isinstance(names, list) else ():
            self._load_skill(name)
        self.model = _line(found.get("model", self.model))
        if "waiting" in found:
            self._emit(AgentWaited(reason=_line(found["waiting"])))
        if "text" in found:
            self._text = plain(str(found["text"])[-_MAX_TEXT_CHARS:])
        if "error" in found:
            self.error = plain(str(found["error"])[:_MAX_TEXT_CHARS])
        self.finished = self.finished or "finished" in found
        amounts = {key: found[key] for key in _NUMBERS if _is_amount(found.get(key))}
        self._numbers |= {key: value if key.endswith("_usd") else int(value) for key, value in amounts.items()}

    def _call(self, call: dict[str, Any]) -> None:
        self.tool_calls += 1
        command = _bounded(call.get("command") or "", _MAX_COMMAND_CHARS)
        detail = _as_text(call.get("detail") or "")
        self._emit(
            ToolCalled(
                name=_line(call.get("name") or "tool"),
                detail=_line(detail),
                call=_line(call.get("call") or ""),
                command=command,
            )
        )
        for name in _SKILL_FILE.findall(command or detail[:_MAX_COMMAND_CHARS]):
            self._load_skill(name)

    def _end_call(self, result: dict[str, Any]) -> None:
        failed = bool(result.get("failed"))
        output = _bounded(result.get("output") or "", _MAX_RESULT_CHARS) if failed else ""
        self._emit(ToolEnded(call=_line(result.get("call") or ""), failed=failed, output=output))

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


def _search(path: Any, content: dict[str, Any]) -> Any:
    """What a line says of something; None for all that JMESPath holds for false, which 0 is not."""
    try:
        value = path.search(content)
    except (jmespath.exceptions.JMESPathError, ValueError, TypeError, RecursionError):
        return None  # an event of another shape: it says nothing of this
    return None if value is False or value in ("", [], {}) else value


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _since(before: float | None, now: float | None) -> float | None:
    if now is None or before is None:
        return now
    return now - before if now >= before else now


def _records(value: Any) -> list[dict[str, Any]]:
    return [record for record in value if isinstance(record, dict)] if isinstance(value, list) else []


def _line(value: Any) -> str:
    return one_line(_as_text(value), _MAX_DETAIL_CHARS)


def _bounded(value: Any, max_chars: int) -> str:
    """Text of several lines; the beginning and the end of what is too long."""
    return shorten(plain(_as_text(value)), max_chars)


def _as_text(value: Any) -> str:
    """Text as it is, of a list of Markdown or text blocks the texts, anything else as JSON."""
    if isinstance(value, str):
        return value
    blocks = _records(value)
    if blocks and all(isinstance(block.get("text"), str) for block in blocks):
        return "\n".join(block["text"] for block in blocks)
    try:
        return json.dumps(value)
    except RecursionError:  # it was read with a little less on the stack
        return "..."
