"""What a person probably meant: the nearest word, and predicates that would be read."""

import difflib
import re
from collections.abc import Iterable

VERBS = ("passes", "pass", "succeeds", "fails", "exits", "prints")
_NEAR = 0.82
_NEAR_NAME = 0.5
_NEAR_CHECK = 0.75
_END_CHARS = 300
_MEANT = {
    "passing": "passes",
    "success": "succeeds",
    "failing": "fails",
    "outputs": "prints",
    "returns": "exits",
}
_JOINS = {"&&": "and", "&": "and", "||": "or", "|": "or", ",": "and", ";": "and", "plus": "and"}
_ALWAYS_TRUE = re.compile(
    r"(?:\|\||;|\n|(?<!&)&)\s*(?P<what>true|:|exit\s+0|(?:/usr)?/bin/true)\s*(?:#[^\n]*)?[;)}\s]*$"
)
_ALWAYS_TALKS = re.compile(r"(?:\|\||;|\n)\s*(?P<what>(?:echo|printf)\b[^|;&\n]*)$")


def near_verb(word: str) -> str:
    """The verb that a word was meant to be; empty when it is none."""
    word = word.lower().strip(",.:")
    if word in VERBS:
        return word
    return _MEANT.get(word) or next(iter(difflib.get_close_matches(word, VERBS, n=1, cutoff=_NEAR)), "")


def near_name(word: str, names: Iterable[str]) -> str:
    """The nearest of some names, one of which was wanted; empty when none is near."""
    return next(iter(difflib.get_close_matches(word, list(names), n=1, cutoff=_NEAR_NAME)), "")


def near_check(word: str, names: Iterable[str]) -> str:
    """The check that a word was meant to name, where a command could stand as well."""
    return next(iter(difflib.get_close_matches(word, list(names), n=1, cutoff=_NEAR_CHECK)), "")


def join_for(word: str) -> str:
    """The word of the language for what joins conditions elsewhere; empty when it joins nothing."""
    lower = word.lower()
    return lower if lower in ("and", "or") else _JOINS.get(word, "")


def hides_failure(line: str, *, prints: bool) -> str:
    """The end of a shell's line that makes it succeed whatever went before; empty when there is none.

    Args:
        line: what bash is given.
        prints: the line is there for what it prints, so that a last `echo` is no way around the check.
    """
    end = line.rstrip()[-_END_CHARS:]
    match = _ALWAYS_TRUE.search(end) or (None if prints else _ALWAYS_TALKS.search(end))
    return match["what"].strip() if match else ""
