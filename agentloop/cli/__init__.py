"""The command line: parse, call, render, exit. A group of lazy commands, so that `--version` imports click alone."""

import importlib
import io
import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from agentloop import __version__
from agentloop.errors import AgentloopError
from agentloop.interrupts import Interrupted

COMMANDS = {
    "run": ("agentloop.cli.run:run", "Prompt an agent until the predicate holds, then keep what it learned."),
    "wrap": ("agentloop.cli.wrap:wrap", "Drive an agent yourself; then check, and keep what it learned."),
    "check": ("agentloop.cli.check:check", "Evaluate a predicate once; no agent."),
    "distill": ("agentloop.cli.distill:distill", "Keep what a session learned that you drove by hand."),
    "push": ("agentloop.cli.push:push", "Check what a push would bring, keep what was learned, then git push."),
    "resume": ("agentloop.cli.run:resume", "Go on with a run that was cut off."),
    "status": ("agentloop.cli.runs:status", "Say how a run stands."),
    "logs": ("agentloop.cli.runs:logs", "Show a run's events."),
    "report": ("agentloop.cli.runs:report", "Print a run as Markdown."),
    "runs": ("agentloop.cli.pruning:runs", "Prune the records of old runs."),
    "diff": ("agentloop.cli.changes:diff", "Show what a run changed, or one of its turns."),
    "undo": ("agentloop.cli.changes:undo", "Take back what a run did."),
    "skills": ("agentloop.cli.skills:skills", "Look after the repository's skills."),
    "agents": ("agentloop.cli.agents:agents", "List the agents that agentloop knows."),
    "hook": ("agentloop.cli.hook:hook", "Look at what a plain git push pushes."),
    "queue": ("agentloop.cli.queue:queue", "Ask the sessions behind earlier pushes for what they learned."),
    "guard": ("agentloop.cli.guard:guard", "See what the guard catches."),
    "config": ("agentloop.cli.config:config", "Show the settings and where each comes from."),
    "demo": (
        "agentloop.cli.demo:demo",
        "Watch the whole job on a small project, with and without the skill.",
    ),
}


class _PipeClosedError(Exception):
    """Nobody reads what we print."""


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are run; `--help` imports none of them.

    Args:
        table: by the command's name, where it is and what it does.
        settings: what click's own group takes.
    """

    def __init__(self, *, table: Mapping[str, tuple[str, str]], **settings: Any) -> None:
        super().__init__(**settings)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands' names, in the order of the table."""
        return [*self.table]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        """Import one command."""
        if cmd_name not in self.table:
            return None
        module, _colon, attribute = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; click itself would end a broken pipe with 1, which means something else here."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _PipeClosedError from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table for `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_target, text) in self.table.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Find the command, or fail with the nearest name."""
        import difflib

        if args[0] not in self.table and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.table, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="agentloop")
def cli() -> None:
    """Supervise any CLI coding agent until a command proves success, then keep what it learned as a skill.

    \b
    agentloop run --until "pytest passes" "Make the date parser accept ISO weeks"
    agentloop run --until "pytest passes" -- claude --model opus "Make the date parser accept ISO weeks"
    """  # noqa: D301 - click reads the \b


def _write_to_nobody(stream: object) -> None:
    """Keep the interpreter from trying to flush at its end what nobody takes."""
    if isinstance(stream, io.TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main() -> NoReturn:
    """Run the command line; every error that a user can make ends here as a message and an exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, io.StringIO())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows ASCII alone
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except (AgentloopError, click.ClickException, click.Abort, OSError, _PipeClosedError) as error:
        sys.exit(_tell(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Interrupted as interrupted:
        click.echo(f"interrupted by {interrupted}", err=True)
        sys.exit(128 + interrupted.number)
    sys.exit(code if isinstance(code, int) else 0)


def _is_gone() -> bool:
    """The current folder has been removed."""
    try:
        os.getcwd()  # noqa: PTH109 - pathlib imports more than `--version` needs
    except FileNotFoundError:
        return True
    return False


def _code(error: Exception) -> int:
    """The exit code of what went wrong."""
    match error:
        case click.ClickException() | AgentloopError():
            return error.exit_code
        case click.Abort():
            return 130
        case _PipeClosedError() | BrokenPipeError():
            return 141
        case FileNotFoundError() if _is_gone():
            return 2
        case _:
            return 74


def _tell(error: Exception) -> int:
    """Say what went wrong; returns the exit code, which is all there is to tell by when the disk is full."""
    try:
        _say(error)
    except OSError:
        _write_to_nobody(sys.stderr)
    return _code(error)


def _say(error: Exception) -> None:
    match error:
        case click.ClickException():
            error.show()
        case click.Abort():
            click.echo("interrupted", err=True)
        case _PipeClosedError() | BrokenPipeError():
            _write_to_nobody(sys.stdout)
        case FileNotFoundError() if _is_gone():
            click.echo("error: the current folder has been removed\n  change to one that exists", err=True)
        case OSError():
            _write_to_nobody(sys.stdout)
            click.echo(f"error: {error.strerror}{f': {error.filename}' if error.filename else ''}", err=True)
        case AgentloopError():
            click.echo(f"error: {error.message}", err=True)
            if error.hint:
                click.echo(f"  {error.hint}", err=True)
