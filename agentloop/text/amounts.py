"""Amounts as people write them in flags, files and variables: durations, money, tokens, sizes.

A limit is never switched off by accident: 0 and below are refused, and only the word `none` takes one away.
"""

import math
import re

_DURATION = re.compile(r"^(?P<number>\d+(?:\.\d+)?)(?P<unit>s|m|h|d)?$")
_TOKENS = re.compile(r"^(?P<number>\d+(?:_\d+)*(?:\.\d+)?)(?P<unit>k|M)?$")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, None: 1}
_UNIT_TOKENS = {"k": 1_000, "M": 1_000_000, None: 1}
_SIZE = re.compile(r"^(?P<number>\d+(?:\.\d+)?)(?P<unit>[KMGT])?$")
_UNIT_BYTES = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4, None: 1}
_OFF = "none"
_FOREVER = "forever"
_NEVER = "never"


def duration_s(value: object) -> object:
    """Read `90`, `90s`, `30m`, `1.5h` or `2d` as seconds.

    Raises:
        ValueError: the text is none of these.
    """
    if not isinstance(value, str):
        return value
    match = _DURATION.match(value.strip())
    if not match:
        raise ValueError(f"{value!r} is no duration: write 90s, 30m, 1.5h or 2d")
    return float(match["number"]) * _UNIT_S[match["unit"]]


def time_limit_s(value: object) -> float:
    """Read a limit of time that cannot be switched off, in seconds.

    Raises:
        ValueError: it is no duration, or not above 0.
    """
    return _above_zero(duration_s(value), value, "a duration such as 30m or 2h")


def time_limit_or_none_s(value: object) -> float | None:
    """Read a limit of time, in seconds; None for `none`, which switches it off.

    Raises:
        ValueError: it is no duration, or not above 0.
    """
    wanted = "a duration such as 4h, or none for no limit"
    return None if _is_word(value, _OFF) else _above_zero(duration_s(value), value, wanted)


def cost_limit_usd(value: object) -> float | None:
    """Read a limit of money: `5`, `0.50`, `$20`; None for `none`, which switches it off.

    Raises:
        ValueError: it is no amount, or not above 0.
    """
    wanted = "US dollars such as 20 or 0.50, or none for no limit"
    return None if _is_word(value, _OFF) else _above_zero(_dollars(value), value, wanted)


def token_limit(value: object) -> int | None:
    """Read a limit of tokens: `200000`, `500k`, `20M`; None for `none`, which switches it off.

    Raises:
        ValueError: it is no number, or not above 0.
    """
    if _is_word(value, _OFF):
        return None
    match = _TOKENS.match(value.strip()) if isinstance(value, str) else None
    number = float(match["number"]) * _UNIT_TOKENS[match["unit"]] if match else value
    return math.ceil(_above_zero(number, value, "a number of tokens such as 500k or 20M, or none for no limit"))


def longest_wait_s(value: object) -> float:
    """Read how long a usage limit may be waited for, in seconds; 0 for `never`.

    Raises:
        ValueError: it is no duration, or not above 0.
    """
    wanted = "a duration such as 6h, or never"
    return 0.0 if _is_word(value, _NEVER) else _above_zero(duration_s(value), value, wanted)


def kept_for_s(value: object) -> float:
    """Read how long something is kept, in seconds; infinite for `forever`.

    Raises:
        ValueError: it is no duration, or not above 0.
    """
    wanted = "a duration such as 90d, or forever"
    return math.inf if _is_word(value, _FOREVER) else _above_zero(duration_s(value), value, wanted)


def size_bytes(value: object) -> int:
    """Read a size, `500M` or `1.5G`, as bytes.

    Raises:
        ValueError: it is no size, or not above 0.
    """
    match = _SIZE.match(value.strip()) if isinstance(value, str) else None
    number = float(match["number"]) * _UNIT_BYTES[match["unit"]] if match else value
    return int(_above_zero(number, value, "a size such as 500M or 1G"))


def _is_word(value: object, word: str) -> bool:
    return isinstance(value, str) and value.strip().lower() == word


def _dollars(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return float(value.strip().removeprefix("$"))
    except ValueError:
        return None


def _above_zero(number: object, said: object, wanted: str) -> float:
    """The number, when it bounds anything."""
    if isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number) and number > 0:
        return float(number)
    raise ValueError(f"{said!r} is no limit: write {wanted}")
