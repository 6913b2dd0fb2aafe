"""Signals that end the program: noted when they arrive, acted upon where nothing is half done.

A handler that raises does so between any two instructions: inside a lock of the standard library, which then stays
taken for ever, or between a journal line and its number. So the handler only notes, and whatever waits asks.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_S = 0.1
# A terminal and the program that started us may both pass on one and the same ctrl-C.
_SAME_S = 0.3
_STUCK_S = 3.0
_SHOW_CURSOR = b"\x1b[?25h"
_noted: list[tuple[signal.Signals, float]] = []


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
            signal.signal(number, _note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _noted.clear()


def _note(number: int, _frame: object) -> None:
    now = time.monotonic()
    if _noted and now - _noted[0][1] > _STUCK_S:
        _die(number)
    _noted.append((signal.Signals(number), now))


def _die(number: int) -> None:
    """End at once, by the signal itself; the watchdog ends what is left, and the journal can be resumed."""
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, _SHOW_CURSOR)  # the live view has hidden it
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def arrived() -> signal.Signals | None:
    """The first signal that was noted."""
    return _noted[0][0] if _noted else None


def in_a_hurry() -> bool:
    """A second signal came, of somebody who does not want to wait for whatever is given time to end."""
    return bool(_noted) and _noted[-1][1] - _noted[0][1] > _SAME_S


def raise_if_interrupted() -> None:
    """Act upon a noted signal.

    Raises:
        Interrupted: one has arrived.
    """
    if _noted:
        raise Interrupted(_noted[0][0])


def sleep(duration_s: float) -> None:
    """Sleep, or stop sleeping because a signal arrived.

    Raises:
        Interrupted: one has arrived.
    """
    ends_at = time.monotonic() + duration_s
    while (left_s := ends_at - time.monotonic()) > 0:
        raise_if_interrupted()
        time.sleep(min(left_s, _LOOK_S))
