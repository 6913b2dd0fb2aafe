"""Silence told from silent work."""

from collections.abc import Callable

# opencode's timers take up to three hundredths while it waits for its model.
_WORK_SHARE = 0.05
_SETTLING_SHARE = 0.1


class IdleClock:
    """Tells a program that is silent from one that works in silence.

    Args:
        limit_s: silence (no output, next to no processor time) that is too long.
        cpu_s: says how much processor time the program's tree has used so far.
    """

    def __init__(self, limit_s: float, cpu_s: Callable[[], float]) -> None:
        self._limit_s = limit_s
        self._settling_s = limit_s * _SETTLING_SHARE
        self._cpu_s = cpu_s
        self._before_s = 0.0
        self._before_at = 0.0

    def is_over(self, now: float, last_output_at: float) -> bool:
        """Silent for that long and not at work; what was worked before the last output does not count."""
        if self._before_at <= last_output_at:
            if now - last_output_at >= self._settling_s:
                self._before_at, self._before_s = now, self._cpu_s()
            return False
        if now - self._before_at < self._limit_s - self._settling_s:
            return False
        window_s, before_s = now - self._before_at, self._before_s
        self._before_at, self._before_s = now, self._cpu_s()
        return not is_work(self._before_s - before_s, window_s)


def is_work(cpu_s: float, window_s: float) -> bool:
    """Whether that much processor time in that much wall time is work, and not the timers of a program that waits."""
    return cpu_s > _WORK_SHARE * window_s
