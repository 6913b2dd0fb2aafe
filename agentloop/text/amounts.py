"""Amounts as people write them in flags, files and variables: durations, money, tokens, sizes.

A limit is never switched off by accident: 0 and below are refused, and only the word `none` takes one away.
"""

import math
import re
from collections.abc import Mapping

_DURATION = re.compile(r"^(?P<number>\d+(?:\.\d+)?)(?P<unit>s|m|h|d)?$")
_TOKENS = re.compile(r"^(?P<number>\d+(?:_\d+)*(?:\.\d+)?)(?P<unit>k|M)?$")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, None: 1}
_UNIT_TOKENS = {"k": 1_000, "M": 1_000_000, None: 1}
_SIZE = re.compile(r"^(?P<number>\d+(?:\.\d+)?)(?P<unit>[KMGT])?$")
_UNIT_BYTES = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4, None: 1}
_OFF = "none"
_FOREVER = "forever"
_NEVER = "never"


def duration_s(value: object, wanted: str = "90s, 30m, 1.5h or 2d") -> object:
    """Read `90`, `90s`, `30m`, `1.5h` or `2d` as seconds.

    Raises:
        ValueError: the text is none of these.
    """
    if not isinstance(value, str):
        return value
    match = _DURATION.match(value.strip())
    if not match:
        raise ValueError(f"{value!r} is no duration: write {wanted}")
    return float(match["number"]) * _UNIT_S[match["unit"]]


def whole_number(value: object) -> int:
    """Read how often something may happen, which cannot be switched off.

    Raises:
        ValueError: it is no whole number, or not above 0.
    """
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if isinstance(number, int) and not isinstance(number, bool) and number > 0:
        return number
    raise ValueError(f"{value!r} is no limit: write a whole number, 1 or more; it cannot be switched off")


def time_limit_s(value: object) -> float:
    """Read a limit of time that cannot be switched off, in seconds.

    Raises:
        ValueError: it is no duration, or not above 0.
    """
    return _duration(value, "a duration such as 30m or 2h; it cannot be switched off")


def time_limit_or_none_s(value: object) -> float | None:
    """Read a limit of time, in seconds; None for `none`, which switches it off.

    Raises:
        ValueError: it is no duration, or not above 0.
    """
    return None if _is_word(value, _OFF) else _duration(value, "a duration such as 4h, or none for no limit")


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
    return 0.0 if _is_word(value, _NEVER) else _duration(value, "a duration such as 6h, or never")


def kept_for_s(value: object) -> float:
    """Read how long something is kept, in seconds; infinite for `forever`.

    Raises:
        ValueError: it is no duration, or not above 0.
    """
    return math.inf if _is_word(value, _FOREVER) else _duration(value, "a duration such as 90d, or forever")


def size_bytes(value: object) -> int:
    """Read a size, `500M` or `1.5G`, as bytes.

    Raises:
        ValueError: it is no size, or not above 0.
    """
    match = _SIZE.match(value.strip()) if isinstance(value, str) else None
    number = float(match["number"]) * _UNIT_BYTES[match["unit"]] if match else value
    return int(_above_zero(number, value, "a size such as 500M or 1G"))


def as_duration(seconds: float | None) -> str:
    """Seconds as they are read again: `90s`, `30m`, `4h`, `2d`; `none` for no limit."""
    if seconds is None:
        return _OFF
    for unit in ("d", "h", "m"):
        if seconds >= _UNIT_S[unit] and seconds % _UNIT_S[unit] == 0:
            return f"{seconds / _UNIT_S[unit]:.0f}{unit}"
    return f"{seconds:.15g}s"


def as_wait(seconds: float) -> str:
    """What `longest_wait_s` reads."""
    return as_duration(seconds) if seconds else _NEVER


def as_kept(seconds: float) -> str:
    """What `kept_for_s` reads."""
    return _FOREVER if math.isinf(seconds) else as_duration(seconds)


def as_cost(usd: float | None) -> str:
    """What `cost_limit_usd` reads."""
    return _OFF if usd is None else f"{usd:.15g}"


def as_tokens(tokens: int | None) -> str:
    """What `token_limit` reads."""
    return _OFF if tokens is None else _in_units(tokens, {"M": 1_000_000, "k": 1_000})


def as_size(size: int) -> str:
    """What `size_bytes` reads."""
    return _in_units(size, {"T": 1024**4, "G": 1024**3, "M": 1024**2, "K": 1024})


def _in_units(number: int, units: Mapping[str, int]) -> str:
    found = next((unit for unit, size in units.items() if number >= size and number % size == 0), "")
    return f"{number // units.get(found, 1)}{found}"


def _duration(value: object, wanted: str) -> float:
    return _above_zero(duration_s(value, wanted), value, wanted)


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
