"""The words of a skill, by which skills are searched and compared: stemmed lightly, the empty ones left out."""

import re

# The punctuation, arrows and pictures of Unicode, as UTF-8 has them; its letters stay.
_SYMBOLS = re.compile(rb"\xe2[\x80-\xaf][\x80-\xbf]|\xe3\x80[\x80-\xbf]|\xf0\x9f[\x80-\xbf]{2}")
_LOWER = bytes(ord(chr(n).lower()) if chr(n).isalnum() else 0x20 for n in range(0x80))
WORDS = _LOWER + bytes(range(0x80, 0x100))
"""For bytes.translate: ASCII letters in lower case, digits and what is not ASCII as they are, all else a space."""
ASCII_WORDS = _LOWER.ljust(0x100)
"""The same with a space for what is not ASCII."""
_SUFFIXES = (("ies", "y"), ("ing", ""), ("ed", ""), ("ly", ""), ("es", ""), ("s", ""))
_SHORTEST_STEM = 3
_STAYS_DOUBLE = "aefilosu"
_FRONTMATTER = re.compile(r"\ufeff?---[ \t]*\r?\n")
_END = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)
_SAID = re.compile(
    r"^[\"']?(?:name|description)[\"']?[ \t]*:(?P<value>[^\n]*(?:\n(?:[ \t][^\n]*|(?=\n)))*)", re.MULTILINE
)

STOP = frozenset(
    """
    a about above after again all also always an and any are as at be because been before being below between both but
    by can could did do does doing don done down during each either else even ever every few for from further get gets
    getting given go goes going got had has have having he her here hers him his how i if in into is isn it its itself
    just least less let lets like likely made make makes making many may maybe me might more most much must my neither
    never no nor not nothing now of off often on once one only onto or other others our ours out over own per rather
    really same see seen shall she should since so some something still such than that the their them then there these
    they this those though three through thus to together too toward two under unless until up upon us use used useful
    user users uses using ve very via was way ways we well were what whatever when whenever where whether which while
    who whom whose why will with within without won would yes yet you your yours
    """.split()  # noqa: SIM905 - a list of 190 quoted words is unreadable
)
"""English words that say nothing of what a text is about."""

COMMON = frozenset(
    """
    access action add already api app ask availabl avoid bas bash behavior best block build call chang check clear cod
    com command common complet configuration confirm content context core cover creat current custom data default
    dependency description design detail direct doc document documentation environment error exact exampl exist explicit
    fail failur featur field fil file find first fix flow follow format full generat guid handl high http https id
    identify implement import includ input install instead integration issu json keep key level limit link list load
    local log match md messag method miss model multipl nam name need new next non number optional order output overview
    packag pass path pattern plan point practic prefer process production project prompt provid python query quick read
    real referenc report request requir requirement respons result return review rul run scop script search separat
    servic setup shar show singl skill skip sourc specific start stat statu step structur styl summary support system
    target task templat test text time tool true typ type updat url validat validation valu verify version vs want work
    workflow writ
    """.split()  # noqa: SIM905 - likewise
)
"""Stems that a quarter of 1,237 public skills have, whatever they are about (counted in five public collections)."""


def flat(text: bytes) -> bytes:
    """The words of a text with spaces between them, ASCII in lower case; a word is of letters and digits."""
    return _SYMBOLS.sub(b" ", text).translate(WORDS)


def stem(word: str) -> str:
    """The word without the endings of plural and verb, and without a last `e`: `retries` and `retry` are one."""
    for suffix, instead in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM and not word.endswith("ss"):
            word = word[: -len(suffix)] + instead
            break
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in _STAYS_DOUBLE:
        return word[:-1]
    return word[:-1] if len(word) > _SHORTEST_STEM and word[-1] == "e" else word


class Stems(dict[bytes, str]):
    """The stem of each word in UTF-8, worked out once; empty for a word that tells skills not apart."""

    def __missing__(self, word: bytes) -> str:
        """Work it out."""
        text = word.decode("utf-8", "replace")
        found = "" if len(text) < 2 or text.isdecimal() or text in STOP else stem(text)
        self[word] = "" if found in COMMON else found
        return self[word]


def said(skill: str) -> str:
    """What a SKILL.md says: its name, its description and its body, without the frontmatter's other keys."""
    opening = _FRONTMATTER.match(skill)
    closing = _END.search(skill, opening.end()) if opening else None
    if not opening or not closing:
        return skill
    head = skill[opening.end() : closing.start()]
    return "\n".join([*(match["value"] for match in _SAID.finditer(head)), skill[closing.end() :]])
