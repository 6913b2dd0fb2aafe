"""Who is told of a run's end: real commands, and a real server on loopback."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from agentloop import config, notify
from agentloop.errors import ConfigError
from agentloop.recipients import Notify

RESULT = {"schema": 1, "run": "20260101-000000-abcd", "outcome": "reached", "exit_code": 0}
OCCASION = notify.Occasion("run.ended", "reached", 'it holds; "$HOME" <b>', RESULT)
SECRET = "https-path-that-is-a-secret"


class ScriptedServer(BaseHTTPRequestHandler):
    """Notes what is posted, and answers as the path says."""

    posted: ClassVar[list[tuple[str, str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
        if self.path == f"/{SECRET}/silent":
            self.server.released.wait(20)  # type: ignore[attr-defined]
        self.send_response(int(self.path.rsplit("/", 1)[1]) if self.path[-1].isdigit() else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.posted.append((self.path, "", None))

    def log_message(self, *_: object) -> None:
        """Nobody is told."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server; its posts are in `ScriptedServer.posted`."""
    ScriptedServer.posted = []
    listening = HTTPServer(("127.0.0.1", 0), ScriptedServer)
    listening.released = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: listening.serve_forever(poll_interval=0.02))
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}/{SECRET}"
    listening.released.set()  # type: ignore[attr-defined]
    listening.shutdown()
    thread.join()
    listening.server_close()


def webhook(address: str) -> Notify:
    return Notify(webhook=SecretStr(address))


def test_a_command_gets_the_result_and_what_it_is_about(isolated_home: Path) -> None:
    line = 'cat > result; echo "$AGENTLOOP_EVENT/$AGENTLOOP_OUTCOME/$AGENTLOOP_EXIT_CODE/$AGENTLOOP_REASON" > words'
    assert notify.tell(Notify(cmd=line), OCCASION) == []
    assert json.loads((isolated_home / "result").read_text()) == {"event": "run.ended", **RESULT}
    assert (isolated_home / "words").read_text() == 'run.ended/reached/0/it holds; "$HOME" <b>\n'


def test_a_command_that_fails_is_told_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_TOKEN", "s3cr3t-v4lue-of-mine")
    problems = notify.tell(Notify(cmd="echo no: $MY_API_TOKEN; exit 3"), OCCASION)
    assert problems == ["notify.cmd: exited 3: no: [redacted: value of MY_API_TOKEN]"]
    assert notify.tell(Notify(cmd="kill -9 $$"), OCCASION) == ["notify.cmd: ended by signal 9"]
    assert "exited 127" in notify.tell(Notify(cmd="no-such-program"), OCCASION)[0]


def test_a_command_that_hangs_is_ended_with_what_it_started(
    monkeypatch: pytest.MonkeyPatch, isolated_home: Path
) -> None:
    monkeypatch.setattr(notify, "CMD_TIMEOUT_S", 0.5)
    line = "setsid sleep 300 & echo $! > pid; sleep 300"
    assert "ended after" in notify.tell(Notify(cmd=line), OCCASION)[0]
    pid = int((isolated_home / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists() or "State:\tZ" in Path(f"/proc/{pid}/status").read_text()


def test_a_webhook_gets_the_result(server: str) -> None:
    assert notify.tell(webhook(server), OCCASION) == []
    assert ScriptedServer.posted == [(f"/{SECRET}", "application/json", {"event": "run.ended", **RESULT})]


@pytest.mark.parametrize(("path", "words"), [("/500", "it answered 500"), ("/302", "it answered 302")])
def test_a_webhook_that_refuses_or_leads_elsewhere_is_told_of(server: str, path: str, words: str) -> None:
    assert notify.tell(webhook(server + path), OCCASION) == [f"notify.webhook: {words}"]
    assert len(ScriptedServer.posted) == 1


def test_a_webhook_that_does_not_answer_is_given_up(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "WEBHOOK_TIMEOUT_S", 0.3)
    problems = notify.tell(webhook(f"{server}/silent"), OCCASION)
    assert len(problems) == 1
    assert SECRET not in problems[0]


def test_a_webhook_where_nobody_listens_is_told_without_its_address() -> None:
    problems = notify.tell(webhook(f"http://127.0.0.1:1/{SECRET}"), OCCASION)
    assert len(problems) == 1
    assert SECRET not in problems[0]


def test_one_that_fails_keeps_no_other_from_being_told(server: str) -> None:
    problems = notify.tell(Notify(cmd="exit 1", webhook=SecretStr(server)), OCCASION)
    assert problems == ["notify.cmd: exited 1"]
    assert len(ScriptedServer.posted) == 1


def test_a_desktop_is_told_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, isolated_home: Path
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert notify.tell(Notify(desktop=True), OCCASION) == []
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert notify.tell(Notify(desktop=True), OCCASION) == ["notify.desktop: notify-send is not installed"]
    program = tmp_path / "notify-send"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {isolated_home}/said\n")
    program.chmod(0o755)
    assert notify.tell(Notify(desktop=True), OCCASION) == []
    said = (isolated_home / "said").read_text().splitlines()
    assert said == ["--app-name=agentloop", "--", "agentloop: reached", 'it holds; "$HOME" &lt;b&gt;']


@pytest.mark.parametrize(
    "address", [f"http://h/{SECRET}", f"ftp://localhost/{SECRET}", f"https:///{SECRET}", SECRET, f"http://[{SECRET}",
                f"https://h:{SECRET}/", f"https://h/{SECRET} x", f"https://h/\t{SECRET}"]
)  # fmt: skip
def test_an_address_that_others_could_read_along_is_refused_and_not_told(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match=r"AGENTLOOP_NOTIFY_WEBHOOK: notify\.webhook: ") as caught:
        config.load(tmp_path, {}, {"AGENTLOOP_NOTIFY_WEBHOOK": address})
    assert SECRET not in str(caught.value)


def test_an_address_is_never_shown() -> None:
    shown = webhook(f"https://example.invalid/{SECRET}")
    assert SECRET not in f"{shown} {shown!r} {shown.model_dump()} {shown.model_dump_json()}"
    with pytest.raises(ValidationError) as caught:
        webhook(f"http://example.invalid/{SECRET}")
    assert SECRET not in str(caught.value.errors()[0]["msg"])


@pytest.mark.parametrize("file", ["agentloop.toml", "pyproject.toml"])
def test_a_repository_cannot_say_who_is_told_nor_what_is_removed(tmp_path: Path, file: str) -> None:
    user = config.user_folder()
    user.mkdir(parents=True)
    (user / "agentloop.toml").write_text('[notify]\ncmd = "mine"\n')
    table = "tool.agentloop" if file == "pyproject.toml" else ""
    head = f"[{table}]\n" if table else ""
    sub = f"[{table}.notify]" if table else "[notify]"
    text = f'{head}keep_runs = "1s"\nmax-runs-size = "1K"\nmax_attempts = 4\n{sub}\ncmd = "evil"\ndesktop = true\n'
    (tmp_path / file).write_text(text)
    loaded = config.load(tmp_path, {}, {"AGENTLOOP_NOTIFY_DESKTOP": "true"})
    assert loaded.settings.notify == Notify(cmd="mine", desktop=True)
    assert loaded.settings.keep_runs == 90 * 86400
    assert loaded.settings.max_attempts == 4
    said = [note.removeprefix(f"{tmp_path / file}: ").split()[0] for note in loaded.notes]
    assert said == ["notify", "keep_runs", "max_runs_size"]
    assert os.environ.get("AGENTLOOP_NOTIFY_CMD") is None
