"""What becomes of a run's result: printed, told to those who want to be told, and added to a CI job's summary."""

import os
from pathlib import Path

from agentloop import changes, config, interrupts, notify
from agentloop.interrupts import Interrupted
from agentloop.render import Renderer, report, result_object
from agentloop.repo import Repo
from agentloop.state import RunState


def tell(state: RunState, repo: Repo, settings: config.Settings, renderer: Renderer, *, as_json: bool) -> None:
    """Print the result, then tell the others; nothing that fails here changes how the run ended.

    Who interrupted a run knows that it has stopped: only of an end are others told.
    """
    renderer.result(state, as_json=as_json)
    if not state.ended:
        return
    try:
        with interrupts.noted():
            problems = [*_summarise(state, repo), *_notify(state, settings)]
    except Interrupted as interrupted:
        problems = [f"not everybody was told: interrupted by {interrupted}"]
    for problem in problems:
        renderer.warn(problem)


def _notify(state: RunState, settings: config.Settings) -> list[str]:
    if state.ended is None:
        return []
    end = state.ended
    occasion = notify.Occasion(end.type, end.outcome, end.reason, result_object(state))
    return notify.tell(settings.notify, occasion)


def _summarise(state: RunState, repo: Repo) -> list[str]:
    """Add the report to the summary of the CI job that this is a step of."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return []
    try:
        with Path(place).open("a", encoding="utf-8", errors="replace") as file:
            file.write(report(state, changes.of_run(repo, state)))
    except OSError as error:
        return [f"the job's summary {place} cannot be written: {error.strerror}"]
    return []
