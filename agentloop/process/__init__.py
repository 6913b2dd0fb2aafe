"""Other programs: the one door to them. Each runs in a session of its own, and its whole tree ends with it."""

from agentloop.process.beside import Program, run_side_by_side
from agentloop.process.detached import start_detached
from agentloop.process.idle import IdleClock, is_work
from agentloop.process.live import Live, start_program
from agentloop.process.output import Exited
from agentloop.process.running import run_program
from agentloop.process.starting import (
    KEYBOARD,
    Process,
    child_environment,
    git_free_environment,
    start_in_terminal,
)
from agentloop.process.tree import bind_to_us, end_family
from agentloop.process.walk import RUN_TAG, end_tagged
from agentloop.process.walls import Bubblewrap, Landlock, Walls
from agentloop.process.watchdog import watched

__all__ = [
    "KEYBOARD",
    "RUN_TAG",
    "Bubblewrap",
    "Exited",
    "IdleClock",
    "Landlock",
    "Live",
    "Process",
    "Program",
    "Walls",
    "bind_to_us",
    "child_environment",
    "end_family",
    "end_tagged",
    "git_free_environment",
    "is_work",
    "run_program",
    "run_side_by_side",
    "start_detached",
    "start_in_terminal",
    "start_program",
    "watched",
]
