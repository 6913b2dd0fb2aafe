"""What must not be in any text of a skill, be it prose, code block or script.

These are seatbelts against accidents and against what is copied without a look, no verdict on malice: whoever means
harm can write around a pattern.
"""

import re
from collections.abc import Iterator
from itertools import islice

from agentloop.skills.findings.commands import CARELESSNESS, CREDENTIALS, DESTRUCTION, EXFILTRATION, PAYLOADS
from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.instructions import INSTRUCTIONS, orders_in_comments
from agentloop.skills.findings.pattern import MAX_HITS, Text, search
from agentloop.skills.findings.rules import broken
from agentloop.text.quoting import one_line
from agentloop.text.redact import redact, secrets_in

_PATTERNS = (*PAYLOADS, *DESTRUCTION, *CREDENTIALS, *CARELESSNESS, *EXFILTRATION, *INSTRUCTIONS)
_MAX_QUOTED_CHARS = 80
_LONG_CHARS = 200
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{200}|(?:\\x[0-9a-fA-F]{2}){50}")
_WORDLESS = re.compile(r"[A-Za-z0-9+/]{60,76}={0,2}")
_FOLDED_LINES = 6
_FOLDED_CHARS = 60
_SHAPE = bytes(
    ord("a") if chr(code) in "+/_-" or (code < 0x80 and chr(code).isalnum()) else code for code in range(256)
)
_LONG = b"a" * _LONG_CHARS
_FOLDED = b"\n" + b"a" * _FOLDED_CHARS


def unsafe(text: Text) -> Iterator[Finding]:
    """What is dangerous in a text."""
    for line, kind in secrets_in(text.text):
        yield broken("secret", text.name, line, f"it holds a secret ({kind})")
    for hit in search(_PATTERNS, text):
        yield _finding(text, hit.pattern.rule, hit.pattern.message, hit.begin, hit.end)
    for begin, end in islice(orders_in_comments(text.lower), MAX_HITS):
        yield _finding(text, "hidden-comment", "a comment that is not shown gives orders", begin, end)
    yield from _blobs(text)


def _finding(text: Text, rule: str, message: str, begin: int, end: int) -> Finding:
    quoted = one_line(redact(text.text[begin:end]), _MAX_QUOTED_CHARS)
    return broken(rule, text.name, text.line(begin), f"{message}: {quoted!r}")


def _blobs(text: Text) -> Iterator[Finding]:
    """Long encoded texts, on one line or folded; images that are written into the text are none."""
    shape = text.raw.translate(_SHAPE)
    if _LONG not in shape and _FOLDED not in shape and b"\\x" not in text.raw:
        return
    hits, folded, last = 0, 0, 0
    for number, line in enumerate(text.text.splitlines(), 1):
        if len(line) >= _LONG_CHARS and hits < MAX_HITS and _is_encoded(line):
            hits += 1
            message = f"it holds an encoded text of {_LONG_CHARS} characters or more"
            yield broken("encoded-blob", text.name, number, message)
        if len(line) >= _FOLDED_CHARS and _WORDLESS.fullmatch(line):
            folded, last = folded + 1 if last == number - 1 else 1, number
            if folded == _FOLDED_LINES:
                yield broken("encoded-blob", text.name, number + 1 - folded, "it holds an encoded text of many lines")


def _is_encoded(line: str) -> bool:
    if max(map(len, line.split()), default=0) < _LONG_CHARS:
        return False
    match = _ENCODED.search(line)
    return match is not None and "base64," not in line[max(0, match.start() - 40) : match.start() + 1]
