"""ScriptedModel: a model server on loopback that says what its script says, in three protocols, and logs every request.

    with ScriptedModel([Run("ls"), Say("done")]) as model: ...        # model.url, model.requests
    python -m tests.agents.scripted_model --port 8100 SCRIPT.json     # [{"run": "ls"}, {"say": "done"}, {"fail": 429}]

Anthropic Messages, OpenAI Responses and Chat Completions, streaming and not. A request that offers no shell is a side
request (a title, a check of the quota): it gets a neutral answer and takes nothing from the script. A step of the
script is a reply, or a function of the request that makes one. When the script has ended its last step is said again.
"""

import argparse
import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from .dialects import Call, Dialect, Fail, Reply, Run, Say, anthropic, chat, dump, responses, shell_call

_DIALECTS = {
    "/v1/messages": cast(Dialect, anthropic),
    "/v1/responses": cast(Dialect, responses),
    "/v1/chat/completions": cast(Dialect, chat),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What the model was asked."""

    path: str
    body: Mapping[str, Any]
    texts: tuple[tuple[str, str], ...]
    """The conversation as (role, text)."""
    is_main: bool
    """It belongs to the agent's work: a shell is offered."""

    @property
    def conversation(self) -> str:
        """All texts in one."""
        return "\n".join(text for _role, text in self.texts)

    @property
    def prompt(self) -> str:
        """The newest text of the user."""
        return next((text for role, text in reversed(self.texts) if role == "user" and text.strip()), "")


Step = Reply | Callable[[Request], Reply]


@dataclass
class ScriptedModel:
    """The server; a context manager that runs it in a thread."""

    script: Sequence[Step]
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    _said: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "ScriptedModel":
        handler = type("Handler", (_Handler,), {"model": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
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
                return Say("ok")
            step = self.script[min(self._said, len(self.script) - 1)]
            self._said += 1
        return step if isinstance(step, Say | Run | Fail) else step(request)


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
        if path.endswith("/count_tokens"):
            self._json(200, {"input_tokens": len(dump(body)) // 4})
            return
        dialect = _DIALECTS.get(path)
        if dialect is None:
            self._json(404, {"error": {"message": f"nothing at {path}"}})
            return
        self._answer(dialect, path, body)

    def _answer(self, dialect: Dialect, path: str, body: Mapping[str, Any]) -> None:
        tools = dialect.tools(body)
        try:
            shell_call(tools, "")
            is_main = True
        except LookupError:
            is_main = False
        reply = self.model.reply(Request(path, body, tuple(dialect.texts(body)), is_main))
        if isinstance(reply, Fail):
            self._json(reply.status, dialect.failure(reply))
            return
        said: Say | Call = shell_call(tools, reply.command) if isinstance(reply, Run) else reply
        name = str(body.get("model", "scripted"))
        if not body.get("stream"):
            self._json(200, dialect.answer(name, said))
            return
        lines = []
        for event, data in dialect.stream(name, said):
            lines.append(f"event: {event}\n" if event else "")
            lines.append(f"data: {data if isinstance(data, str) else dump(data)}\n\n")
        self._send(200, "text/event-stream", "".join(lines).encode())

    def _json(self, status: int, content: Mapping[str, Any]) -> None:
        self._send(status, "application/json", dump(content).encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _step(step: Mapping[str, Any]) -> Reply:
    if "run" in step:
        return Run(step["run"])
    return Fail(int(step["fail"])) if "fail" in step else Say(step.get("say", "ok"))


def main() -> None:
    """Serve a script from a file until interrupted, a line of JSON on stdout for each request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script", type=Path)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    steps = [_step(step) for step in json.loads(arguments.script.read_text(encoding="utf-8"))]
    with ScriptedModel(steps, arguments.port) as model:
        print(model.url, file=sys.stderr, flush=True)
        seen = 0
        wait = threading.Event()
        while not wait.wait(0.2):
            for request in model.requests[seen:]:
                print(dump({"path": request.path, "main": request.is_main, "body": request.body}), flush=True)
                seen += 1


if __name__ == "__main__":
    main()
