"""Events as they happen, on stderr: one permanent line each, a live line on a terminal, a heartbeat elsewhere."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from agentloop import events as ev
from agentloop.render.figures import clock, moment
from agentloop.render.lines import describe
from agentloop.render.summary import result_object, summary
from agentloop.state import RunState

HEARTBEAT_S = 30.0


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - rich calls this while it handles the error, and would end the program


class Renderer:
    """Shows a run's events as they happen.

    Args:
        quiet: show nothing but the end.
        ndjson: write each event to stdout as a line of JSON too.
    """

    def __init__(self, *, quiet: bool = False, ndjson: bool = False) -> None:
        self.console = _Console(stderr=True, highlight=False, soft_wrap=True)
        self._out = _Console(highlight=False, soft_wrap=True)
        self._quiet = quiet
        self._ndjson = ndjson
        self._status: Status | None = None
        self._doing = ""
        self._is_told = True
        """The calls of the turn's tools are worth a line each: nobody saw them yet."""
        self._last_line_at = time.monotonic()

    def event(self, event: ev.Event) -> None:
        """Show one event."""
        with self._as_long_as_somebody_looks():
            self._event(event)

    def _event(self, event: ev.Event) -> None:
        if self._ndjson:
            self._out.file.write(event.model_dump_json() + "\n")
            self._out.file.flush()
        self._doing = _doing(event) or self._doing
        if isinstance(event, ev.TurnStarted):
            self._is_told = bool(event.prompt)
        line = "" if self._quiet or (isinstance(event, ev.ToolCalled) and not self._is_told) else describe(event)
        if line:
            self._stop_live()
            self.console.print(line)
            self._last_line_at = time.monotonic()

    def tick(self, elapsed_s: float) -> None:
        """Show that something is still at work."""
        if not self._quiet:
            with self._as_long_as_somebody_looks():
                self._tick(elapsed_s)

    def _tick(self, elapsed_s: float) -> None:
        if self.console.is_terminal:
            text = f"{self._doing} · {clock(elapsed_s)}"
            if self._status is None:
                self._status = self.console.status(text)
                self._status.start()
            self._status.update(text)
        elif time.monotonic() - self._last_line_at >= HEARTBEAT_S:
            self.console.print(f"  ... {self._doing}, {clock(elapsed_s)}")
            self._last_line_at = time.monotonic()

    def close(self) -> None:
        """Take the live line away."""
        with self._as_long_as_somebody_looks():
            self._stop_live()

    @contextmanager
    def _as_long_as_somebody_looks(self) -> Iterator[None]:
        """A run goes on when its reader has gone: all of it is in the journal."""
        try:
            yield
        except OSError:
            self._leave()

    def _leave(self) -> None:
        """Write to nobody from now on, so that not even the interpreter's last flush fails."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                os.dup2(nowhere, stream.fileno())
        os.close(nowhere)

    def result(self, state: RunState, *, as_json: bool, aside: bool = False) -> None:
        """Write the result of a run to stdout.

        Args:
            state: the run's state.
            as_json: as one JSON object.
            aside: the lines for people go to stderr, since stdout is somebody else's.
        """
        with self._as_long_as_somebody_looks():
            self._result(state, self.console if aside else self._out, as_json=as_json)

    def _result(self, state: RunState, out: Console, *, as_json: bool) -> None:
        self._stop_live()
        if as_json:
            self._out.file.write(json.dumps(result_object(state)) + "\n")
        elif not self._ndjson:
            for line in summary(state):
                out.print(line, markup=False)
        self._out.file.flush()

    def _stop_live(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def _doing(event: ev.Event) -> str:
    match event:
        case ev.TurnStarted(purpose="work"):
            return "the agent works"
        case ev.TurnStarted():
            return "the agent writes down what it learned"
        case ev.CheckStarted():
            return "checking"
        case ev.WaitStarted():
            return f"waiting until {moment(event.until)}, still"
        case ev.ToolCalled():
            return escape(f"{event.name}: {event.detail}"[:100])
        case _:
            return ""
