"""What a session knows of one person, machine or company: home paths, hosts of private networks, email addresses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.pattern import MAX_HITS, Text
from agentloop.skills.findings.rules import broken

_NOBODY = frozenset(
    ("user", "username", "you", "yourname", "your-name", "your_name", "your-user", "youruser", "name", "me", "xxx")
)
_HOME = re.compile(r"(?:/home/|/Users/|[A-Z]:\\{1,2}Users\\{1,2})(?P<who>[\w.-]{1,80})|/root(?=/[\w.-])")
_ADDRESS = re.compile(
    r"(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}(?!\d|\.\d|/\d{1,2}\b)(?!\.?[a-zA-Z_-])"
)
_HOST = re.compile(r"(?:[a-zA-Z0-9-]{1,63}\.){1,6}(?:local|internal|corp|lan|intranet|localdomain)(?![\w-])(?!\.[\w-])")
_HOST_COMES = re.compile(r"://(?:[^\s/@]{1,60}@)?|(?<=\w)@|\b(?:ssh|ping|host) ")
_PUBLIC_HOSTS = (
    "host.docker.internal",
    "gateway.docker.internal",
    "host.containers.internal",
    "metadata.google.internal",
    ".cluster.local",
)
_LOCAL_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,6}(?P<top>[A-Za-z]{2,18})(?![\w-])")
_NO_TOP = frozenset(("png", "jpg", "jpeg", "gif", "svg", "webp", "md", "py", "js", "ts", "json", "local", "internal"))
_NO_DOMAIN = re.compile(
    r"(?i)(?:^|\.)(?:example|test|invalid|localhost|domain|company|yourcompany|email|acme)(?:\.[a-z]+)?$|noreply"
)
_NO_LOCAL = frozenset(
    (
        *("git", "noreply", "no-reply", "user", "you", "your", "name", "email", "username", "someone"),
        *("support", "sales", "info", "contact", "help", "hello", "security", "press", "legal"),
    )
)


@dataclass(frozen=True, slots=True)
class Private:
    """A text that should not be there.

    Args:
        rule: the id of the rule.
        begin: where it begins.
        end: where it ends.
        mask: what `--fix` puts in its place.
    """

    rule: str
    begin: int
    end: int
    mask: str


_MESSAGES = {
    "machine-path": "it names a path of one machine",
    "private-host": "it names a host of a private network",
    "email": "it holds an email address",
}


def privacy(text: Text) -> Iterator[Finding]:
    """Where a text tells of one person or machine; of each kind the first ones."""
    hits = dict.fromkeys(_MESSAGES, 0)
    for private in _private_texts(text):
        hits[private.rule] += 1
        if hits[private.rule] <= MAX_HITS:
            quoted = text.text[private.begin : private.end]
            yield broken(private.rule, text.name, text.line(private.begin), f"{_MESSAGES[private.rule]} ({quoted!r})")


def masked(text: str, brackets: bool) -> tuple[str, list[tuple[str, str]]]:
    """The text with every such part masked, in angle brackets where they may stand; each rule with what was masked."""
    parts, masks, position = [], [], 0
    for private in sorted(_private_texts(Text("", text)), key=lambda each: (each.begin, -each.end)):
        if private.begin >= position:
            mask = private.mask if private.mask == "~" else f"<{private.mask}>" if brackets else private.mask.upper()
            parts += [text[position : private.begin], mask]
            masks.append((private.rule, text[private.begin : private.end]))
            position = private.end
    return "".join([*parts, text[position:]]), masks


def _private_texts(text: Text) -> Iterator[Private]:
    for words, look in _LOOKS:
        if not words.isdisjoint(text.words):
            yield from look(text.text)
    if "@" in text.text:
        yield from _emails(text.text)


def _matches(
    text: str, anchors: tuple[str, ...], expression: re.Pattern[str], before: int = 0
) -> Iterator[re.Match[str]]:
    """Where the expression matches, `before` characters before an anchor; nothing of a word stands before it."""
    for anchor in anchors:
        position = text.find(anchor)
        while position >= 0:
            begin = position - before
            match = expression.match(text, begin) if begin >= 0 else None
            if match and not (begin and (text[begin - 1].isalnum() or text[begin - 1] in "._")):
                yield match
            position = text.find(anchor, position + 1)


def _homes(text: str) -> Iterator[Private]:
    for before, anchors in ((0, ("/home/", "/Users/", "/root/")), (2, ("\\Users\\", "\\\\Users\\"))):
        for match in _matches(text, anchors, _HOME, before):
            if (match["who"] or "").lower() not in _NOBODY and match[0].strip("./\\") not in ("home", "Users"):
                mask = "home" if "\\" in match[0] else "~"
                yield Private("machine-path", match.start(), match.end(), mask)


def _hosts(text: str) -> Iterator[Private]:
    for comes in _HOST_COMES.finditer(text):
        match = _HOST.match(text, comes.end())
        if match and not match[0].lower().endswith(_PUBLIC_HOSTS):
            yield Private("private-host", match.start(), match.end(), "host")


def _addresses(text: str) -> Iterator[Private]:
    for match in _matches(text, ("10.", "172.", "192.168."), _ADDRESS):
        yield Private("private-host", match.start(), match.end(), "address")


def _emails(text: str) -> Iterator[Private]:
    position = text.find("@")
    while position >= 0:
        domain = _DOMAIN.match(text, position + 1)
        local = _LOCAL_PART.search(text, max(0, position - 64), position) if domain else None
        if domain and local and _is_somebody(text, local, domain):
            yield Private("email", local.start(), domain.end(), "email")
        position = text.find("@", position + 1)


def _is_somebody(text: str, local: re.Match[str], domain: re.Match[str]) -> bool:
    if local[0].lower() in _NO_LOCAL or domain["top"].lower() in _NO_TOP or _NO_DOMAIN.search(domain[0]):
        return False
    before = text[max(0, local.start() - 3) : local.start()]
    return not before.endswith(("://", "/", ":")) and text[domain.end() : domain.end() + 1] != ":"


_LOOKS = (
    (frozenset((b"home", b"users", b"root")), _homes),
    (frozenset((b"10", b"172", b"192")), _addresses),
    (frozenset((b"local", b"internal", b"corp", b"lan", b"intranet", b"localdomain")), _hosts),
)
