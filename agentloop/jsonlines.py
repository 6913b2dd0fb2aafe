"""A program of ours that takes one turn: its events, and what goes wrong, printed as JSON lines."""

import json
import os
import sys
from collections.abc import Callable

from agentloop.errors import AgentloopError
from agentloop.interrupts import Interrupted


def emit(kind: str, /, **fields: object) -> None:
    """Print an event."""
    print(json.dumps({"type": kind, **fields}), flush=True)  # noqa: T201 - stdout is the agent's event stream


def exit_code_of(turn: Callable[[], int]) -> int:
    """Take the turn, which says the exit code; what goes wrong in it is an event of the type `error`."""
    try:
        return turn()
    except AgentloopError as error:
        emit("error", message=error.explained)
        return 1
    except BrokenPipeError:
        # Nobody listens any more; keep the interpreter from trying to flush at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        emit("error", message=f"{error.strerror}: {error.filename}")
        return 1
    except Interrupted as interrupted:
        return 128 + interrupted.number
    except KeyboardInterrupt:
        return 130
