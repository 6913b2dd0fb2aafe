"""The placeholders of command lines: what they are called, and those that are written wrongly."""

import difflib
import re
from collections.abc import Iterable

NAMES = (
    *("program", "python", "extra", "cwd", "prompt", "prompt_file"),
    *("session", "session_file", "result_file", "result_folder"),
)
_WRITTEN = re.compile(r"(?<!\$)\{(\w+)\}")


def misspelt(words: Iterable[str], names: tuple[str, ...] = NAMES) -> tuple[str, str] | None:
    """Find a placeholder that nobody fills: one that is nearly a known one, or that is a word of its own.

    Others may be meant as they stand: command lines carry programs of other languages.

    Args:
        words: a command line.
        names: the placeholders that there are.

    Returns:
        What is wrong, and what to do about it; None when nothing is.
    """
    for word in words:
        for name in _WRITTEN.findall(word):
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
            if name not in names and (near or word == f"{{{name}}}"):
                hint = f"did you mean {{{near[0]}}}?" if near else f"known: {_listed(names)}"
                return f"nothing is known by {{{name}}}", hint
    return None


def _listed(names: Iterable[str]) -> str:
    return " ".join(f"{{{name}}}" for name in sorted(names))
