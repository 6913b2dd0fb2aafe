"""Files and addresses: real files, a real server on loopback."""

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agentloop.events import Leaf
from agentloop.predicate import evaluate
from agentloop.predicate.evaluate import Context
from agentloop.predicate.language import grammar
from agentloop.process import child_environment


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(cwd=tmp_path, env=child_environment(f"test-{os.getpid()}"), logs=tmp_path, timeout_s=20)


def only(source: str, context: Context) -> Leaf:
    (leaf,) = evaluate.evaluate(grammar.parse(source), context).leaves
    return leaf


@pytest.mark.parametrize(
    ("source", "verdict", "reason"),
    [
        ("file a.md exists", "pass", "it exists"),
        ("file folder exists", "pass", "it exists"),
        ("file b.md exists", "fail", "it does not exist"),
        ("not file b.md exists", "pass", "it does not exist"),
        ("file b.md contains 'x'", "fail", "it does not exist"),
        ("file a.md/b exists", "fail", "it does not exist"),
        ("file a.md contains 'two'", "pass", "'two' is in it"),
        ("file a.md contains 'four'", "fail", "'four' is not in it"),
        ("file a.md matches /^t.o$/", "pass", "/^t.o$/ is in it"),
        ("file a.md matches /^wo$/", "fail", "/^wo$/ is not in it"),
        ("file folder contains 'x'", "error", "it is no ordinary file"),
        ("file pipe contains 'x'", "error", "it is no ordinary file"),
        (f"file {'x' * 300} exists", "error", "it cannot be read: File name too long"),
    ],
)
def test_files(source: str, verdict: str, reason: str, context: Context) -> None:
    (context.cwd / "a.md").write_text("one\ntwo\nthree\n")
    (context.cwd / "folder").mkdir()
    os.mkfifo(context.cwd / "pipe")
    leaf = only(source, context)
    assert (leaf.kind, leaf.verdict, leaf.reason) == ("file", verdict, reason)


def test_only_the_beginning_of_a_huge_file_is_searched(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    (context.cwd / "huge").write_text("x" * (5 * 1024 * 1024) + "end")
    leaf = only("file huge contains 'end'", context)
    assert (leaf.verdict, leaf.reason) == ("fail", "'end' is not in it in its first 4 MiB")


class ScriptedSite(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.send_header("Location", "/500")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's signature
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), ScriptedSite)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("path", "condition", "verdict", "reason"),
    [
        ("200", "is up", "pass", "answered 200"),
        ("302", "is up", "pass", "answered 302"),
        ("404", "is up", "fail", "answered 404"),
        ("503", "is up", "fail", "answered 503"),
        ("404", "returns 404", "pass", "answered 404"),
        ("302", "returns 302", "pass", "answered 302"),
        ("200", "returns 204", "fail", "answered 200, 204 is wanted"),
    ],
)
def test_addresses(
    site: str, path: str, condition: str, verdict: str, reason: str, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    leaf = only(f"url {site}/{path} {condition}", context)
    assert (leaf.kind, leaf.verdict, leaf.reason) == ("url", verdict, reason)


def test_a_refused_connection_fails_and_is_no_error(context: Context) -> None:
    leaf = only("url http://127.0.0.1:9/ is up", context)
    assert leaf.verdict == "fail"
    assert "refused" in leaf.reason


def test_what_is_no_http_fails(context: Context) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"url http://127.0.0.1:{server.getsockname()[1]}/ is up"

        def talk() -> None:
            connection, _peer = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-none\r\n\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        leaf = only(address, context)
        thread.join()
        assert (leaf.verdict, leaf.reason.split(":")[0]) == ("fail", "no answer")


def test_an_address_that_says_nothing_is_given_up_in_time(context: Context) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        leaf = only(f"url http://127.0.0.1:{server.getsockname()[1]}/ is up", replace(context, timeout_s=0.3))
        assert leaf.verdict == "fail"
        assert "no answer" in leaf.reason


def test_a_server_that_comes_up_late_is_waited_for(context: Context) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def serve() -> None:
        server = ThreadingHTTPServer(("127.0.0.1", port), ScriptedSite)
        with server:
            server.handle_request()

    timer = threading.Timer(0.5, serve)
    timer.start()
    done = evaluate.evaluate(grammar.parse(f"url http://127.0.0.1:{port}/200 is up within 30s"), context)
    timer.join()
    assert done.verdict == "pass"
