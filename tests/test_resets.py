"""When a usage limit ends: the forms in which agents and providers say it."""

import datetime
import re
import time
from collections.abc import Iterator

import pytest

from agentloop.agents import registry
from agentloop.agents.resets import reset_at

NOW = datetime.datetime(2026, 11, 25, 22, 0, tzinfo=datetime.UTC).timestamp()


@pytest.fixture(autouse=True)
def _in_berlin() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("said", "at"),
    [
        (NOW + 90, "2026-11-25T22:01:30+00:00"),
        (int((NOW + 3600) * 1000), "2026-11-25T23:00:00+00:00"),
        ("17", "2026-11-25T22:00:17+00:00"),
        ("30s", "2026-11-25T22:00:30+00:00"),
        ("2h5m", "2026-11-26T00:05:00+00:00"),
        ("in 2 hours 5 minutes", "2026-11-26T00:05:00+00:00"),
        ("1 day 3 hours", "2026-11-27T01:00:00+00:00"),
        ("3pm (UTC)", "2026-11-26T15:00:00+00:00"),
        ("3pm (America/New_York)", "2026-11-26T20:00:00+00:00"),
        ("11:30pm (UTC)", "2026-11-25T23:30:00+00:00"),
        ("3am", "2026-11-26T02:00:00+00:00"),
        ("Nov 28, 3pm (Europe/Berlin)", "2026-11-28T14:00:00+00:00"),
        ("Nov 28th, 2026 3:07 PM", "2026-11-28T14:07:00+00:00"),
        ("2026-11-28T03:00:00Z", "2026-11-28T03:00:00+00:00"),
        ("Fri, 28 Nov 2026 10:00:00 GMT", "2026-11-28T10:00:00+00:00"),
        ("3pm PST", "2026-11-25T23:00:00+00:00"),
        ("5:01 pm EST", "2026-11-25T22:01:00+00:00"),
        ("3pm (GMT+2)", "2026-11-26T13:00:00+00:00"),
        ("5 days", "2026-11-30T22:00:00+00:00"),
    ],
)
def test_the_time_is_read(said: object, at: str) -> None:
    assert reset_at(said, NOW) == datetime.datetime.fromisoformat(at).timestamp()


@pytest.mark.parametrize("said", ["11pm", "10:58 PM", "10pm (UTC)", "4:59pm EST"])
def test_an_hour_that_has_just_struck_is_past_and_not_tomorrows(said: str) -> None:
    assert reset_at(said, NOW + 20) is None


@pytest.mark.parametrize("name", registry.names())
def test_no_adapter_cuts_a_time_at_its_point(name: str) -> None:
    for known in registry.load(name).errors:
        found = re.search(known.reset, "Please try again in 1m30.5s. Bye.") if known.reset else None
        assert found is None or found[1] == "1m30.5s"


@pytest.mark.parametrize("said", ["", "soon", "2020-01-01T00:00:00Z", "9999 hours", "(Nowhere/Land)", "x" * 5000, None])
def test_what_is_no_time_to_come_is_not_read(said: object) -> None:
    assert reset_at(said, NOW) is None
