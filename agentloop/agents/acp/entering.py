"""Saying hello to an ACP agent: a session begun, or returned to, and set up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acp import PROTOCOL_VERSION, RequestError

from agentloop import __version__
from agentloop.agents.acp.peer import Deadline, Peer
from agentloop.events import ErrorClass
from agentloop.text.quoting import plain

STARTUP_S = 120.0
AUTH_REQUIRED = -32000
_HELLO = {
    "protocolVersion": PROTOCOL_VERSION,
    # Agents use their own tools: what they do then happens where they are confined.
    "clientCapabilities": {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False},
    "clientInfo": {"name": "agentloop", "version": __version__},
}


class RefusedError(Exception):
    """The agent cannot be given its prompt.

    Args:
        words: what went wrong.
        kind: what kind of failure that is.
    """

    def __init__(self, words: str, kind: ErrorClass) -> None:
        super().__init__(words)
        self.kind: ErrorClass = kind


@dataclass(frozen=True, slots=True)
class Entered:
    """A session that waits for a prompt."""

    session: str
    returns: bool
    """Another process can return to it."""
    answer: Mapping[str, Any]
    """What the agent said of it."""


async def enter(
    peer: Peer, deadline: Deadline, *, cwd: Path, session: str | None = None, mode: str = "", model: str = ""
) -> Entered:
    """Say hello, begin a session or return to one, and set it up.

    Args:
        peer: the agent.
        deadline: the limits of the turn.
        cwd: the folder that the session works in.
        session: the session to return to; None begins one.
        mode: the session mode to set; empty: the agent's own choice.
        model: the model to set; empty: likewise.

    Raises:
        RefusedError: there is no way back to the session, or the mode or the model cannot be set.
        SilentError: the agent does not say hello.
        RequestError, ConnectionError, OutOfTimeError, Interrupted: see `Peer.ask`.
    """
    offered = (await peer.ask("initialize", _HELLO, deadline, within_s=STARTUP_S)).get("agentCapabilities")
    way_back = _way_back(offered if isinstance(offered, dict) else {})
    place = {"cwd": str(cwd), "mcpServers": []}
    if session is None:
        answer = await peer.ask("session/new", place, deadline)
        session = answer.get("sessionId")
        if not isinstance(session, str):
            raise RefusedError("its answer to session/new names no session", "permanent")
    elif not way_back:
        raise RefusedError("it ended, and a new one cannot return to a session", "session_lost")
    else:
        answer = await _return(peer, way_back, {"sessionId": session, **place}, deadline)
    peer.session = session
    for category, wanted in (("mode", mode), ("model", model)):
        if wanted:
            await _set(peer, category, wanted, answer, deadline)
    return Entered(session, bool(way_back), answer)


def words_of(error: RequestError) -> str:
    """What an error says, its details included."""
    details = error.data
    if isinstance(details, dict):
        details = details.get("details") or details.get("message") or json.dumps(details)
    return plain(f"{error}: {details}" if details else str(error))


async def _return(peer: Peer, way_back: str, session: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
    try:
        return await peer.ask(way_back, session, deadline)
    except RequestError as error:
        if error.code == AUTH_REQUIRED:
            raise
        raise RefusedError(f"{way_back}: {words_of(error)}", "session_lost") from error


async def _set(peer: Peer, category: str, wanted: str, answer: Mapping[str, Any], deadline: Deadline) -> None:
    """Set the session's mode or model, by the request that the agent offers for it."""
    option = _option(answer, category)
    method, said = f"session/set_{category}", {f"{category}Id": wanted}
    if option and not answer.get(f"{category}s"):
        method, said = "session/set_config_option", {"configId": option, "value": wanted}
    try:
        await peer.ask(method, {"sessionId": peer.session, **said}, deadline)
    except RequestError as error:
        raise RefusedError(f"the {category} {wanted!r} cannot be set: {words_of(error)}", "permanent") from error


def _way_back(offered: Mapping[str, Any]) -> str:
    """The request by which a new process returns to a session; empty when there is none."""
    if offered.get("loadSession"):
        return "session/load"
    sessions = offered.get("sessionCapabilities")
    return "session/resume" if isinstance(sessions, dict) and sessions.get("resume") is not None else ""


def _option(answer: Mapping[str, Any], category: str) -> str:
    """The id of the session's setting of a category; empty when there is none."""
    options = answer.get("configOptions")
    for option in options if isinstance(options, list) else ():
        if isinstance(option, dict) and option.get("category") == category:
            return str(option.get("id"))
    return ""
