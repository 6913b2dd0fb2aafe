"""When a usage limit ends, read from what an agent or a provider says of it."""

import datetime
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ZONE = re.compile(r"\(?\b(?P<name>[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_+-]+){1,2}|UTC|GMT)\b\)?")
_MAX_CHARS = 100
_EPOCH_S = 1_000_000_000
_EPOCH_MS = 1_000_000_000_000
_MAX_AHEAD_S = 60 * 86400.0


def reset_at(said: object, now: float) -> float | None:
    """Read when a usage limit ends.

    Args:
        said: Unix seconds or milliseconds, seconds from now, an ISO or HTTP time, `2h5m`, `3pm (Europe/Berlin)`,
            `Nov 28 at 3:07 PM`; without a zone it is the machine's own.
        now: Unix time in seconds.

    Returns:
        Unix time in seconds; None for what cannot be read, and for a time that is past or more than 60 days ahead.
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
        return found.replace(tzinfo=found.tzinfo or zone).timestamp()
    except (ValueError, OverflowError):  # the year 1, or a zone's first
        return None


def _zone(name: str) -> datetime.tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
