"""Amounts as people write them, and limits that nobody switches off by accident."""

from collections.abc import Callable
from typing import Any

import pytest

from agentloop.text import amounts

Read = Callable[[object], object]


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("1.5h", 5400), ("2d", 172800)])
def test_durations(text: str, seconds: float) -> None:
    assert amounts.duration_s(text) == amounts.time_limit_s(text) == seconds


@pytest.mark.parametrize(("read", "said", "meant"), [
    (amounts.cost_limit_usd, "5", 5.0), (amounts.cost_limit_usd, " $0.50", 0.5), (amounts.cost_limit_usd, 3, 3.0),
    (amounts.cost_limit_usd, "none", None), (amounts.token_limit, "None", None),
    (amounts.token_limit, "500k", 500_000), (amounts.token_limit, "1.5M", 1_500_000),
    (amounts.token_limit, "2_000", 2000), (amounts.token_limit, 7, 7),
    (amounts.time_limit_or_none_s, "none", None), (amounts.time_limit_or_none_s, 90, 90.0),
    (amounts.longest_wait_s, "never", 0.0), (amounts.longest_wait_s, "6h", 21600.0),
])  # fmt: skip
def test_limits_are_read_as_people_write_them(read: Read, said: object, meant: object) -> None:
    assert read(said) == meant


READERS = [
    amounts.time_limit_s, amounts.time_limit_or_none_s, amounts.cost_limit_usd, amounts.token_limit,
    amounts.longest_wait_s, amounts.whole_number,
]  # fmt: skip


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "said",
    ["0", 0, "0s", -1, "-1", "-5m", "", "off", "inf", float("inf"), "nan", float("nan"), True, False, [], "1e9999"],
)
def test_what_bounds_nothing_is_refused(read: Read, said: object) -> None:
    with pytest.raises(ValueError, match="write"):
        read(said)


@pytest.mark.parametrize(("read", "said", "words"), [
    (amounts.time_limit_s, "none", "30m or 2h; it cannot be switched off"),
    (amounts.whole_number, "none", "it cannot be switched off"), (amounts.whole_number, "1.5", "a whole number"),
    (amounts.longest_wait_s, "none", "or never"), (amounts.time_limit_or_none_s, "off", "or none for no limit"),
])  # fmt: skip
def test_what_is_refused_says_how_it_is_switched_off_or_that_it_is_not(read: Read, said: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(said)


@pytest.mark.parametrize(("write", "read", "number", "text"), [
    (amounts.as_duration, amounts.time_limit_s, 5400.0, "90m"),
    (amounts.as_duration, amounts.time_limit_s, 0.1, "0.1s"),
    (amounts.as_duration, amounts.time_limit_s, 172800.0, "2d"), (amounts.as_tokens, amounts.token_limit, 1500, "1500"),
    (amounts.as_duration, amounts.time_limit_or_none_s, None, "none"),
    (amounts.as_wait, amounts.longest_wait_s, 0, "never"),
    (amounts.as_cost, amounts.cost_limit_usd, 0.5, "0.5"), (amounts.as_size, amounts.size_bytes, 3 * 1024**2, "3M"),
])  # fmt: skip
def test_amounts_are_written_as_they_are_read(write: Callable[[Any], str], read: Read, number: Any, text: str) -> None:
    assert (write(number), read(text)) == (text, number)
