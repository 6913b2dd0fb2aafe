"""Whether a skill is written so that it is found and helps: its description, what was left in, its length."""

import re
from collections.abc import Iterator

from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.markdown import Markdown
from agentloop.skills.findings.pattern import Text, pattern, search
from agentloop.skills.findings.rules import broken
from agentloop.skills.format import FILE
from agentloop.skills.frontmatter import Frontmatter

MAX_BODY_LINES = 500
MAX_BODY_WORDS = 500
MIN_DESCRIPTION_CHARS = 20
_TRIGGER = re.compile(
    r"\buse (?:this |it |the \w{1,30} )?(?:skill )?(?:when|whenever|for|if|to|after|before|as|on|proactively)\b"
    r"|\bwhen (?:the|a|an|you|working|asked|users?)\b|\bwhenever\b|\btrigger(?:s|ed)?\b|\b(?:invoke|activate)\b"
    r"|\b(?:should|must) be used\b|\bused? (?:when|for)\b|\bapplies (?:to|when)\b|\bhelps? with\b"
)
_SYMPTOM = re.compile(
    r"[`\"'\u2018\u201c][^`\"'\u2019\u201d]{2,200}[`\"'\u2019\u201d]|\b[A-Z]\w{0,40}(?:Error|Exception|Warning|Failure)\b"
    r"|\b\w{1,60}\.[a-z]{1,5}\b|\b[A-Z]{2,30}_[A-Z]{2,30}\b"
    r"|\b(?:errors?|fail(?:s|ed|ing|ures?)?|exit (?:code|status)|crash\w{0,3}|timeouts?|timed out|hang(?:s|ing)?"
    r"|missing|not found|cannot|denied|refused|broken|wrong)\b"
)
_LEFT_IN = (
    pattern("placeholder", "", "todo fixme tbd", ("todo", "fixme", "tbd"), r"(?<![\w-])(?:todo|fixme|tbd)\b"),
    pattern("placeholder", "", "fill fillin", ("fill in", "fill-in", "fill_in", "fillin"), r"(?<!\w)fill[\s_-]?in\b"),
    pattern("placeholder", "", "lorem", ("lorem ipsum",), r"lorem ipsum"),
    pattern(
        "placeholder",
        "",
        "describe insert your add",
        ("[",),
        r"\[(?:describe|insert|your|add)\s[^\]\n]{0,200}\](?!\()",
    ),
    pattern(
        "narrative",
        "it tells of one session",
        "session run conversation today",
        ("in this ", "in our session", "earlier today"),
        r"in this (?:session|run|conversation)\b|in our session\b|earlier today\b",
    ),
    pattern(
        "narrative",
        "it tells what somebody did",
        "fixed found discovered tried noticed realized realised debugged spent learned learnt struggled ended"
        " figured solved changed ran",
        ("we ", "i "),
        r"(?<![\w'])(?:we|i) (?:(?:then|first|finally|eventually|also|just|had|have) ){0,2}",
        r"(?:fixed|found|discovered|tried|noticed|reali[sz]ed|debugged|spent|learn(?:ed|t)|struggled|ended up",
        r"|figured out|solved|changed|ran into)\b",
    ),
    pattern(
        "narrative",
        "it holds a date",
        " ".join(str(year) for year in range(2010, 2040)),
        ("201", "202", "203"),
        r"(?<![\w.@/-])20\d\d-(?:0\d|1[0-2])-(?:[0-2]\d|3[01])(?![\w-])",
    ),
    pattern(
        "narrative",
        "it names a ticket",
        "issue ticket pr bug request jira",
        ("issue #", "ticket #", "pr #", "bug #", "pull request #", "jira-"),
        r"(?<!\w)(?:(?:issue|ticket|pr|bug|pull request) #|jira-)\d{1,7}\b",
    ),
)
_SHOUTED = ("todo", "fixme", "tbd", "fill")


def authoring(text: Text, found: Frontmatter, markdown: Markdown) -> Iterator[Finding]:
    """What is to be said of a SKILL.md's description and body.

    Args:
        text: the whole of it.
        found: the frontmatter, as it was read.
        markdown: the body.
    """
    description = found.content.get("description")
    if isinstance(description, str) and description.strip():
        yield from _description(description, found.lines.get("description", 1))
    yield from _tools(found)
    yield from _length(found.body, found.body_line)
    yield from _left_in(text, markdown)


def _description(description: str, line: int) -> Iterator[Finding]:
    lower = description.lower()
    if "<" in description and ">" in description:
        yield broken("description-markup", FILE, line, "the description holds angle brackets")
    if len(description) < MIN_DESCRIPTION_CHARS:
        yield broken("description-short", FILE, line, f"the description has only {len(description)} characters")
    if "use when" not in lower and not _TRIGGER.search(lower):
        yield broken("description-trigger", FILE, line, "the description has no 'Use when'")
    if not _SYMPTOM.search(description):
        yield broken("description-symptoms", FILE, line, "the description quotes no error text and names no symptom")


def _tools(found: Frontmatter) -> Iterator[Finding]:
    tools = found.content.get("allowed-tools", "")
    names = tools if isinstance(tools, list) else tools.replace(",", " ").split() if isinstance(tools, str) else []
    for name in names:
        if name in ("Bash", "*", "Bash(*)", "Bash(*:*)"):
            line = found.lines.get("allowed-tools", 1)
            yield broken("broad-tools", FILE, line, f"allowed-tools allows every command ({name})")


def _length(body: str, first_line: int) -> Iterator[Finding]:
    lines = body.count("\n")
    if not body or body.isspace():
        yield broken("body-empty", FILE, first_line, "there is no text after the frontmatter")
    if lines > MAX_BODY_LINES:
        yield broken("body-length", FILE, first_line, f"the body has {lines} lines")
    elif body.count(" ") + lines >= MAX_BODY_WORDS:  # there cannot be more words than that; a count is quick
        words = len(body.split())
        if words > MAX_BODY_WORDS:
            yield broken("body-words", FILE, first_line, f"the body has {words} words")


def _left_in(text: Text, markdown: Markdown) -> Iterator[Finding]:
    begin = len(text.text) - len(markdown.text)
    for hit in search(_LEFT_IN, text):
        words = text.text[hit.begin : hit.end]
        if hit.begin < begin or markdown.prose[hit.begin - begin : hit.end - begin] != words:
            continue
        if hit.pattern.rule != "placeholder":
            yield broken(hit.pattern.rule, FILE, text.line(hit.begin), f"{hit.pattern.message} ({words!r})")
        elif words.isupper() or not words.lower().startswith(_SHOUTED):
            yield broken("placeholder", FILE, text.line(hit.begin), f"{words!r} was left in")
