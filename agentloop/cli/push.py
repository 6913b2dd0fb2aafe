"""`agentloop push`: what a push would bring is checked, the sessions behind it are asked, and then it is pushed."""

import shlex
from typing import Any

import click

from agentloop import interrupts
from agentloop.cli.options import DURATION, no_input_option, sandbox_options
from agentloop.push import refs
from agentloop.repo import push as git_push
from agentloop.repo import try_push

_CONTEXT = {"ignore_unknown_options": True, "allow_interspersed_args": False}


class _AsTyped(click.Command):
    """It keeps its command line as the context's object."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep it, before any word is taken out."""
        ctx.obj = tuple(args)
        return super().parse_args(ctx, args)


@click.command(cls=_AsTyped, context_settings=_CONTEXT)
@click.option("--until", multiple=True, metavar="PREDICATE",
              help='What must hold of each commit, e.g. "pytest passes"; repeated: all of them.  '
                   "[default: the setting until, or the only configured check]")  # fmt: skip
@click.option("--fix", is_flag=True, help="Let an agent mend what fails, in a worktree of its own, and push that.")
@click.option("--agent", metavar="NAME", help="The agent that mends; and only sessions of that agent are asked.")
@click.option("--distill", type=click.Choice(["auto", "always", "never"]),
              help="Ask sessions for a skill: when something was hard, always, never.  [default: auto]")  # fmt: skip
@click.option("--fresh", is_flag=True, help="Check also what passed before and did not change since.")
@click.option("--check-timeout", type=DURATION, help="Time for one command of the predicate.  [default: 30m]")
@sandbox_options
@no_input_option
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[GIT PUSH ARGUMENTS]...")
@click.pass_context
def push(ctx: click.Context, /, arguments: tuple[str, ...], until: tuple[str, ...], fix: bool, fresh: bool,
         no_input: bool, **flags: Any) -> int:  # fmt: skip
    """Check the commits that `git push` would bring, ask the sessions that made them for a skill, then push.

    Each commit is checked alone, in a clean worktree and before there is a connection. A skill is committed on the
    pushed branch, so that it is in the same push. Our own options come first; all the others are git's.

    \b
    agentloop push
    agentloop push --until "pytest passes" origin main --force-with-lease
    """  # noqa: D301 - click reads the \b
    with interrupts.noted():
        if refs.is_dry(arguments):
            return git_push(arguments, asks=not no_input)
        code, would = try_push(arguments, asks=not no_input)
        interrupts.raise_if_interrupted()
        pushed = refs.parse(would)
        if code and not pushed:  # git has said why
            return code
        if not refs.with_work(pushed):
            return git_push(arguments, asks=not no_input)

        from agentloop.cli import pushing  # most of what there is is loaded for it

        fixing = shlex.join(["agentloop", "push", "--fix", *ctx.obj])
        told = pushing.Told(arguments, until, fixes=fix, fresh=fresh, no_input=no_input, fixing=fixing)
        return pushing.perform(pushed, told, flags)
