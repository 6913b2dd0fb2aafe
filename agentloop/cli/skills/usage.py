"""`agentloop skills usage`: which sessions loaded which skill, and how they ended."""

import shlex
import time
from pathlib import Path

import click

from agentloop.cli.skills.library import open_library, print_json, shown
from agentloop.render import count
from agentloop.repo import Repo
from agentloop.skills.library import Library
from agentloop.skills.usage import Usage, usages
from agentloop.text.quoting import plain


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print every use as JSON.")
def usage(as_json: bool) -> None:
    """Say which sessions loaded which skill, and how they ended.

    From the journals of agentloop's runs, and from the stores in which agents keep the sessions of this repository.
    """
    library = open_library()[1]
    with Repo.open(Path.cwd()) as repo:
        found = told(repo, library)
    if as_json:
        print_json([_record(one) for one in found])
        return
    for one in found:
        click.echo(_line(one))
        if one.proposal:
            click.echo(f"  {one.proposal}: agentloop skills archive {shlex.quote(shown(one.skill))}")
    if not found:
        click.echo(f"there are no skills in {library.name}/ yet", err=True)


def told(repo: Repo, library: Library) -> list[Usage]:
    """What is known of the skills; of a journal that cannot be read, stderr tells."""
    found, problems = usages(repo, library)
    for problem in problems:
        click.echo(f"not read: {plain(problem)}", err=True)
    return found


def _line(one: Usage) -> str:
    if one.last_at is None:
        return f"{shown(one.skill)}: never loaded, in {count(one.sessions_since, 'session')} since its last change"
    unknown = len(one.uses) - one.reached - one.failed
    ends = [
        f"{one.reached} reached their goal ({one.at_once} without another failed check)" if one.reached else "",
        f"{one.failed} did not" if one.failed else "",
        f"{unknown} ended unknown" if unknown else "",
    ]
    last = time.strftime("%Y-%m-%d", time.localtime(one.last_at))
    loads = count(len(one.uses), "session")
    return f"{shown(one.skill)}: loaded in {loads}: {', '.join(filter(None, ends))}; last on {last}"


def _record(one: Usage) -> dict[str, object]:
    uses = [
        {
            "agent": use.agent,
            "session": use.session,
            "at": use.at,
            "run": use.run,
            "outcome": use.outcome or None,
            "failed_after": use.failed_after,
        }
        for use in one.uses
    ]
    return {
        "skill": one.skill,
        "uses": uses,
        "sessions_since": one.sessions_since,
        "proposal": one.proposal or None,
    }
