"""The test runners whose text output is understood: one table, read once."""

import functools
import re
import tomllib
from collections.abc import Callable
from importlib import resources

from pydantic import BaseModel, ConfigDict

from agentloop.predicate.reports.tally import Outcome

_GROUP_NAME = re.compile(r"\?P<\w+>")
# What is skipped or failed often looks like something that passed, with a word more.
_ORDER: tuple[Outcome, ...] = ("skipped", "failed", "passed")


class Runner(BaseModel):
    """A runner as `runners.toml` describes it; the meaning of each key stands there."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    seen: str
    words: tuple[str, ...]
    passed: tuple[re.Pattern[str], ...] = ()
    failed: tuple[re.Pattern[str], ...] = ()
    skipped: tuple[re.Pattern[str], ...] = ()
    totals: tuple[re.Pattern[str], ...] = ()
    heading: tuple[re.Pattern[str], ...] = ()
    suite: tuple[re.Pattern[str], ...] = ()
    footer: tuple[re.Pattern[str], ...] = ()
    title: tuple[re.Pattern[str], ...] = ()
    outline: bool = False
    separator: str = " > "
    repeats: bool = False
    uncounted: re.Pattern[str] | None = None
    no_test: re.Pattern[str] | None = None
    place: re.Pattern[str] | None = None
    names_all: re.Pattern[str] | None = None
    names_end: re.Pattern[str] | None = None
    failure: re.Pattern[str] | None = None
    failure_end: re.Pattern[str] | None = None
    report_flags: tuple[str, ...] = ()

    def result(self, line: str) -> tuple[Outcome, dict[str, str]] | None:
        """The outcome that a line names, with the groups of its pattern."""
        for outcome in _ORDER:
            for pattern in getattr(self, outcome):
                if match := pattern.match(line):
                    return outcome, match.groupdict("")
        return None

    def is_test(self, name: str) -> bool:
        """The id is one of a test, and not of what could not be loaded or set up."""
        return not (self.no_test and self.no_test.match(name))

    @property
    def lines_around(self) -> tuple[re.Pattern[str], ...]:
        """Lines that name what results belong to."""
        return (*self.heading, *self.suite, *self.footer, *self.title)

    def patterns(self) -> list[str]:
        """Everything that makes a line worth a look."""
        optional = (self.names_all, self.names_end, self.failure)
        several = (*self.passed, *self.failed, *self.skipped, *self.totals, *self.lines_around)
        return [pattern.pattern for pattern in (*several, *optional) if pattern]


@functools.cache
def known() -> tuple[Runner, ...]:
    """All of them."""
    table = tomllib.loads((resources.files(__package__) / "runners.toml").read_text(encoding="utf-8"))
    return tuple(Runner.model_validate(runner) for runner in table["runner"])


def named(name: str) -> Runner:
    """The runner of that name; one of which nothing is known, when there is none."""
    return next((runner for runner in known() if runner.name == name), Runner(name=name, seen="", words=()))


@functools.cache
def looks_for(name: str) -> Callable[[str], re.Match[str] | None]:
    """Matches the lines that a runner has something to say about, in one step."""
    return re.compile("|".join(_GROUP_NAME.sub("?:", pattern) for pattern in named(name).patterns())).match
