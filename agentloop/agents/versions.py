"""Versions of agents: found in what they print, and held against those that an adapter was run with."""

import re
from collections.abc import Sequence
from typing import Literal

_VERSION = re.compile(r"\d+\.\d+(?:[.+-]?\w)*")
_NUMBER = re.compile(r"\d+")
_MAX_CHARS = 4096


def find(text: str) -> str:
    """The first version in what a program printed; empty when there is none."""
    match = _VERSION.search(text[:_MAX_CHARS])
    return match[0] if match else ""


def standing(version: str, proven: Sequence[str]) -> Literal["proven", "older", "newer"]:
    """Hold a version against the oldest and the newest that an adapter was run with.

    Args:
        version: the one that is there.
        proven: at least one version, in any order.
    """
    known = sorted(map(_numbers, proven))
    if _numbers(version) < known[0]:
        return "older"
    return "newer" if _numbers(version) > known[-1] else "proven"


def _numbers(version: str) -> list[int]:
    """Its leading numbers: what follows a hyphen or a plus sign is a build of the same version."""
    return [int(number) for number in _NUMBER.findall(re.split(r"[-+]", version, maxsplit=1)[0])]
