"""Whether an agent in a terminal is done: a pure decision from what can be seen of it."""

import re
from dataclasses import dataclass
from typing import Literal

from agentloop.agents.terminal_spec import Dialog, Terminal
from agentloop.process.pty import Doing

_TURNING = re.compile("[\u2800-\u28ff|/\\\\-]|\\d+")
_UNSEEN = Doing()
_READS_S = 0.2
_DIALOG_S = 0.5
_BLANK_S = 10.0  # a program that has shown nothing yet is still on its way

State = Literal["working", "ready", "unknown"]
"""At work; waiting for a prompt; waiting for something else, at a question that nobody described."""


@dataclass(frozen=True, slots=True)
class Look:
    """What can be seen of an agent at one moment."""

    text: str
    """The screen."""
    quiet_s: float
    """Since the screen has changed."""
    rest_s: float
    """Since it has changed, or more than a little processor time was used."""
    behind_a_job: bool = False
    """It is a shell, and a command of it has the terminal."""
    doing: Doing = _UNSEEN
    is_reader: bool = False
    """It was seen to read from the terminal before: while it does not, it is at work, however silent."""


def judge(terminal: Terminal, look: Look) -> State | Dialog:
    """Say what the agent does.

    Args:
        terminal: what its screen means.
        look: what is seen of it.

    Returns:
        The state, or the question that it waits at.
    """
    if look.behind_a_job or (terminal.busy and re.search(terminal.busy, look.text, re.MULTILINE)):
        return "working"
    if look.quiet_s >= _DIALOG_S:
        for dialog in terminal.dialogs:
            if re.search(dialog.pattern, look.text, re.MULTILINE):
                return dialog
    if not _has_settled(terminal, look):
        return "working"
    if terminal.ready and not re.search(terminal.ready, look.text, re.MULTILINE):
        return "unknown"
    return "ready"


def _has_settled(terminal: Terminal, look: Look) -> bool:
    if look.doing.reads and look.quiet_s >= _READS_S:
        return True
    if look.is_reader or (look.doing.runs and not terminal.ready):
        return False
    return look.rest_s >= (terminal.settled_s if look.text else max(_BLANK_S, terminal.settled_s))


def still(terminal: Terminal, text: str) -> str:
    """The screen without what turns and counts, where a pattern says better than these when the agent works."""
    return _TURNING.sub("#", text) if terminal.busy else text
