"""Something wrong with a skill, as data."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a skill."""

    rule: str
    severity: Severity
    path: str
    """The file, relative to the skill's folder."""
    line: int
    message: str
    remedy: str

    def __str__(self) -> str:
        """One line, to be read by a person or sent back to a session."""
        return f"{self.path}:{self.line}: {self.rule}: {self.message}. Remedy: {self.remedy}."
