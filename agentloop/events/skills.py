"""What becomes of the skill."""

from typing import Literal

from agentloop.events.event import Recorded

SkillOperation = Literal["create", "update"]


class SkillDeclined(Recorded):
    """The session had nothing worth keeping."""

    type: Literal["skill.declined"] = "skill.declined"
    reason: str


class SkillDrafted(Recorded):
    """The session wrote a draft, and it was looked at."""

    type: Literal["skill.drafted"] = "skill.drafted"
    name: str
    path: str
    """The draft's copy in the run's folder."""
    findings: tuple[str, ...] = ()
    operation: SkillOperation = "create"
    diff: str = ""
    """What an update changes, bounded."""


class SkillKeptBack(Recorded):
    """The draft was not committed; it stays in the run's folder."""

    type: Literal["skill.kept_back"] = "skill.kept_back"
    reason: str
    path: str = ""


class SkillPublished(Recorded):
    """The skill was committed."""

    type: Literal["skill.published"] = "skill.published"
    name: str
    commit: str
    paths: tuple[str, ...]
    branch: str = ""
    """The branch that it was committed on, when that is not the one that was checked out."""
    note: str = ""
    """What the person has to know about the commit; mostly nothing."""

    @property
    def folder(self) -> str:
        """The skill's folder, relative to the repository's root: where the topmost SKILL.md lies."""
        return min((path for path in self.paths if path.endswith("/SKILL.md")), key=len).removesuffix("/SKILL.md")


class SkillAccepted(Recorded):
    """A person accepted the draft, before it was committed."""

    type: Literal["skill.accepted"] = "skill.accepted"
    name: str
    edited: bool = False
    """The person changed it first."""


class SkillRejected(Recorded):
    """A person rejected the draft."""

    type: Literal["skill.rejected"] = "skill.rejected"
    name: str
    reason: str


class SkillTakenBack(Recorded):
    """A person undid what the run had committed."""

    type: Literal["skill.taken_back"] = "skill.taken_back"
    name: str


class SkillsLinked(Recorded):
    """The skills were linked where agents read them."""

    type: Literal["skills.linked"] = "skills.linked"
    paths: tuple[str, ...]
    commit: str | None = None
    problem: str = ""
    """Why some or all were not linked."""
