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
_NEAR_JOIN = 0.6
_COMPARING = dict.fromkeys(("is", "at", "least", "than", "of", "to", "be", "≥"), "") | {
    **dict.fromkeys(("below", "under", "less"), "<"),
    **dict.fromkeys(("above", "over", "more"), ">"),
    **dict.fromkeys(("most", "≤"), "<="),
    "equals": "=",
}
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


def misplaced(source: str, start: int, end: int) -> list[tuple[int, int, str]]:
    """Edits for a word that stands where a condition has ended: another word was meant, or a space is wrong."""
    word, after = source[start:end], re.compile(r"\s+(\S+)").match(source, end)
    near = _near_join(word)
    edits = [(start, end, near)] if near else []
    count = re.fullmatch(r"(\d+)(?:times?|x)", word, re.ASCII)
    if count:
        edits.append((start, end, f"{count[1]} times"))
    if word.isdigit() and after and _near_join(after[1]) == "times":
        edits.append((*after.span(1), "times"))
    number = re.search(r"\bwithin\s+[\d.]+(\s+)$", source[:start])
    if number:
        edits.append((number.start(1), start, ""))
    return edits


def _near_join(word: str) -> str:
    words = ("and", "or", "within", "times")
    return next(iter(difflib.get_close_matches(word.lower(), words, n=1, cutoff=_NEAR_JOIN)), "")


def operator_for(words: Iterable[str]) -> str:
    """The operator that words such as `is at least` stand for; empty when they compare nothing."""
    found = [_COMPARING.get(word.lower()) for word in words]
    if None in found:
        return ""
    return next(filter(None, found), ">=")


def instead_of_program(argv: tuple[str, ...], checks: Iterable[str], metrics: Iterable[str]) -> str:
    """What may have been meant by a command whose program is missing; empty when nothing is near."""
    if argv[0].startswith(("http://", "https://")):
        return f"url {argv[0]} is up" if "@" not in argv[0] else ""
    names = {name: f"the metric {name}" for name in metrics}
    if len(argv) == 1:
        names |= {"approved": "approved", **{name: f"the check {name}" for name in checks}}
    return names.get(near_check(argv[0], names), "")


def hides_failure(line: str, *, prints: bool) -> str:
    """The end of a shell's line that makes it succeed whatever went before; empty when there is none.

    Args:
        line: what bash is given.
        prints: the line is there for what it prints, so that a last `echo` is no way around the check.
    """
    end = line.rstrip()[-_END_CHARS:]
    match = _ALWAYS_TRUE.search(end) or (None if prints else _ALWAYS_TALKS.search(end))
    return match["what"].strip() if match else ""
