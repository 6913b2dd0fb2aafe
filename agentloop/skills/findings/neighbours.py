"""Neighbours: a skill held against the others, against what was rejected, and against the room that agents have.

Pure: the neighbours come in as text.
"""

from collections.abc import Mapping

from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.rules import broken
from agentloop.skills.format import FILE, Skill
from agentloop.skills.similarity import nearest, similarity

SAME = 0.75
"""From this similarity on, two skills say the same."""
ANOTHER = 0.3
"""Below this similarity an update has little left of the skill; of 190 public ones, 167 had kept 0.6 or more in all."""
BUDGET_CHARS = 8000
"""What the names and descriptions of all skills may take together: Codex lists at most 8,000 characters or 2 % of the
context, Claude Code 1 % of it (200,000 tokens and 4 characters a token make the same)."""


def repeats(name: str, text: str, existing: Mapping[str, str], rejected: Mapping[str, str]) -> list[Finding]:
    """What says the same already, was rejected before, or puts itself in another's place.

    Args:
        name: the draft's name.
        text: its SKILL.md.
        existing: the other skills' texts by name.
        rejected: why each rejected draft was rejected, by its text.
    """
    found = []
    others = {other: body for other, body in existing.items() if other != name}
    if name in existing and similarity(text, existing[name]) < ANOTHER:
        found.append(broken("replacement", FILE, 1, f"little is left in it of the skill {name!r} that exists"))
    near = nearest(text, others)[:1]
    if near and near[0][1] >= SAME:
        remedy = f"update {near[0][0]} instead (a draft of that name, made from its copy), or answer NO SKILL"
        found.append(broken("duplicate", FILE, 1, f"it says what the skill {near[0][0]!r} says already", remedy))
    before = nearest(text, {body: body for body in rejected})[:1]
    if before and before[0][1] >= SAME:
        why = rejected[before[0][0]]
        message = f"nearly the same draft was rejected by a person: {why}"
        found.append(broken("rejected-before", FILE, 1, message))
    return found


def over_budget(name: str, description: str, others: Mapping[str, str]) -> list[Finding]:
    """Whether agents can still list all the skills.

    Args:
        name: the draft's name.
        description: its description.
        others: the other skills' descriptions by name.
    """
    total = sum(len(other) + len(said) for other, said in others.items() if other != name) + len(name + description)
    if total <= BUDGET_CHARS or len(description) <= BUDGET_CHARS // (len(others) + 1):
        return []
    message = f"with it, all names and descriptions have {total} characters; agents list about {BUDGET_CHARS}"
    remedy = f"shorten the description (it has {len(description)} characters), or update a skill instead of adding one"
    return [broken("budget", FILE, 3, message, remedy)]


def more_tools(skill: Skill, former: Skill | None) -> list[Finding]:
    """Whether a draft gives the sessions that load it rights which nobody gave them.

    Args:
        skill: the draft.
        former: the skill that it updates.
    """
    if skill.allowed_tools in ("", former.allowed_tools if former else ""):
        return []
    return [broken("more-tools", FILE, 1, f"it allows itself {skill.allowed_tools!r}")]
