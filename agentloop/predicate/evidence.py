"""Short feedback out of long output: what failed, the beginning, the end, and where the whole log is."""

from collections.abc import Sequence

from agentloop.events import Leaf
from agentloop.quoting import fenced, plain
from agentloop.redact import redact

MAX_EXCERPT_CHARS = 6000
_HEAD_SHARE = 0.35


def excerpt(output: str, max_chars: int = MAX_EXCERPT_CHARS) -> str:
    """The head and the tail of an output: no escape codes, no secrets, cut at lines where it can be."""
    text = redact(plain(output).strip("\n"))
    if len(text) <= max_chars:
        return text
    head_chars = int(max_chars * _HEAD_SHARE)
    head = text[:head_chars].rpartition("\n")[0] or text[:head_chars]
    tail = text[-(max_chars - head_chars) :]
    tail = tail.partition("\n")[2] or tail
    left_out = text[len(head) : len(text) - len(tail)].count("\n")
    return f"{head}\n[... {left_out} lines left out ...]\n{tail}"


def feedback(leaves: Sequence[Leaf]) -> str:
    """What goes back to the session: each command that does not hold, in Markdown, output fenced as data."""
    parts = [_leaf(leaf) for leaf in leaves if leaf.verdict != "pass"]
    passed = [leaf.source for leaf in leaves if leaf.verdict == "pass"]
    if passed:
        parts.append("These hold already: " + ", ".join(f"`{source}`" for source in passed))
    return "\n\n".join(parts)


def _leaf(leaf: Leaf) -> str:
    lines = [f"`{leaf.source}`: {leaf.verdict} ({leaf.reason})"]
    if leaf.output:
        lines.append(fenced(leaf.output))
    if leaf.log:
        lines.append(f"The whole output: {leaf.log}")
    return "\n".join(lines)
