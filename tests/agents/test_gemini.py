"""Gemini's cleaning up after itself, which takes sessions that are still wanted."""

from collections.abc import Callable

import pytest

from .conftest import Place
from .dialects import Say

pytestmark = [pytest.mark.agents, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.mark.parametrize("place", ["gemini"], indirect=True)
@pytest.mark.parametrize("prefix", ["s-", ""])
def test_a_resumed_session_outlives_another_one_in_the_project(place: Callable[..., Place], prefix: str) -> None:
    """Without our prefix it does not; when that has been mended, the prefix can go."""
    there = place(Say("One."), Say("Two."), Say("Else."), Say("Three."))
    with there.session() as session:
        start = tuple(word.replace("s-{", f"{prefix}{{") for word in there.adapter.start)
        session.adapter = there.adapter.model_copy(update={"start": start})
        assert there.send(session, "Begin.").status == "done"
        _make_older(there)
        assert there.send(session, "Go on.").status == "done"
        assert there.turn("Another session.").status == "done"
        last = there.send(session, "And on.")
    if prefix:
        assert last.status == "done", last
        assert "Begin." in there.model.main[-1].conversation
    else:
        assert last.error_class == "session_lost", last


def _make_older(there: Place) -> None:
    """A resumed session gets a second file when the minute is another one."""
    (file,) = (there.home / ".gemini/tmp").glob("*/chats/session-*.jsonl")
    stamp = file.name.removeprefix("session-")[:16]
    file.rename(file.with_name(file.name.replace(stamp, "2026-01-01T00-00")))
