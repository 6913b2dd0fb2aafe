"""ScriptedModel: a model server on loopback that says what its script says, in four protocols, and logs every request.

    with ScriptedModel([Run("ls"), Say("done")]) as model: ...        # model.url, model.requests
    python -m tests.agents.scripted_model --port 8100 SCRIPT.json     # [{"run": "ls"}, {"say": "done"}, {"fail": 429}]

Anthropic Messages, OpenAI Responses and Chat Completions, and Gemini, streaming and not. A request that offers no
shell is a side request (a title, a check of the quota, a choice of the model): it gets a neutral answer and takes
nothing from the script. A step of the script is a reply, or a function of the request that makes one. When the script
has ended its last step is said again.
"""

import argparse
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from typing import Any, cast

from .dialects import (
    Call,
    Cut,
    Dialect,
    Fail,
    Hang,
    Reply,
    Run,
    Say,
    Write,
    anthropic,
    chat,
    dump,
    example,
    gemini,
    responses,
    shell_call,
)

_DIALECTS = {
    "/v1/messages": cast(Dialect, anthropic),
    "/v1/responses": cast(Dialect, responses),
    "/v1/chat/completions": cast(Dialect, chat),
}
_GEMINI = re.compile(r"/v1beta/models/([^/:]+):(generate|streamGenerate)Content")
_EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Request:
    """What the model was asked."""

    path: str
    body: Mapping[str, Any]
    texts: tuple[tuple[str, str], ...]
    """The conversation as (role, text)."""
    is_main: bool
    """It belongs to the agent's work: a shell is offered, or `words_of_work` stand in it."""
    schema: Mapping[str, Any] = field(default_factory=dict)
    """What the answer has to follow, when that is JSON."""

    @property
    def conversation(self) -> str:
        """All texts in one."""
        return "\n".join(text for _role, text in self.texts)

    @property
    def prompt(self) -> str:
        """What the user has said since the model's last words; some agents add reminders of their own."""
        newest = takewhile(lambda said: said[0] in ("user", "system", "developer"), reversed(self.texts))
        return "\n".join(reversed([text for role, text in newest if role == "user"]))


Step = Reply | Callable[[Request], Reply]


@dataclass
class ScriptedModel:
    """The server; a context manager that runs it in a thread."""

    script: Sequence[Step]
    port: int = 0
    words_of_work: str = ""
    """What stands in each request that belongs to the work of an agent which offers no shell."""
    requests: list[Request] = field(default_factory=list)
    _said: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "ScriptedModel":
        handler = type("Handler", (_Handler,), {"model": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def main(self) -> list[Request]:
        """The requests of the agent's work, in order."""
        return [request for request in self.requests if request.is_main]

    def reply(self, request: Request) -> Reply:
        """Log a request and say what is answered."""
        with self._lock:
            self.requests.append(request)
            if not request.is_main:
                return Say(dump(example(request.schema)) if request.schema else "ok")
            step = self.script[min(self._said, len(self.script) - 1)]
            self._said += 1
        return step if isinstance(step, Reply) else step(request)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    model: ScriptedModel

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's signature
        """Say nothing: the requests are logged whole."""

    def do_HEAD(self) -> None:
        """Answer a probe."""
        self._send(200, "application/json", b"")

    def do_GET(self) -> None:
        """List the models."""
        if self.headers.get("Upgrade"):
            self._json(426, {"error": {"message": "no web sockets here"}})
            return
        self._json(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    def do_POST(self) -> None:
        """Answer a request to the model."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        path = self.path.partition("?")[0]
        if path.endswith(("/count_tokens", ":countTokens")):
            tokens = len(dump(body)) // 4
            self._json(200, {"input_tokens": tokens, "totalTokens": tokens})
            return
        dialect = _DIALECTS.get(path)
        if in_path := _GEMINI.fullmatch(path):
            dialect = cast(Dialect, gemini)
            body |= {"model": in_path[1], "stream": in_path[2] == "streamGenerate"}
        if dialect is None:
            self._json(404, {"error": {"message": f"nothing at {path}"}})
            return
        self._answer(dialect, path, body)

    def _answer(self, dialect: Dialect, path: str, body: Mapping[str, Any]) -> None:
        tools = dialect.tools(body)
        texts = tuple(dialect.texts(body))
        request = Request(path, body, texts, self._is_main(tools, texts), dialect.schema(body))
        reply = self.model.reply(request)
        match reply:
            case Fail():
                self._json(reply.status, dialect.failure(reply), _limit(reply))
            case Hang():
                self.model.closing.wait()
                self.close_connection = True
            case Cut():
                self._cut(*_written(dialect, body, Say(reply.text)))
            case Run():
                self._send(200, *_written(dialect, body, shell_call(tools, reply.command, reply.text)))
            case Write():
                self._send(200, *_written(dialect, body, shell_call(tools, reply.command)))
            case Say() | Call():
                self._send(200, *_written(dialect, body, reply))

    def _is_main(self, tools: list[tuple[str, Mapping[str, Any]]], texts: tuple[tuple[str, str], ...]) -> bool:
        """A shell is offered, or the words of an agent that works without one are said."""
        try:
            return bool(shell_call(tools, ""))
        except LookupError:
            words = self.model.words_of_work
            return bool(words) and any(words in text for _role, text in texts)

    def _json(self, status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        self._send(status, "application/json", dump(content).encode(), headers)

    def _send(self, status: int, kind: str, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _cut(self, kind: str, content: bytes) -> None:
        """Send what comes before the middle, a whole number of events of a stream."""
        half = content[: len(content) // 2]
        if kind == _EVENT_STREAM:
            half = half[: half.rfind(b"\n\n") + 2]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(half), half) if half else b"")
        self.close_connection = True


def _limit(fail: Fail) -> Mapping[str, str]:
    """The headers that say when a limit ends: everybody's, and Anthropic's for those who subscribe."""
    if fail.retry_after_s is None:
        return {}
    unified = {
        "status": "rejected",
        "reset": str(int(time.time()) + fail.retry_after_s),
        "representative-claim": "five_hour",
    }
    return {
        "Retry-After": str(fail.retry_after_s),
        **{f"anthropic-ratelimit-unified-{name}": value for name, value in unified.items()},
    }


def _written(dialect: Dialect, body: Mapping[str, Any], said: Say | Call) -> tuple[str, bytes]:
    """An answer as it is sent: the type of its content, and that."""
    name = str(body.get("model", "scripted"))
    if not body.get("stream"):
        return "application/json", dump(dialect.answer(name, said)).encode()
    lines = []
    for event, data in dialect.stream(name, said):
        lines.append(f"event: {event}\n" if event else "")
        lines.append(f"data: {data if isinstance(data, str) else dump(data)}\n\n")
    return _EVENT_STREAM, "".join(lines).encode()


def read_script(path: Path) -> list[Reply]:
    """Read a script: a list of `{run}`, `{say}`, `{fail, retry_after_s}`, `{cut}` or `{hang}`."""
    return [_step(step) for step in json.loads(path.read_text(encoding="utf-8"))]


def _step(step: Mapping[str, Any]) -> Reply:
    match step:
        case {"run": command}:
            return Run(command)
        case {"fail": status}:
            return Fail(int(status), retry_after_s=step.get("retry_after_s"))
        case {"cut": text}:
            return Cut(text)
        case {"hang": _}:
            return Hang()
    return Say(step.get("say", "ok"))


def main() -> None:
    """Serve a script from a file until interrupted, a line of JSON on stdout for each request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script", type=Path)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    with ScriptedModel(read_script(arguments.script), arguments.port) as model:
        print(model.url, file=sys.stderr, flush=True)
        seen = 0
        wait = threading.Event()
        while not wait.wait(0.2):
            for request in model.requests[seen:]:
                print(dump({"path": request.path, "main": request.is_main, "body": request.body}), flush=True)
                seen += 1


if __name__ == "__main__":
    main()
