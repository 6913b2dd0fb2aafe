"""The program; see the package."""

import argparse
import os
import sys
from pathlib import Path
from typing import get_args

from agentloop.builtin.session import Session, fork, open_session
from agentloop.builtin.tools import Permissions, Toolbox
from agentloop.builtin.turn import Limits, Turn
from agentloop.errors import UsageError
from agentloop.interrupts import noted
from agentloop.jsonlines import emit, exit_code_of
from agentloop.models import ModelError


def main() -> int:
    """Do one turn; returns the exit code."""
    parser = argparse.ArgumentParser(prog="agentloop.builtin", description="One turn of the built-in agent.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--session", metavar="ID", help="start this session")
    which.add_argument("--resume", metavar="ID", help="go on with this session")
    which.add_argument("--fork", metavar="ID", help="go on in a copy of this session")
    parser.add_argument("--model", metavar="NAME", default="", help="the model, as litellm names it: PROVIDER/NAME")
    parser.add_argument("--permissions", choices=get_args(Permissions), default="edit")
    parser.add_argument("--max-steps", type=int, default=100, metavar="N", help="answers of the model in this turn")
    parser.add_argument("--max-cost", type=float, metavar="USD", help="US dollars for this turn")
    parser.add_argument("--answer-timeout", type=float, default=300.0, metavar="S", help="seconds for one answer")
    return exit_code_of(lambda: _turn(parser.parse_args()))


def _turn(told: argparse.Namespace) -> int:
    if not told.model:
        raise UsageError(
            "no model is named", hint='name one as litellm does: --model NAME, or model = "NAME" in agentloop.toml'
        )
    session = _session(told)
    emit("session", id=session.id)
    # As bytes: Python would translate line ends.
    prompt = sys.stdin.buffer.read().decode("utf-8", "replace")
    limits = Limits(told.max_steps, told.max_cost, told.answer_timeout)
    turn = Turn(session, told.model, Toolbox(Path.cwd(), told.permissions), limits, emit)
    with noted():
        try:
            emit("done", text=turn.take(prompt))
        except ModelError as error:
            emit("error", message=error.explained, kind=error.kind, reset=error.retry_after_s)
            return 1
    return 0


def _session(told: argparse.Namespace) -> Session:
    if told.fork:
        return fork(told.fork)
    return open_session(told.resume or told.session, resume=bool(told.resume))


if __name__ == "__main__":
    # Without the taking apart of what litellm loaded, which takes longer than a signal is waited for. All is written.
    os._exit(main())
