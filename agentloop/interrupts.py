"""Signals that end the program: noted when they arrive, acted upon where nothing is half done.

A handler that raises does so between any two instructions: inside a lock of the standard library, which then stays
taken for ever, or between a journal line and its number. So the handler only notes, and whatever waits asks.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_S = 0.1
_noted: list[signal.Signals] = []


class Interrupted(BaseException):
    """A signal arrived that ends the program.

    Args:
        number: the signal.
    """

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


@contextmanager
def noted() -> Iterator[None]:
    """While this lasts, SIGINT, SIGTERM and SIGHUP are noted; one that is ignored (nohup) stays ignored."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    _noted.clear()
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda arrived, _frame: _noted.append(signal.Signals(arrived)))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _noted.clear()


def arrived() -> signal.Signals | None:
    """The first signal that was noted."""
    return _noted[0] if _noted else None


def raise_if_interrupted() -> None:
    """Act upon a noted signal.

    Raises:
        Interrupted: one has arrived.
    """
    if _noted:
        raise Interrupted(_noted[0])


def sleep(duration_s: float) -> None:
    """Sleep, or stop sleeping because a signal arrived.

    Raises:
        Interrupted: one has arrived.
    """
    ends_at = time.monotonic() + duration_s
    while (left_s := ends_at - time.monotonic()) > 0:
        raise_if_interrupted()
        time.sleep(min(left_s, _LOOK_S))
