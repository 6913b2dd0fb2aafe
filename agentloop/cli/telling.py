"""What becomes of a run's events and of its result: shown, told to those who want to be told, added to a CI summary."""

import os
from collections.abc import Callable

from agentloop import config, interrupts, notify
from agentloop import events as ev
from agentloop.interrupts import Interrupted
from agentloop.recipients import Notify
from agentloop.records import changes
from agentloop.render import Renderer, report, result_object
from agentloop.repo import Repo
from agentloop.state import RunState
from agentloop.state.fold import fold

MIN_WAIT_S = 60.0
"""The shortest wait for a usage limit that anybody is told of."""


class Telling:
    """Shows a run's events, and tells of it.

    Args:
        renderer: shows.
        recipients: who is told.
        before: the run as it stood before it is gone on with; asked only when there is somebody to tell.
    """

    def __init__(self, renderer: Renderer, recipients: Notify, before: Callable[[], RunState] = RunState) -> None:
        self._renderer = renderer
        self._recipients = recipients
        self._state = RunState() if recipients == Notify() else before()

    def event(self, event: ev.Event) -> None:
        """Show an event, and tell of a usage limit that is waited for.

        Raises:
            Interrupted: a signal was noted while somebody was told.
        """
        self._renderer.event(event)
        if self._recipients == Notify():
            return
        self._state = fold([event], self._state)
        if isinstance(event, ev.WaitStarted) and self._state.is_paused and event.until - event.at >= MIN_WAIT_S:
            result = result_object(self._state, at_work=True)
            self._tell(notify.Occasion(event.type, "waiting", event.reason, result))

    def end(self, state: RunState, repo: Repo, *, as_json: bool) -> None:
        """Print the result, then tell the others; nothing that fails here changes how the run ended.

        Who interrupted a run knows that it has stopped: only of an end are others told.
        """
        self._renderer.result(state, as_json=as_json)
        if not state.ended:
            return
        occasion = notify.Occasion(state.ended.type, state.ended.outcome, state.ended.reason, result_object(state))
        try:
            with interrupts.noted():
                self._summarise(state, repo)
                self._tell(occasion)
        except Interrupted as interrupted:
            self._renderer.warn(f"not everybody was told: interrupted by {interrupted}")

    def _tell(self, occasion: notify.Occasion) -> None:
        for problem in notify.tell(self._recipients, occasion):
            self._renderer.warn(problem)

    def _summarise(self, state: RunState, repo: Repo) -> None:
        """Add the report to the summary of the CI job that this is a step of."""
        place = os.environ.get("GITHUB_STEP_SUMMARY")
        if not place:
            return
        try:
            with open(place, "a", encoding="utf-8", errors="replace", opener=_without_waiting) as file:
                file.write(report(state, changes.of_run(repo, state)))
        except OSError as error:
            self._renderer.warn(f"the job's summary {place} cannot be written: {error.strerror}")


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; of a pipe whose other end nobody has opened that is an error."""
    return os.open(path, flags | os.O_NONBLOCK, 0o666)


def of_user() -> Notify:
    """Who is told of a run that was begun before: the person's own settings say it."""
    return config.load(None, {}).settings.notify
