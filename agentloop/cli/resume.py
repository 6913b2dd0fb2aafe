"""`agentloop resume`."""

from pathlib import Path

import click

from agentloop.cli.options import WAIT, no_input_option, output_options
from agentloop.cli.queue import notice
from agentloop.cli.run import asks, exit_code, refuse_stream, several, show
from agentloop.cli.skills import asking
from agentloop.cli.telling import Telling, of_user
from agentloop.records import folders, journal
from agentloop.render import Renderer
from agentloop.repo import Repo
from agentloop.run import groups, parallel, supervisor
from agentloop.state.fold import fold
from agentloop.text import amounts


@click.command()
@click.argument("run", required=False, default="")
@click.option("--wait", type=WAIT, metavar="DURATION|never",
              help="The longest wait for a usage limit from now on.  [default: as before]")  # fmt: skip
@no_input_option
@output_options
def resume(run: str, wait: str | None, as_json: bool, events: bool, quiet: bool, no_input: bool) -> int:
    """Go on with RUN, or with the newest one of this working tree that has not ended, where it was cut off.

    RUN may be a group of runs that try side by side, too.
    """
    max_wait_s = None if wait is None else amounts.longest_wait_s(wait)
    with Repo.open(Path.cwd()) as repo:
        group = groups.find(repo.common_dir, run)
        if not group:
            folder = (
                folders.find_run(repo.common_dir, run) if run else journal.find_unfinished(repo.common_dir, repo.root)
            )
            group = "" if run else fold(journal.read(folder.journal)).task.group
        if group:
            refuse_stream(events)
            renderer = Renderer(quiet=quiet)
            notice(repo, renderer, quiet=quiet)
            telling = Telling(renderer, of_user())
            state = parallel.resume(group, repo, several(renderer, quiet=quiet), max_wait_s)
        else:
            renderer = Renderer(quiet=quiet, ndjson=events, before=lambda: fold(journal.read(folder.journal)))
            notice(repo, renderer, quiet=quiet)
            telling = Telling(renderer, of_user(), lambda: fold(journal.read(folder.journal)))
            people = (asks(repo, renderer, no_input=no_input), asking.consent(renderer.close))
            watchers = (telling.event, renderer.tick, *people)
            state = show(renderer, lambda: supervisor.resume(folder, repo, *watchers, max_wait_s=max_wait_s))
        telling.end(state, repo, as_json=as_json)
    return exit_code(state)
