"""Asking an SQLite database that is somebody else's: read only, and no longer than it may take."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

_TIMEOUT_S = 20.0
_BUSY_S = 2.0
_LOOK_STEPS = 10_000
_READING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
_MAX_VALUE_BYTES = 8 * 1024 * 1024


def rows(
    path: Path, query: str, *, max_rows: int | None = None, max_bytes: int | None = None, **values: str
) -> Iterator[dict[str, Any]]:
    """The answers to a query by their columns; one that cannot be had ends them, as does a query that takes too long.

    Args:
        path: the database.
        query: a single `select`.
        max_rows: how many answers there are at most.
        max_bytes: how much text they hold together at most.
        values: what `:name` stands for in the query.
    """
    deadline = time.monotonic() + _TIMEOUT_S
    with suppress(sqlite3.Error), closing(_open(path)) as connection:
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _LOOK_STEPS)
        cursor = connection.execute(query, values)
        names = [column[0] for column in cursor.description or ()]
        left = max_bytes
        for number, row in enumerate(cursor):
            if number == max_rows:
                return
            if left is not None:
                left -= sum(len(value) for value in row if isinstance(value, str | bytes))
                if left < 0:
                    return
            yield dict(zip(names, row, strict=True))


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None)
    try:
        connection.text_factory = lambda content: content.decode("utf-8", errors="replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        # Its views can do no more than a select of ours.
        connection.execute("pragma trusted_schema = off")
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
