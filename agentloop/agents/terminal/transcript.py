"""What an agent said in a turn, from what its screen showed before and after: pure."""

import re
from collections import Counter
from collections.abc import Sequence

# Bullets, frames and the marks in front of an input line: what screens put before words.
_ORNAMENT = "[\\s>•\u00bb\u203a\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u2800-\u28ff\u2b00-\u2bff]"
_LEADING = re.compile(f"^{_ORNAMENT}+")
_TRAILING = re.compile(f"{_ORNAMENT}+$")
_MARKS = ("$", "#", "%", ">", ":")


def said(before: Sequence[str], after: Sequence[str], prompt: str) -> str:
    """The lines that came in a turn.

    Args:
        before: what the screen showed when the prompt was typed.
        after: what has scrolled off since, and what it shows now.
        prompt: the prompt, whose echo is left out.
    """
    known = Counter(map(_bare, before))
    fresh: list[str] = []
    for line in after:
        words = _bare(line)
        if known[words]:
            known[words] -= 1
        elif words or (fresh and fresh[-1]):
            fresh.append(words)
    while fresh and _is_echo(fresh[0], prompt):
        del fresh[0]
    return "\n".join(fresh).strip()


def _is_echo(line: str, prompt: str) -> bool:
    """The line is a part of the prompt, perhaps behind a shell's own."""
    first = prompt.strip().partition("\n")[0].strip()
    mark = line.removesuffix(first).rstrip()[-1:] if first and line.endswith(first) else ""
    return " ".join(line.split()) in " ".join(prompt.split()) or mark in _MARKS


def _bare(line: str) -> str:
    return _TRAILING.sub("", _LEADING.sub("", line))
