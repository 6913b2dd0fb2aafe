"""Everything that a user can get wrong, and what each of them means for the exit code.

* AgentloopError
  + UsageError: the command line, 2
  + PredicateError: the success condition, 2
  + ConfigError: settings, 2
  + AdapterError: an agent's description, 2
  + RepoError: the git repository, 2
  + RunError: a run that does not exist or cannot be entered, 2
  + AgentUnusableError: the agent is missing or fails by itself, 5
    - CannotStartError: a program is missing or cannot be executed
    - models.ModelError: a language model gave no answer
  + PublishError: a skill that cannot be committed now; never changes a run's exit code
"""

from typing import ClassVar


class AgentloopError(Exception):
    """Something that the user can act on: what, where, and what to do next.

    Args:
        message: what is wrong and where, one or two sentences.
        hint: what to do next; shown on a line of its own.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def explained(self) -> str:
        """The message and what to do next, in one line."""
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(AgentloopError):
    """The command line cannot be carried out as written."""


class PredicateError(AgentloopError):
    """The success condition cannot be read or cannot be run."""


class ConfigError(AgentloopError):
    """A setting is unknown or has a value of the wrong kind."""


class AdapterError(AgentloopError):
    """An agent's TOML file is wrong; the message names the file and the key."""


class RepoError(AgentloopError):
    """There is no usable git repository here."""


class RunError(AgentloopError):
    """The run does not exist, is held by another process, or has ended."""


class AgentUnusableError(AgentloopError):
    """The agent is not installed or cannot do a single turn."""

    exit_code: ClassVar[int] = 5


class CannotStartError(AgentUnusableError):
    """A program is missing or cannot be executed."""


class PublishError(AgentloopError):
    """The skill cannot be committed as the repository stands now."""
