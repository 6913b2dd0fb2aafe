"""Characters that a person does not see and a model reads.

Sources: the tag block and variation selectors carry whole texts (one character a byte), bidirectional controls show
another order than is read, zero-width characters hide words from a search. What writing systems and emoji need is
spared: a joiner between letters that it joins, a variation selector behind a pictograph, the three flags made of tags.
"""

import re
from collections.abc import Iterator

from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.rules import broken

_CONTROL = r"\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f"
_FLAGS = "\U0001f3f4(?:" + "|".join(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) for region in ("gbeng", "gbsct", "gbwls")
) + ")\U000e007f"  # fmt: skip
_KINDS = (
    ("tag", "a text in tag characters", "[\U000e0000-\U000e007f]+"),
    ("bidi", "a control of the writing direction", "[\u202a-\u202e\u2066-\u2069]+"),
    (
        "zero",
        "a character of no width",
        "[\u200b\u2060-\u2064\u206a-\u206f\u180e\u034f\u115f\u1160\u3164\uffa0\ufff9-\ufffb]+"
        "|(?<=.)\ufeff+|[\u200c-\u200f\u00ad\u061c]{2,}|(?<=[\x00-\x7f])[\u200c\u200d](?=[\x00-\x7f])",
    ),
    (
        "variation",
        "variation selectors that select nothing",
        "[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}|(?<=[\x00-\x7f])[\ufe00-\ufe0d\U000e0100-\U000e01ef]",
    ),
    ("escape", "an escape sequence of a terminal", r"\x1b"),
    ("control", "a control character", f"[{_CONTROL}]+"),
)
_HIDDEN = re.compile(
    f"(?P<spared>{_FLAGS})|" + "|".join(f"(?P<{group}>{pattern})" for group, _what, pattern in _KINDS), re.DOTALL
)
_IN_ASCII = re.compile(rf"[\x1b{_CONTROL}]")
_WHAT = {group: what for group, what, _pattern in _KINDS}


def hidden_text(name: str, text: str) -> Iterator[Finding]:
    """Where a text holds what cannot be seen; one finding a run of it."""
    for match in _hidden(text):
        line = text.count("\n", 0, match.start()) + 1
        first = f"U+{ord(match[0][0]):04X}"
        message = f"it holds {_WHAT[match.lastgroup or 'control']} ({first}{_times(match[0])})"
        yield broken("hidden-text", name, line, message, "write plain text, without what cannot be seen")


def without_hidden_text(text: str) -> str:
    """The text as a person sees it."""
    while True:  # what stood beside something hidden may be alone now
        shown = _HIDDEN.sub(lambda match: match[0] if match.lastgroup == "spared" else "", text)
        if shown == text:
            return text
        text = shown


def _hidden(text: str) -> Iterator[re.Match[str]]:
    if text.isascii() and not _IN_ASCII.search(text):
        return
    for match in _HIDDEN.finditer(text):
        if match.lastgroup != "spared":
            yield match


def _times(run: str) -> str:
    return f" and {len(run) - 1} more" if len(run) > 1 else ""
