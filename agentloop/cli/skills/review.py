"""`agentloop skills review`: say what becomes of the drafts that wait."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from agentloop import config, interrupts, person, render
from agentloop import events as ev
from agentloop.cli.skills.asking import MAX_REASON_CHARS, line, talk
from agentloop.cli.skills.library import print_json
from agentloop.errors import AgentloopError, PublishError, RunError, UsageError
from agentloop.repo import Repo
from agentloop.run import learning
from agentloop.run import review as reviewing
from agentloop.run.review import Waiting
from agentloop.text.quoting import one_line

_NEXT = {"s": "skip", "q": "quit"}


@click.command()
@click.argument("which", required=False, default="", metavar="[RUN|NAME]")
@click.option("--list", "only_list", is_flag=True, help="Only list the drafts that wait.")
@click.option("--json", "as_json", is_flag=True, help="List them as JSON.")
@click.option("--accept", metavar="RUN|NAME", help="Accept that draft without asking.")
@click.option("--reject", metavar="RUN|NAME", help="Reject that draft without asking.")
@click.option("--reason", default="", metavar="TEXT", help="Why it is rejected; sessions that come after are told.")
@click.option(
    "--skills-to", metavar="commit|branch[:NAME]", help="Where accepted skills go, instead of where the run's do."
)
def review(
    which: str,
    only_list: bool,
    as_json: bool,
    accept: str | None,
    reject: str | None,
    reason: str,
    skills_to: str | None,
) -> None:
    """Go through the drafts that were kept back, and accept, edit or reject each.

    \b
    agentloop skills review                     one by one, newest first
    agentloop skills review --accept NAME
    agentloop skills review --reject NAME --reason "It holds for one release only"
    """  # noqa: D301 - click reads the \b
    named = [each for each in (which, accept, reject) if each]
    if len(named) > 1 or (len(named) == 1 and not which and (only_list or as_json)):
        raise UsageError("name one draft, and say one thing of it", hint="agentloop skills review --help")
    if bool(reject) != bool(reason.strip()):
        raise UsageError("--reject and --reason belong together", hint='--reject NAME --reason "Why"')
    destination = _destination(skills_to)
    with Repo.open(Path.cwd()) as repo, interrupts.noted():
        drafts, problems = reviewing.waiting(repo.common_dir)
        for problem in problems:
            click.echo(f"not read: {problem}", err=True)
        drafts = reviewing.choose(drafts, named[0]) if named else drafts
        if as_json:
            print_json([_object(draft) for draft in drafts])
        elif accept:
            _accept(repo, _mended(_one(drafts)), destination)
        elif reject:
            _reject(repo, _one(drafts), one_line(reason, MAX_REASON_CHARS))
        elif only_list or not drafts or not person.is_there():
            _list(drafts)
        else:
            _go_through(repo, drafts, destination)


def _destination(skills_to: str | None) -> str:
    if skills_to is None:
        return ""
    try:
        destination = config.destination(skills_to)
    except ValueError as error:
        raise UsageError(f"--skills-to: {error}") from error
    if destination == "outbox":
        raise UsageError("--skills-to outbox: what is accepted goes somewhere", hint="write commit, or branch:NAME")
    return destination


def _one(drafts: Sequence[Waiting]) -> Waiting:
    if len(drafts) > 1:
        runs = ", ".join(draft.folder.run for draft in drafts)
        raise RunError(f"{len(drafts)} drafts are called that", hint=f"name the run of the one that you mean: {runs}")
    return drafts[0]


def _mended(draft: Waiting) -> Waiting:
    """A draft that can be accepted without asking; a person at the terminal may overrule what the run found."""
    if draft.unmended:
        raise PublishError(
            "\n  ".join([f"{draft.name} was kept back, and nobody has mended it:", *map(line, draft.unmended)]),
            hint=f"edit it, or accept it as it is at a terminal: agentloop skills review {draft.folder.run}",
        )
    return draft


def _list(drafts: Sequence[Waiting]) -> None:
    if not drafts:
        click.echo("no draft waits")
        return
    for draft in drafts:
        click.echo(_heading(draft))
    if not person.is_there():
        click.echo("go on in a terminal: agentloop skills review; or with --accept or --reject", err=True)


def _heading(draft: Waiting) -> str:
    at = time.strftime("%F %R", time.localtime(draft.state.kept_back.at if draft.state.kept_back else 0))
    gone = " (its folder is gone)" if draft.is_gone else ""
    what = f"{line(draft.name, 100)} · run {draft.folder.run} · {draft.state.task.agent} · {at}{gone}"
    return f"{what}\n  kept back: {line(draft.reason)}"


def _object(draft: Waiting) -> dict[str, Any]:
    state = draft.state
    return {
        "run": draft.folder.run,
        "name": draft.name,
        "path": str(learning.draft_of(state)),
        "gone": draft.is_gone,
        "kept_back": draft.reason,
        "at": state.kept_back.at if state.kept_back else None,
        "findings": list(state.draft.findings) if state.draft else [],
        "agent": state.task.agent,
        "worktree": state.task.worktree,
        "skills_to": state.task.skills_to,
        "skills_branch": state.task.skills_branch,
    }


def _go_through(repo: Repo, drafts: Sequence[Waiting], destination: str) -> None:
    for number, draft in enumerate(drafts, 1):
        click.echo(f"\n{number} of {len(drafts)}: {_heading(draft)}", err=True)
        try:
            if _decide(repo, draft, destination) == "quit":
                return
        except AgentloopError as error:
            click.echo(f"error: {learning.with_hint(error)}", err=True)


def _decide(repo: Repo, draft: Waiting, destination: str) -> str:
    for finding in draft.state.draft.findings if draft.state.draft else ():
        click.echo(f"  found then: {line(finding)}", err=True)
    if Path(draft.state.task.worktree) != repo.root:
        click.echo(f"  the run worked in {draft.state.task.worktree}", err=True)
    decision = talk(repo, draft.state, _NEXT)
    if decision.what == "accept":
        _accept(repo, draft, destination)
    elif decision.what == "reject":
        _reject(repo, draft, decision.reason)
    return decision.what


def _accept(repo: Repo, draft: Waiting, destination: str) -> None:
    from agentloop.run.supervisor import worktree_lock

    with worktree_lock(repo):
        done = reviewing.accept(repo, draft, destination)
    for event in done:
        _tell(event)


def _tell(event: ev.Event) -> None:
    from rich.text import Text

    told = Text.from_markup(render.describe(event)).plain
    if told:
        click.echo(told)


def _reject(repo: Repo, draft: Waiting, reason: str) -> None:
    reviewing.reject(repo, draft, reason)
    click.echo(f"rejected: {line(draft.name, 100)}")
