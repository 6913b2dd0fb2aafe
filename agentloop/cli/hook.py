"""`agentloop hook`: the pre-push hook put into a repository, taken out, and asked how it stands."""

import os
import time
from pathlib import Path

import click

from agentloop import config, interrupts
from agentloop.hook import installing, lastly, rules
from agentloop.hook.rules import Rules
from agentloop.records import commit_receipts
from agentloop.render import ago
from agentloop.repo import Repo
from agentloop.text.quoting import one_line

_MAX_CHARS = 400


@click.group()
def hook() -> None:
    """Look at what a plain git push pushes."""


@hook.command()
@click.option("--via", type=click.Choice([way.name for way in installing.WAYS]),
              help="How git comes to run it.  [default: the way that fits what is there]")  # fmt: skip
def install(via: str | None) -> None:
    """Install the pre-push hook; one that is there already is kept, and run first."""
    with Repo.open(Path.cwd()) as repo:
        place = installing.here(repo)
        way, lines = installing.install(place, via or "")
        for line in lines or [f"installed already, via {way}"]:
            click.echo(line)
        told = _rules(repo)
        if not told.predicate:
            nothing = 'nothing is looked at until agentloop.toml says what must hold: until = "pytest passes"'
            click.echo("; ".join(told.problems) or nothing, err=True)


@hook.command()
def uninstall() -> None:
    """Take the hook away; what was there before is as it was."""
    with Repo.open(Path.cwd()) as repo:
        for line in installing.uninstall(installing.here(repo)) or ["it is not installed"]:
            click.echo(line)


@hook.command()
def status() -> int:
    """Say whether git would run the hook, why not, and what the last push came to; exit 1 when it would not."""
    with Repo.open(Path.cwd()) as repo:
        found = installing.standing(installing.here(repo))
        would_run = False
        for name, how in found:
            click.echo(f"installed via {name}: {how.where}")
            for line in how.why_not:
                click.echo(f"  git does not run it: {line}")
            would_run |= not how.why_not
        if not found:
            click.echo("not installed: agentloop hook install")
        elif would_run:
            click.echo(f"git runs it{_silence()}")
        told = _rules(repo)
        nothing = "; ".join(told.problems) or "nothing is configured, so nothing is looked at"
        click.echo(f"gate: {told.gate}, until: {told.predicate or nothing}")
        click.echo(_last_push(repo))
    return 0 if would_run else 1


@hook.command("pre-push", context_settings={"ignore_unknown_options": True})
@click.argument("remote", nargs=-1)
def pre_push(remote: tuple[str, ...]) -> int:
    """What git's hook runs; REMOTE is its name and its address; exit code 77 refuses the push."""
    from agentloop.hook import entry

    return entry.main(remote)


@hook.command(hidden=True)
@click.argument("commit")
@click.argument("former", default="")
def check(commit: str, former: str) -> None:
    """Check a commit as agentloop push does, for a hook that git waits for; the receipt tells the verdict."""
    from agentloop.cli.run import make_job
    from agentloop.predicate.language import grammar
    from agentloop.push.checking import Checker
    from agentloop.push.places import place

    with interrupts.noted(), Repo.open(Path.cwd()) as repo:
        settings = config.load(repo.root, {}).settings
        until = settings.until or tuple(settings.checks)
        node = grammar.parse_all(until, grammar.Names(settings.checks, settings.metrics))
        # No agent is run: one has to be named that is always there.
        job = make_job(settings.model_copy(update={"agent": "offline"}), "", until, (), repo.root, agent="")
        with place(repo, commit) as there:
            Checker(job, node).check(there, repo.commit_at(former) or "" if former else "")


def _rules(repo: Repo) -> Rules:
    return rules.rules(repo.root, os.environ, commit_receipts.folder_of(repo.common_dir))


def _silence() -> str:
    from agentloop.hook import decision

    silent = decision.silenced_by(os.environ, is_terminal=False)
    return f", and here it is silent: {silent}" if silent else ""


def _last_push(repo: Repo) -> str:
    push = lastly.read(commit_receipts.folder_of(repo.common_dir))
    if push is None:
        return "last push: none that git has told the hook of"
    lines = "".join(f"\n  {one_line(line, _MAX_CHARS)}" for line in push.lines)
    return f"last push: {ago(time.time() - push.at)}, {one_line(push.answer, _MAX_CHARS)}{lines}"
