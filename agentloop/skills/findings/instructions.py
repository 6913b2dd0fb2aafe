"""Words to the agent that no honest skill needs: set your rules aside, say nothing of it, run this while you load."""

import re
from collections.abc import Iterator

from agentloop.skills.findings.pattern import pattern

_NOT = r"(?:do not|don['\u2019]t|never)"
_PERSON = r"(?:to )?(?:the |your )?(?:user|human|operator|developer|person|owner)s?\b"
_PERSONS = "user users human humans operator operators developer developers person persons owner owners"

INSTRUCTIONS = (
    pattern(
        "override",
        "it tells the agent to set its instructions aside",
        "ignore ignores disregard disregards forget forgets override overrides",
        ("ignore", "disregard", "forget", "override"),
        r"(?<!\w)(?:ignore|disregard|forget|override)s? ",
        r"(?:(?:all|any|the|your|my|of|these|those|every|everything|and) ){0,4}",
        r"(?:previous|previously|prior|above|earlier|preceding|system|original|initial) (?:(?:system|given|user) )?",
        r"(?:instructions?|prompts?|rules|guidelines|directions|directives|messages?|context)\b",
    ),
    pattern(
        "concealment",
        "it tells the agent to hide something from the person",
        _PERSONS,
        ("do not ", "don't ", "don\u2019t ", "never "),
        rf"{_NOT} (?:tell|inform|alert|notify|mention|reveal|disclose|report)\b",
        rf"(?: (?!if\b|unless\b|how\b|when\b)[\w'-]{{1,20}}){{0,4}}? {_PERSON}",
    ),
    pattern(
        "concealment",
        "it tells the agent to hide something from the person",
        _PERSONS,
        ("without ",),
        rf"without (?:telling|informing|alerting|notifying) {_PERSON}",
    ),
    pattern(
        "concealment",
        "it tells the agent to hide something from the person",
        _PERSONS,
        ("hide ", "keep "),
        rf"(?:hide|keep) (?:this|it|these|that|everything) (?:(?:hidden|secret) )?from {_PERSON}",
    ),
    pattern("dynamic-context", "loading the skill runs a command", "", ("!`",), r"(?<![^\s(])!`[^`\n]{1,400}`"),
)
_ORDER = re.compile(
    r"\b(?:ignore|disregard|system prompt|do not (?:tell|mention|reveal)|exfiltrate|curl\s|wget\s"
    r"|you (?:must|should) (?:now )?(?:run|execute|send|read|call)|(?:execute|run) (?:the|this|following)"
    r"|send (?:all|the|any) (?:\w{1,20} ){0,3}to)"
)
_MAX_COMMENT_CHARS = 4000


def orders_in_comments(lower: str) -> Iterator[tuple[int, int]]:
    """Where a comment, which is not shown, gives orders; the beginning and the end of each.

    Args:
        lower: a text in lower case.
    """
    begin = lower.find("<!--")
    while begin >= 0:
        end = lower.find("-->", begin, begin + _MAX_COMMENT_CHARS)
        end = end if end >= 0 else min(begin + _MAX_COMMENT_CHARS, len(lower))
        order = _ORDER.search(lower, begin, end)
        if order:
            yield order.span()
        begin = lower.find("<!--", end)
