"""How long and how much is kept, as one writes it: `30d`, `forever`; `500M`, `1G`."""

import math
import re

_KEPT = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[smhd])?")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, None: 1}
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS = "KMGT"


def kept_for_s(value: object) -> object:
    """Read `30d`, `12h` or `forever` as seconds.

    Raises:
        ValueError: the text is none of these.
    """
    if not isinstance(value, str):
        return value
    if value.strip() == "forever":
        return math.inf
    match = _KEPT.fullmatch(value.strip())
    if not match:
        raise ValueError(f"{value!r} is no age: write 12h, 30d or forever")
    return float(match["number"]) * _UNIT_S[match["unit"]]


def size_bytes(value: object) -> object:
    """Read `800`, `500M` or `1.5G` as bytes; a K is 1024 of them.

    Raises:
        ValueError: the text is none of these.
    """
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if not match:
        raise ValueError(f"{value!r} is no size: write 500M, or 1G")
    power = _UNITS.index(match["unit"].upper()) + 1 if match["unit"] else 0
    return int(float(match["number"]) * 1024**power)
