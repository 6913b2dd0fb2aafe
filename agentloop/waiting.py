"""Waiting for what cannot be interrupted, such as an answer from the network: in a thread that is left behind."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from agentloop.interrupts import raise_if_interrupted

_LOOK_S = 0.05
_T = TypeVar("_T")


def wait_for(work: Callable[[], _T], timeout_s: float) -> _T:
    """Do something and give up on it when the time is up or a signal arrives.

    Raises:
        TimeoutError: the time is up.
        Interrupted: a signal was noted.
        Exception: whatever the work raises.
    """
    results: list[_T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    deadline = time.monotonic() + timeout_s
    while thread.is_alive():
        raise_if_interrupted()
        if time.monotonic() >= deadline:
            raise TimeoutError(f"no answer within {timeout_s:.0f} s")
        thread.join(_LOOK_S)
    if errors:
        raise errors[0]
    return results[0]
