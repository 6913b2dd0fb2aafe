"""People and machines told of a run: a command of theirs, their desktop, an address.

Each is bounded in time, and what goes wrong with one is told and never changes how the run ends.
"""

import json
import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from agentloop.errors import AgentloopError
from agentloop.process import child_environment, run_program
from agentloop.process.logfile import Ends
from agentloop.recipients import Notify
from agentloop.text.quoting import one_line
from agentloop.text.redact import redact
from agentloop.waiting import wait_for

CMD_TIMEOUT_S = 30.0
DESKTOP_TIMEOUT_S = 5.0
WEBHOOK_TIMEOUT_S = 10.0
_GOOD_STATUS = range(200, 300)
_MAX_SAID_BYTES = 400
_SAY_IN_MACOS = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is told.

    Args:
        what: `run.ended`, or the event's type.
        word: the outcome, or one word for what happened.
        reason: one line for people.
        result: the run as `--json` prints it.
    """

    what: str
    word: str
    reason: str
    result: Mapping[str, Any]

    @property
    def run(self) -> str:
        """The run's id."""
        return str(self.result["run"])

    @property
    def document(self) -> bytes:
        """The result as JSON, with what it is told for."""
        return json.dumps({"event": self.what, **self.result}).encode()


def tell(recipients: Notify, occasion: Occasion) -> list[str]:
    """Tell each of those that are configured.

    Returns:
        What went wrong, a line each; without the webhook's address.

    Raises:
        Interrupted: a signal was noted.
    """
    ways: list[tuple[str, Callable[[], str]]] = []
    if recipients.cmd:
        ways.append(("cmd", lambda: _command(recipients.cmd, occasion)))
    if recipients.desktop:
        ways.append(("desktop", lambda: _desktop(occasion)))
    if recipients.webhook:
        address = recipients.webhook.get_secret_value()
        ways.append(("webhook", lambda: _webhook(address, occasion)))
    problems = [(name, way()) for name, way in ways]
    return [f"notify.{name}: {problem}" for name, problem in problems if problem]


def _command(line: str, occasion: Occasion) -> str:
    """Run the line in the person's home: the repository's own files are not on its way to its programs."""
    environment = {
        "AGENTLOOP_EVENT": occasion.what,
        "AGENTLOOP_OUTCOME": occasion.word,
        "AGENTLOOP_REASON": occasion.reason,
        "AGENTLOOP_EXIT_CODE": str(occasion.result["exit_code"] if occasion.result["exit_code"] is not None else ""),
    }
    return _run(["/bin/sh", "-c", line], occasion, environment, CMD_TIMEOUT_S)


def _desktop(occasion: Occasion) -> str:
    """Where there is no desktop nobody is told, and nothing is wrong."""
    title, text = f"agentloop: {occasion.word.replace('_', ' ')}", one_line(occasion.reason, 200)
    if platform.system() == "Darwin":
        argv = ["osascript", "-e", _SAY_IN_MACOS, title, text]
    elif os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        argv = ["notify-send", "--app-name=agentloop", "--", title, escape(text, quote=False)]
    else:
        return ""
    if shutil.which(argv[0]) is None:
        return f"{argv[0]} is not installed"
    return _run(argv, occasion, {}, DESKTOP_TIMEOUT_S)


def _run(argv: Sequence[str], occasion: Occasion, environment: Mapping[str, str], timeout_s: float) -> str:
    said = Ends(_MAX_SAID_BYTES)
    try:
        exited = run_program(
            argv,
            cwd=Path.home(),
            env=child_environment(occasion.run, **environment),
            timeout_s=timeout_s,
            on_stdout=said.write,
            stdin=occasion.document,
        )
    except (AgentloopError, OSError) as error:
        return one_line(str(error), 200)
    if exited.ended_by == "timeout":
        return f"ended after {timeout_s:.0f} s"
    if exited.code == 0:
        return ""
    how = f"exited {exited.code}" if exited.code is not None else f"ended by signal {exited.signal}"
    words = one_line(redact(said.text(between=" ... ")), _MAX_SAID_BYTES)
    return f"{how}: {words}" if words else how


def _webhook(address: str, occasion: Occasion) -> str:
    from agentloop import web  # the standard library takes long to load it

    try:
        status = wait_for(lambda: web.status(address, WEBHOOK_TIMEOUT_S, json=occasion.document), WEBHOOK_TIMEOUT_S)
    except TimeoutError:
        return f"no answer within {WEBHOOK_TIMEOUT_S:.0f} s"
    except OSError as error:
        return f"no answer: {web.reason(error)}"
    except web.FAILURES as error:  # their words may quote the address
        return f"no answer: {type(error).__name__}"
    return "" if status in _GOOD_STATUS else f"it answered {status}"
