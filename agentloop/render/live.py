"""Events as they happen, on stderr: one permanent line each, the board on a terminal, a heartbeat elsewhere."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.markup import escape

from agentloop import events as ev
from agentloop.render.board import Board, doing
from agentloop.render.figures import clock
from agentloop.render.lines import describe
from agentloop.render.summary import result_object, summary
from agentloop.state import RunState
from agentloop.text.quoting import plain

HEARTBEAT_S = 30.0


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - rich calls this while it handles the error, and would end the program

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002 - rich's signature
        """The cursor is left as it is: whoever kills us would leave the terminal without one."""
        return False


class Renderer:
    """Shows a run's events as they happen.

    Args:
        quiet: show nothing but the end.
        ndjson: write each event to stdout as a line of JSON too.
        before: the run as it stood before it is gone on with; asked only when it is shown.
    """

    def __init__(self, *, quiet: bool = False, ndjson: bool = False, before: Callable[[], RunState] = RunState) -> None:
        self.console = _Console(stderr=True, highlight=False, soft_wrap=True)
        self._out = _Console(highlight=False, soft_wrap=True)
        self._quiet = quiet
        self._ndjson = ndjson
        self._board = Board(before()) if _takes_a_board(self.console, beside=self._out if ndjson else None) else None
        self._live: Live | None = None
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
        self._doing = doing(event) or self._doing
        if self._board:
            self._board.see(event)
        if isinstance(event, ev.TurnStarted):
            self._is_told = bool(event.prompt)
        line = "" if self._quiet or (isinstance(event, ev.ToolCalled) and not self._is_told) else describe(event)
        if line:
            self.console.print(line)  # above the board, when it stands there
            self._last_line_at = time.monotonic()

    def tick(self, elapsed_s: float) -> None:
        """Show that something is still at work."""
        if not self._quiet:
            with self._as_long_as_somebody_looks():
                self._tick(elapsed_s)

    def _tick(self, elapsed_s: float) -> None:
        if self._board:
            self._board.program_s = elapsed_s
            if self._live is None:
                self._live = _live(self._board, self.console)
                self._live.start()
            self._live.refresh()
        elif time.monotonic() - self._last_line_at >= HEARTBEAT_S:
            self.console.print(f"  ... {escape(self._doing)}, {clock(elapsed_s)}")
            self._last_line_at = time.monotonic()

    def close(self) -> None:
        """Take the board away; the next tick puts it up again."""
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

    def warn(self, text: str) -> None:
        """Say what went wrong beside the run, also when nothing else is shown."""
        with self._as_long_as_somebody_looks():
            self.console.print(f"warning: {plain(text)}", markup=False)

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
        live, self._live = self._live, None
        if live is not None:
            live.stop()


def _takes_a_board(console: Console, beside: Console | None) -> bool:
    """A terminal can take it that moves its cursor, and that nothing else is written to meanwhile."""
    is_free = beside is None or not beside.file.isatty()
    return console.is_interactive and console.file.isatty() and is_free


def _live(board: Board, console: Console) -> Live:
    """Without a thread of its own, since programs are forked; and with stdout and stderr as they are."""
    return Live(
        board, console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    )
