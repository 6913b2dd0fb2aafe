"""The ACP driver: a live agent that is spoken to by the Agent Client Protocol, in one session."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acp import PROTOCOL_VERSION, RequestError

from agentloop import __version__
from agentloop.agents.acp.peer import Deadline, OutOfTimeError, Peer
from agentloop.agents.acp.permission import allowed, answer
from agentloop.agents.acp.updates import Updates
from agentloop.agents.session import Turn
from agentloop.agents.spec import Adapter
from agentloop.agents.stream import StreamReader
from agentloop.events import Counters, Event, TurnStatus
from agentloop.job import PermissionMode
from agentloop.logfile import LogFile
from agentloop.process import IdleClock, child_environment
from agentloop.quoting import one_line, plain

_STARTUP_S = 120.0
_GRACE_S = 5.0
_ERROR_CHARS = 600
_NAME_CHARS = 120
_AUTH_REQUIRED = -32000
_STOPPED_BY = {
    "max_tokens": "it stopped: the model may say no more in one turn",
    "max_turn_requests": "it stopped: its own limit of requests for a turn was reached",
    "refusal": "it refuses to go on",
    "cancelled": "it cancelled the turn by itself",
}
