"""An agent that is made for people, as data: the `[terminal]` part of an adapter."""

from typing import Annotated

from pydantic import Field

from agentloop.agents.stream_spec import Part, Pattern, Patterns

Keys = tuple[str, ...]
"""What is typed, one after the other, each once the one before was taken in: `"\\u001b[A"` is the arrow up, `"\\r"` the
return key."""


class Dialog(Part):
    """A question that the agent asks a person."""

    pattern: Pattern
    """What the screen shows while it waits for the answer."""
    answer: Keys


class Terminal(Part):
    """How the agent is driven in a terminal; patterns are regular expressions that are searched in the screen."""

    start: tuple[str, ...]
    """Its command line for a new session, without a prompt."""
    resume: tuple[str, ...] = ()
    """The one for a session that there is."""
    ready: Pattern = ""
    """What the screen shows when the agent takes a prompt."""
    busy: Pattern = ""
    """What it shows while the agent is at work."""
    settled_s: Annotated[float, Field(gt=0, le=60)] = 3.0
    """How long nothing must change, and next to no processor time be used, before the agent is taken to be done."""
    dialogs: tuple[Dialog, ...] = ()
    """The questions that have an answer; any other one ends the turn."""
    exit: Keys = ()
    """What ends it in good order."""
    patterns: Patterns = Patterns()
    """What the lines say that a turn added to the screen, as in `stream.patterns`."""
