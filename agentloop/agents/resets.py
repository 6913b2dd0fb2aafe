"""When a usage limit ends, read from what an agent or a provider says of it."""

import datetime
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ZONE = re.compile(r"\(?\b(?P<name>[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_+-]+){1,2}|(?:UTC|GMT)(?![+-]\d))\b\)?")
_HOUR = re.compile(
    r"(?i:(?:at )?(?:\d{1,2}(?::\d\d){1,2}(?: ?[ap]m)?|\d{1,2} ?[ap]m|noon|midnight))\W*"
    r"(?:[A-Z]{1,5}(?:[+-]\d\S*)?)?\W*"
)
_MAX_CHARS = 100
_EPOCH_S = 1_000_000_000
_EPOCH_MS = 1_000_000_000_000
_DAY_S = 86400.0
_MAX_AHEAD_S = 60 * _DAY_S
_JUST_PAST_S = 30 * 60.0


def reset_at(said: object, now: float) -> float | None:
    """Read when a usage limit ends.

    Args:
        said: Unix seconds or milliseconds, seconds from now, an ISO or HTTP time, `2h5m`, `3pm (Europe/Berlin)`,
            `Nov 28 at 3:07 PM`; without a zone it is the machine's own.
        now: Unix time in seconds.

    Returns:
        Unix time in seconds; None for what cannot be read, and for a time that is past or more than 60 days ahead.
        An hour without a day is the next one, unless it has struck within the last half of an hour: then it is past,
        since an agent that says the same after it came does not mean tomorrow.
    """
    text = str(said).strip()[:_MAX_CHARS]
    at = _from_number(float(text), now) if _NUMBER.fullmatch(text) else _from_words(text, now)
    return at if at is not None and now <= at <= now + _MAX_AHEAD_S else None


def _from_number(number: float, now: float) -> float:
    if number >= _EPOCH_MS:
        return number / 1000
    return number if number >= _EPOCH_S else now + number


def _from_words(text: str, now: float) -> float | None:
    import dateparser

    named = _ZONE.search(text)
    zone = _zone(named["name"]) if named else None
    if named and zone:
        text = text[: named.start()] + text[named.end() :]
    here = datetime.datetime.fromtimestamp(now, zone).replace(tzinfo=None)
    found = dateparser.parse(
        text,
        languages=["en"],
        settings={"RELATIVE_BASE": here, "PREFER_DATES_FROM": "future"},
    )
    if found is None:
        return None
    try:
        at = found.replace(tzinfo=found.tzinfo or zone).timestamp()
    except (ValueError, OverflowError):  # the year 1, or a zone's first
        return None
    return _next_day(at, now) if _HOUR.fullmatch(text) else at


def _next_day(at: float, now: float) -> float:
    """The hour at the first of the days that it is not long past on: `3pm PST` may be today here and tomorrow there."""
    return at - (at - now + _JUST_PAST_S) // _DAY_S * _DAY_S


def _zone(name: str) -> datetime.tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
