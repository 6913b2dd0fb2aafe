"""Characters that a person does not see and a model reads.

Sources: the tag block and variation selectors carry whole texts (one character a byte), bidirectional controls show
another order than is read, zero-width characters hide words from a search. What writing systems and emoji need is
spared: a joiner between letters that it joins, a variation selector behind a pictograph, the three flags made of tags.
"""

import re
from collections.abc import Iterator

from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.pattern import Text
from agentloop.skills.findings.rules import broken

_CONTROL = r"\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f"
_TAGS = "\U000e0000-\U000e007f"
_BIDI = "\u202a-\u202e\u2066-\u2069"
_ZERO = "\u200b\u2060-\u2064\u206a-\u206f\u180e\u034f\u115f\u1160\u3164\uffa0\ufff9-\ufffb\ufeff"
_JOINERS = "\u200c-\u200f\u00ad\u061c"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_RUN = re.compile(f"[{_CONTROL}{_TAGS}{_BIDI}{_ZERO}{_JOINERS}{_SELECTORS}]+")
_BLACK_FLAG = "\U0001f3f4"
_REGIONS = frozenset(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f" for region in ("gbeng", "gbsct", "gbwls")
)
_KINDS = (
    ("a text in tag characters", re.compile(f"[{_TAGS}]")),
    ("a control of the writing direction", re.compile(f"[{_BIDI}]")),
    ("a character of no width", re.compile(f"[{_ZERO}]|(?:[{_JOINERS}][{_SELECTORS}]?){{2}}")),
    ("variation selectors that select nothing", re.compile(f"[{_SELECTORS}]{{2}}")),
)
_RARE_SELECTOR = re.compile("[\ufe00-\ufe0d\U000e0100-\U000e01ef]")
_TAKES_ONE = re.compile("[\u1820-\u18aa\u2200-\u2aff\u3000-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_IS_CONTROL = re.compile(f"[{_CONTROL}]")


def hidden_text(text: Text) -> Iterator[Finding]:
    """Where a text holds what cannot be seen; one finding a run of it."""
    if not _RUN.search(text.odd):
        return
    for match, rule, what in _hidden(text.text):
        more = f" and {len(match[0]) - 1} more" if len(match[0]) > 1 else ""
        yield broken(
            rule,
            text.name,
            text.line(match.start()),
            f"it holds what cannot be seen: {what} (U+{ord(match[0][0]):04X}{more})",
        )


def without_hidden_text(text: str) -> str:
    """The text as a person sees it."""
    while found := [match.span() for match, _rule, _what in _hidden(text)]:  # what is left may stand alone now
        parts, position = [], 0
        for begin, end in found:
            parts.append(text[position:begin])
            position = end
        text = "".join([*parts, text[position:]])
    return text


def _hidden(text: str) -> Iterator[tuple[re.Match[str], str, str]]:
    """Each run with its rule and what it is."""
    for match in _RUN.finditer(text):
        begin, end = match.span()
        what = _kind(match[0], text[begin - 1 : begin] if begin else "", text[end : end + 1])
        if what:
            yield match, "hidden-text", what
        elif _IS_CONTROL.search(match[0]):
            yield match, "control-character", "a control character"


def _kind(run: str, before: str, after: str) -> str:
    """What a run of characters that cannot be seen is; empty where a writing system or an emoji needs it."""
    if (before == _BLACK_FLAG and run in _REGIONS) or (run == "\ufeff" and not before):
        return ""
    if run == "\x1b":
        return "an escape sequence of a terminal" if after and after in "[]P_^" else ""
    for what, expression in _KINDS:
        if expression.search(run):
            return what
    if _RARE_SELECTOR.match(run) and not _TAKES_ONE.match(before):
        return "a variation selector that selects nothing"
    if run in "\u200c\u200d" and before and before.isascii() and after.isascii():
        return "a character of no width"
    return ""
