"""`agentloop demo`: the whole job on a small project."""

from pathlib import Path

import click

from agentloop.demo import Demonstration, demonstrate
from agentloop.render import Renderer, clock


@click.command()
@click.option("--agent", "-a", default="offline", show_default=True, metavar="NAME", help="The agent that works.")
@click.option("--seed", default=0, show_default=True, help="Which defects are planted.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Make the projects there.")
def demo(agent: str, seed: int, folder: Path | None) -> int:
    """Watch the whole job on a small project, then a sibling defect without and with the skill."""
    renderer = Renderer()
    shown = demonstrate(agent, seed, folder, renderer)
    renderer.close()
    if shown.skill:
        click.echo("\nThe skill that was committed:\n")
        click.echo("\n".join(f"    {line}" for line in shown.skill.splitlines()))
    click.echo("\n" + _table(shown))
    click.echo(f"\nThe projects are in {shown.folder}; git log there shows the commit.")
    return 0 if shown.learned.passed else 1


def _table(shown: Demonstration) -> str:
    lines = [f"{'':<28}{'reached':>9}{'attempts':>10}{'edits tried':>13}{'time':>10}"]
    for row in shown.figures:
        reached = "yes" if row.reached else "no"
        lines.append(f"{row.label:<28}{reached:>9}{row.attempts:>10}{row.edits:>13}{clock(row.elapsed_s):>10}")
    if not shown.skill:
        lines.append("no skill was committed, so there is nothing to compare")
    return "\n".join(lines)
