"""`agentloop guard`: the guard's test of itself."""

import click

from agentloop import selftest as tests
from agentloop.guard.tricks import TRICKS


@click.group()
def guard() -> None:
    """See what the guard catches."""


@guard.command("tricks")
def list_tricks() -> None:
    """List the tricks that the self-test plants."""
    for trick in TRICKS:
        click.echo(f"{trick.name}: {trick.what}{' (out of reach)' if trick.out_of_reach else ''}")


@guard.command()
@click.argument("names", nargs=-1, metavar="[TRICK]...")
@click.option("--markdown", is_flag=True, help="Print the table in Markdown.")
def selftest(names: tuple[str, ...], markdown: bool) -> int:
    """Plant every known trick in a scratch project and show which are caught; exit 1 when one got through.

    It takes some seconds a trick, and needs pytest.
    """
    trials = tests.trials(names, lambda trial: click.echo(_line(trial)) if not markdown else None)
    if markdown:
        click.echo(_table(trials))
    wrong = [trial.name for trial in trials if not trial.as_expected]
    if wrong:
        click.echo(f"not as expected: {', '.join(wrong)}", err=True)
    return 1 if wrong else 0


def _line(trial: tests.Trial) -> str:
    mark = "ok   " if trial.as_expected else "WRONG"
    word = "accepted" if trial.accepted else "refused"
    return f"{mark} {trial.name}: exit code alone says {trial.exit_code_says}, {word}: {trial.said}"


def _table(trials: list[tests.Trial]) -> str:
    lines = ["| trick | what it does | exit code alone | with the guard |", "|---|---|---|---|"]
    for trial in trials:
        guarded = "accepted" if trial.accepted else "refused"
        if trial.out_of_reach:
            guarded += " (out of reach)"
        what = trial.what or "mends the defect"
        cells = [cell.replace("|", "\\|") for cell in (trial.name, what, trial.exit_code_says, guarded)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
