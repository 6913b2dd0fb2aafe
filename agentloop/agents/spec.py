"""The adapter: what has to be known of an agent, as data."""

import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from agentloop.agents.store_spec import Store
from agentloop.agents.stream_spec import ErrorPattern, Expressions, Part, Stream
from agentloop.agents.terminal_spec import Terminal
from agentloop.config import expanded, folder_inside
from agentloop.job import Driver, PermissionMode


class Permission(Part):
    """What an agent is told of what it may do, unless the user's own command line says something of the kind."""

    words: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    """Names of flags, and keys of `KEY=VALUE` values, that take the place of these."""
    environment: dict[str, str] = Field(default_factory=dict)
    acp_mode: str = ""
    """The id of the session mode, for an agent that is spoken to by ACP."""


class Permissions(Part):
    """The permission modes of an agent; None where it has none of that kind."""

    read: tuple[Permission, ...] | None = None
    """It looks and changes nothing."""
    edit: tuple[Permission, ...] | None = None
    """It edits the tree and runs commands in it."""
    full: tuple[Permission, ...] | None = None
    """Nothing is kept from it."""

    def known(self) -> dict[PermissionMode, tuple[Permission, ...]]:
        """The modes that there are, the narrowest that can do the work first."""
        modes: dict[PermissionMode, tuple[Permission, ...] | None] = {
            "edit": self.edit,
            "full": self.full,
            "read": self.read,
        }
        return {mode: said for mode, said in modes.items() if said is not None}

    def by_session_mode(self) -> "Permissions":
        """The same for an agent that asks by ACP: there is every mode, told by the session's mode instead of words."""
        read, edit, full = (
            tuple(said.model_copy(update={"words": ()}) for said in mode or ())
            for mode in (self.read, self.edit, self.full)
        )
        return Permissions(read=read, edit=edit, full=full)


class Flags(Part):
    """The agent's command line, as far as a user's own has to be understood."""

    dropped: tuple[str, ...] = ()
    """Words that agentloop says itself."""
    refused: tuple[str, ...] = ()
    """Words that only agentloop can say."""
    valued: tuple[str, ...] = ()
    """Flags whose next word is their value. With these or `variadic` given, a word of another kind is an error."""
    variadic: tuple[str, ...] = ()
    """Flags whose next words are their values, up to the next flag."""

    @property
    def are_known(self) -> bool:
        """A flag's value can be told from other words."""
        return bool(self.valued or self.variadic)

    def takes_value(self, name: str) -> bool:
        """The word after that flag is its value."""
        return name in self.valued or name in self.variadic


class Acp(Part):
    """How the agent is spoken to by the Agent Client Protocol."""

    command: tuple[str, ...]
    """The command line of the program that speaks it over its pipes; it stays for the whole run."""
    environment: dict[str, str] = Field(default_factory=dict)
    usage: Literal["turn", "session", "step"] = "session"
    """As in `stream`; the protocol counts for the session."""
    paths: Expressions = Expressions()
    """As in `stream.paths`, tried on each update of the session and on the answer to a prompt. What is not said here
    stands where the protocol has it; a tool call comes whole, as `tool_call` and `tool_call_update`."""


class Adapter(Part):
    """An agent.

    In command lines, `{program}` is the program, `{session}` the session's id, `{prompt}` the prompt, `{prompt_file}`
    a file with it (with neither, it goes to stdin), `{cwd}` the working tree, `{python}` our own interpreter,
    `{session_file}` a file of ours for an agent that is told where to keep its session, `{result_file}` a file into
    which it writes one JSON document, and `{result_folder}` a folder for several (`*.json`), read after its end like
    last lines of its output; a lone `{extra}` is where the words about permissions and the model and the user's own go.
    """

    name: str
    title: str = ""
    programs: tuple[str, ...] = ()
    """The program's names; the first is the one that is run."""
    install: str = ""
    proven: tuple[str, ...] = ()
    """The versions that it was run with, the oldest first."""
    evidence: str = ""
    """What the file rests on when no version was run."""
    start: tuple[str, ...] = ()
    resume: tuple[str, ...] = ()
    fork: tuple[str, ...] = ()
    """Like `resume`, in a new session that begins as a copy of `{session}`."""
    max_prompt_bytes: int | None = Field(default=None, gt=0)
    """A longer prompt goes into a file that the agent is told to read; unsaid, so does an argument above 100 kB."""
    version: tuple[str, ...] = ()
    """The command that prints the program's version."""
    skills_probe: tuple[str, ...] = ()
    """A command that lists the skills which the agent sees, without a model."""
    keys: tuple[str, ...] = ()
    """Environment variables, one of which lets it reach its model."""
    key_files: tuple[str, ...] = ()
    """Files, `~` for the user's home, one of which is there after a login."""
    keeps: tuple[str, ...] = ()
    """Files and folders outside of the tree that it writes for itself, beside its store and the folders of `key_files`;
    `~` and `$VARIABLE` as in `user_skills`."""
    session: Literal["chosen", "reported", "none"] = "none"
    """Whether we choose the session's id (a UUID), the agent reports it, or there is none to name."""
    environment: dict[str, str] = Field(default_factory=dict)
    model: tuple[str, ...] = ()
    """The words that choose the model, with `{model}` in them."""
    drafting: tuple[str, ...] = ()
    """Words that a turn gets beside the others that is about a skill: its draft is written where git ignores it."""
    needs_model: bool = False
    """It has no model of its own choice."""
    max_cost: tuple[str, ...] = ()
    """The words that limit what a turn may cost, with `{max_cost}` in them: US dollars."""
    permissions: Permissions = Permissions()
    flags: Flags = Flags()
    stream: Stream = Stream()
    acp: Acp | None = None
    store: Store | None = None
    terminal: Terminal | None = None
    """How it is driven in a terminal, where it can be."""
    errors: tuple[ErrorPattern, ...] = ()
    """Tried in order; the first that fits counts."""
    skills: tuple[Annotated[str, AfterValidator(folder_inside)], ...] = ()
    """The folders of a project that the agent reads skills from."""
    user_skills: tuple[str, ...] = ()
    """The folders of a user that it reads skills from, the first of which is used whose `$VARIABLE` is set."""

    @model_validator(mode="after")
    def _can_be_started(self) -> "Adapter":
        if not (self.start or self.acp or self.terminal):
            raise ValueError("start is required: the command line of a turn")
        return self

    @property
    def called(self) -> str:
        """What people call it."""
        return self.title or self.name

    @property
    def program(self) -> str:
        """What is run, to be looked for on PATH."""
        return self.programs[0].replace("{python}", sys.executable) if self.programs else self.name

    def user_folder(self, environment: Mapping[str, str]) -> Path | None:
        """Where it reads the skills of its user; None when that is not known."""
        return next(filter(None, (expanded(folder, environment) for folder in self.user_skills)), None)

    def own_places(self, environment: Mapping[str, str]) -> list[Path]:
        """What it writes to outside of the tree, as far as that is known; a home itself is never its own."""
        store = [f"${self.store.root_variable}", self.store.root] if self.store else []
        named = [expanded(path, environment) for path in (*self.keeps, *filter(lambda path: path != "$", store))]
        logins = [path.parent for path in (expanded(file, environment) for file in self.key_files) if path]
        return [*filter(None, named), *(folder for folder in logins if folder != Path.home())]

    @property
    def drivers(self) -> tuple[Driver, ...]:
        """The ways in which it can be driven: it has a section of that name, or the command line of a turn."""
        return tuple(
            kind for kind in get_args(Driver) if (self.start if kind == "headless" else getattr(self, kind, None))
        )

    def in_terminal(self, terminal: Terminal) -> "Adapter":
        """The agent as it is when a terminal is what is known of it."""
        known = {name: getattr(self, name) for name in type(self).model_fields}
        told = {"start": terminal.start, "resume": terminal.resume, "fork": (), "terminal": terminal, "acp": None}
        return Adapter.model_validate({**known, **told, "stream": Stream(patterns=terminal.patterns)})

    @cached_property
    def resumable(self) -> bool:
        """There is a way to return to a session."""
        return bool(self.resume)

    @property
    def driver(self) -> Driver:
        """How it is driven unless somebody says otherwise."""
        return "headless" if self.start else "acp" if self.acp else "terminal"

    @cached_property
    def names_session(self) -> bool:
        """Whoever returns to a session has to name it."""
        return any("{session}" in word or "{session_file}" in word for word in self.resume)

    @cached_property
    def reports_cost(self) -> bool:
        """The agent says what a turn cost."""
        spoken = self.acp.paths if self.acp else Expressions()
        said = (self.stream.paths, self.stream.patterns, spoken)
        return any(paths.cost_usd or paths.session_cost_usd for paths in said)

    @cached_property
    def reports_tokens(self) -> bool:
        """The agent says how many tokens a turn took, of which a cost can be estimated."""
        told = (self.stream.paths, self.stream.patterns)
        return self.driver == "acp" or any(paths.input_tokens and paths.output_tokens for paths in told)

    def classify(self, text: str, status: str = "") -> ErrorPattern | None:
        """The kind of failure that a text, or a status, tells of."""
        return next((known for known in self.errors if known.fits(text, status)), None)
