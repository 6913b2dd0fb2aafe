"""Three values: a failure decides `and`, a pass decides `or`, and an error is never turned into either."""

from collections.abc import Iterable, Sequence

from agentloop.events import VerdictValue

EVERY: frozenset[VerdictValue] = frozenset(("pass", "fail", "error"))
_OPPOSITE: dict[VerdictValue, VerdictValue] = {"pass": "fail", "fail": "pass", "error": "error"}


def all_of(verdicts: Iterable[VerdictValue]) -> VerdictValue:
    """A failure decides, then an error, and only passes alone are a pass."""
    seen = set(verdicts)
    return "fail" if "fail" in seen else "error" if "error" in seen else "pass"


def any_of(verdicts: Iterable[VerdictValue]) -> VerdictValue:
    """A pass decides, then an error, and only failures alone are a failure."""
    seen = set(verdicts)
    return "pass" if "pass" in seen else "error" if "error" in seen else "fail"


def opposite(verdict: VerdictValue) -> VerdictValue:
    """What `not` makes of it."""
    return _OPPOSITE[verdict]


def possible_all(parts: Sequence[frozenset[VerdictValue]]) -> frozenset[VerdictValue]:
    """What `all_of` can come to when each part can be any of its verdicts."""
    found: frozenset[VerdictValue] = frozenset(("pass",))
    for part in parts:
        found = frozenset(all_of((one, other)) for one in found for other in part)
    return found


def possible_any(parts: Sequence[frozenset[VerdictValue]]) -> frozenset[VerdictValue]:
    """What `any_of` can come to when each part can be any of its verdicts."""
    return possible_not(possible_all([possible_not(part) for part in parts]))


def possible_not(part: frozenset[VerdictValue]) -> frozenset[VerdictValue]:
    """What `not` can make of them."""
    return frozenset(opposite(verdict) for verdict in part)
