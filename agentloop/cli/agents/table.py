"""A table for people: aligned, and as wide as the terminal where there is one."""

import io
import shutil
import sys
from collections.abc import Iterable, Sequence

import click

from agentloop.text.quoting import plain, visible

_ENDLESS = 100_000


def print_table(rows: Iterable[Sequence[str]], indent: int = 0) -> None:
    """Print rows of as many cells each; what does not fit is continued below itself.

    Args:
        rows: the cells' texts, which may hold anything.
        indent: the columns to leave free at the left.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(*(Text(visible(plain(cell)), overflow="fold") for cell in row))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _ENDLESS
    page = io.StringIO()
    Console(file=page, width=max(width - indent, 20), color_system=None).print(table)
    for line in page.getvalue().splitlines():
        click.echo(" " * indent + line.rstrip() if line.strip() else "")
