"""Where an agent keeps its sessions, as data."""

from typing import Self

from pydantic import model_validator

from agentloop.agents.stream_spec import Expression, Expressions, Part


class Store(Part):
    """Where an agent keeps its sessions: a file of JSON lines each, or all of them in an SQLite database.

    `session`, `cwd` and `time` are tried on the document `about` and on a session's first lines; the first answer
    counts.
    """

    root: str
    """A folder, `~` for the user's home."""
    root_variable: str = ""
    """The environment variable that names another root."""
    files: str
    """A glob below the root: the sessions' files, or the database."""
    about: str = ""
    """A file that tells of the session, by its path from the folder of the session's file: a JSON document, or a text,
    which is `@`."""
    session: Expression = ""
    """Its id; without an answer the file's name without its ending."""
    cwd: Expression = ""
    """The folder that it works in."""
    time: Expression = ""
    """When the line was written: an ISO time, or Unix time in seconds or milliseconds."""
    sessions: str = ""
    """A query for the columns `session`, `cwd`, `began` and `changed` (Unix time in seconds), newest first."""
    lines: str = ""
    """A query for the JSON lines of the session `:session`, in order, and perhaps for their Unix times."""
    paths: Expressions = Expressions()
    """As in `stream.paths`; `text`, `tools`, `results`, `skills`, `model` and the totals of the session are of use."""

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if bool(self.sessions) != bool(self.lines):
            raise ValueError("sessions and lines go together: the queries of a database")
        if bool(self.sessions) == bool(self.cwd):
            raise ValueError("cwd is wanted, or, of a database, sessions and lines")
        return self
