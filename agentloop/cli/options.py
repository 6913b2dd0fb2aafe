"""Options that several commands have, and the agent's command line behind `--`."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from agentloop.text import amounts


class Amount(click.ParamType[Any]):
    """A limit as people write it; it stays as it was typed, since None would mean that the flag was not given.

    Args:
        name: what the help calls it.
        read: one of the readers in `amounts`.
    """

    def __init__(self, name: str, read: Callable[[object], object]) -> None:
        self.name = name
        self.read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See that it can be read."""
        try:
            self.read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return value


DURATION = Amount("duration", amounts.time_limit_s)
WAIT = Amount("duration", amounts.longest_wait_s)
ATTEMPTS = Amount("number", amounts.whole_number)
TIME = Amount("duration", amounts.time_limit_or_none_s)
COST = Amount("dollars", amounts.cost_limit_usd)
TOKENS = Amount("tokens", amounts.token_limit)


def limit_options(command: Any) -> Any:
    """What bounds a run."""
    for option in (
        click.option("--stuck-after", type=Amount("number", amounts.whole_number), metavar="N",
                     help="Attempts that bring nothing new, until another approach is asked for.  [default: 3]"),
        click.option("--wait", type=WAIT, metavar="DURATION|never",
                     help="The longest wait for a usage limit to end.  [default: 6h, in CI never]"),
        click.option("--max-tokens", type=TOKENS, metavar="N|none",
                     help="Tokens, in and out together.  [default: 100M]"),
        click.option("--max-cost", type=COST, metavar="USD|none",
                     help="US dollars, checked between turns.  [default: 50]"),
        click.option("--idle-timeout", type=DURATION, help="Silence that ends a turn.  [default: 10m]"),
        click.option("--turn-timeout", type=DURATION, help="Time for one turn.  [default: 30m]"),
        click.option("--max-time", type=TIME, metavar="DURATION|none",
                     help="Time for the whole run.  [default: 4h]"),
        click.option("--max-attempts", type=ATTEMPTS, metavar="N",
                     help="Turns and checks at most.  [default: 10]"),
    ):  # fmt: skip
        command = option(command)
    return command


_ANEW = {
    "max_attempts": ("max_attempts", ATTEMPTS),
    "max_time": ("max_time_s", TIME),
    "max_cost": ("max_cost_usd", COST),
    "max_tokens": ("max_tokens", TOKENS),
}


def new_limit_options(command: Any) -> Any:
    """What bounds a run that is gone on with, when it is to be another limit than before."""
    for option in (
        click.option("--max-tokens", type=TOKENS, metavar="N|none", help="Tokens, likewise."),
        click.option("--max-cost", type=COST, metavar="USD|none", help="US dollars, likewise."),
        click.option("--max-time", type=TIME, metavar="DURATION|none", help="Time, likewise."),
        click.option("--max-attempts", type=ATTEMPTS, metavar="N",
                     help="Turns and checks at most from now on, with those before.  [default of each: as before]"),
    ):  # fmt: skip
        command = option(command)
    return command


def limits_from_now_on(said: Mapping[str, Any]) -> dict[str, object]:
    """What `new_limit_options` were given, by the names of `Limits`; what was not said is not in it."""
    return {_ANEW[key][0]: _ANEW[key][1].read(value) for key, value in said.items() if value is not None}


class BehindDashes(click.Command):
    """Everything behind the first `--` is the agent's command line, untouched."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the agent's command line as the context's object."""
        ctx.obj = ()
        if "--" in args:
            cut = args.index("--")
            args, ctx.obj = args[:cut], tuple(args[cut + 1 :])
            if not ctx.obj:
                raise click.UsageError("a command is wanted after --, for example: -- claude --model opus", ctx)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Tell of it in the usage line."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


no_input_option = click.option("--no-input", is_flag=True, help="Ask nobody anything, not even at a terminal.")
until_option = click.option("--until", "-u", multiple=True, metavar="PREDICATE",
                            help='What must hold, e.g. "pytest passes"; repeated: all of them.  '
                                 "[default: the setting until, or the only configured check]")  # fmt: skip


def worktree_options(command: Any) -> Any:
    """Where a run works, and how many of them."""
    for option in (
        click.option("--attempts-in-parallel", type=click.IntRange(1, 16), metavar="N",
                     help="N sessions try, each in a worktree of its own; the first honest pass wins. "
                          "--max-cost and --max-tokens are for all together.  [default: 1]"),
        click.option("--worktree/--no-worktree", default=None,
                     help="Work in a worktree of the run's own, made from HEAD; the work comes back as a branch."),
    ):  # fmt: skip
        command = option(command)
    return command


def output_options(command: Any) -> Any:
    """How the result and the progress are shown."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object."),
        click.option("--events", is_flag=True, help="Stream the journal's events to stdout as NDJSON."),
        click.option("--quiet", "-q", is_flag=True, help="Show the result alone."),
    ):
        command = option(command)
    return command


def check_options(command: Any) -> Any:
    """How the predicate is checked."""
    for option in (
        click.option("--allow-judge-only", is_flag=True, help="Let a predicate hold by a model's word alone."),
        click.option("--judge-model", metavar="MODEL", help="The model that judge asks, as litellm names it."),
        click.option("--check-timeout", type=DURATION, help="Time for one command of the predicate.  [default: 30m]"),
    ):
        command = option(command)
    return sandbox_options(command)


def sandbox_options(command: Any) -> Any:
    """What a check may write to."""
    for option in (
        click.option("--sandbox-writable", multiple=True, metavar="PATH",
                     help="A further file or folder that checks may write to."),
        click.option("--sandbox", type=click.Choice(["landlock", "bwrap", "none"]),
                     help="Keep checks from writing elsewhere; bwrap: the agent, too.  [default: landlock]"),
    ):  # fmt: skip
        command = option(command)
    return command


def learning_options(command: Any) -> Any:
    """When a pass counts, and what becomes of the skill."""
    for option in (
        click.option("--link/--no-link", default=None, help="Link the skills where agents read them.  [default: link]"),
        click.option("--fresh", is_flag=True, help="Check also what was checked before and did not change since."),
        click.option("--confirm", type=click.IntRange(1, 100), metavar="N",
                     help="The accepting check has to pass N times in a row.  [default: 1]"),
        click.option("--protect", multiple=True, metavar="GLOB",
                     help="Further files that the agent must leave as they are."),
        click.option("--may-edit", multiple=True, metavar="GLOB",
                     help="Protected files that the task is about, e.g. tests/api/**"),
        click.option("--guard", type=click.Choice(["enforce", "warn", "off"]),
                     help="What to do with a pass that is not honest.  [default: enforce]"),
        click.option("--review/--no-review", default=None, help="Show the draft and ask before it goes there."),
        click.option("--skills-to", metavar="commit|branch[:NAME]|outbox",
                     help="Commit a skill here, on another branch, or keep it for a review.  [default: commit]"),
        click.option("--distill-in", type=click.Choice(["same", "fork"]),
                     help="Ask the session itself, or a fork of it that leaves it clean.  [default: same]"),
    ):  # fmt: skip
        command = option(command)
    return command
