"""The kinds of edit that the agent knows, each with the words by which people speak of it.

The words matter twice: a skill is read by them, and a skill is written with them. They are plain English, so that a
skill made from them says something to a person and to any other agent.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operator:
    """A kind of edit.

    `words` are patterns of the ways to speak of it; `weight` in 0..1 says how soon it is tried at a line that is as
    suspicious as another; `construct` is what to look at in the code.
    """

    name: str
    words: tuple[str, ...]
    weight: float
    construct: str


OPERATORS = (
    Operator("wrong comparison", (r"wrong comparison", r"comparison the wrong way", r"reversed comparison"), 1.0,
             "comparisons"),
    Operator("negated condition", (r"negated condition", r"missing `?not`?", r"inverted condition"), 1.0,
             "conditions of `if` and `while`"),
    Operator("swapped logic", (r"swapped logic", r"`and`\W+(?:to|and|or|for|by|instead of)\W+`or`",
                               r"`or`\W+(?:to|and|or|for|by|instead of)\W+`and`"), 1.0, "`and` and `or`"),
    Operator("swapped operator", (r"swapped operators?", r"wrong operator", r"wrong sign"), 1.0,
             "arithmetic operators"),
    Operator("integer division", (r"integer division", r"floor division", r"true division", r"real division"), 1.0,
             "divisions"),
    Operator("off-by-one constant", (r"off[- ]by[- ]one constant", r"constant (?:is )?off by one"), 1.0,
             "whole-number constants"),
    Operator("wrong initial value", (r"wrong initial value", r"initial values?", r"start(?:ing)? value"), 1.0,
             "values that a variable starts with"),
    Operator("comparison boundary", (r"comparison boundar(?:y|ies)", r"boundary comparisons?", r"boundary checks?",
                                     r"inclusive", r"exclusive", r"closed (?:ranges?|intervals?)"), 1.0,
             "comparisons with a bound"),
    Operator("missing one", (r"missing (?:plus )?one", r"missing `?\+ ?1`?", r"count(?:s|ing)? both ends",
                             r"fencepost"), 1.0, "differences that are used as counts"),
    Operator("extra one", (r"extra one", r"one too many", r"superfluous `?\+ ?1`?"), 1.0, "sums with a 1"),
    Operator("slice bounds", (r"slice bounds?", r"slice index", r"slicing"), 0.9, "slices and indexes"),
    Operator("flipped flag", (r"flipped flag", r"wrong flag", r"boolean flag"), 0.9, "`True` and `False`"),
    Operator("sort order", (r"sort(?:ing)? order", r"sort(?:ed|s)? the wrong way", r"descending"), 0.9, "sorting"),
    Operator("wrong method", (r"wrong method", r"wrong function", r"`min`\W+(?:to|and|or|for|by|instead of)\W+`max`",
                              r"`max`\W+(?:to|and|or|for|by|instead of)\W+`min`"), 0.9,
             "calls with a twin: `min` and `max`, `strip` and `lstrip`, ..."),
    Operator("swapped arguments", (r"swapped arguments?", r"argument order", r"order of (?:the )?arguments"), 0.9,
             "calls with several arguments"),
    Operator("missing return value", (r"missing return(?: value)?", r"returns? nothing", r"forgotten return"), 0.9,
             "ends of functions"),
    Operator("loop exit", (r"loop exits?", r"`break`\W+(?:to|and|or|for)\W+`continue`"), 0.9, "`break` and `continue`"),
    Operator("extra condition", (r"extra condition", r"superfluous condition"), 0.8, "joined conditions"),
    Operator("missing guard", (r"missing guard", r"removed guard", r"guard clause", r"empty input"), 0.75,
             "starts of functions"),
    Operator("wrong attribute", (r"wrong attribute", r"wrong field"), 0.75, "attributes"),
    Operator("wrong key", (r"wrong key", r"dictionary key"), 0.75, "keys"),
    Operator("wrong variable", (r"wrong variable", r"wrong name", r"mixed[- ]up variables?"), 0.7, "variables"),
)  # fmt: skip
BY_NAME = {operator.name: operator for operator in OPERATORS}
ORDER = {operator.name: position for position, operator in enumerate(OPERATORS)}
_PATTERNS = {operator.name: re.compile("|".join(operator.words), re.IGNORECASE) for operator in OPERATORS}


def mentioned(text: str) -> Iterator[str]:
    """The names of the operators that a piece of prose speaks of, in the order of this module."""
    return (name for name, pattern in _PATTERNS.items() if pattern.search(text))
