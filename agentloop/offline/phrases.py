"""What to say about each kind of edit in a skill: general, true beyond the one case, and useful to a person."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrase:
    """The sentences of a skill that depend on the kind of edit.

    `what` says in one clause what the skill is about, `symptom` completes "tests fail with ...,", `rule` completes
    "Suspect a ...:", `change` completes "Change ..." (empty when there is no general form), `gotcha` and `unfit`
    are sentences.
    """

    name: str
    title: str
    what: str
    symptom: str
    rule: str
    change: str
    gotcha: str
    unfit: str


_STRICT = {"<": "<=", ">": ">="}
_CRASH = "Of no use when results are wrong all over and not in special cases."
_ANY = "Of no use when the tests cannot even be imported."


def phrase(operator: str, old: str, new: str) -> Phrase:
    """The sentences for an edit of this kind; `old` and `new` are its texts."""
    if operator == "comparison boundary":
        return _boundary(old)
    if operator == "missing one":
        return _count(new)
    if operator in _FIXED:
        return _FIXED[operator]
    change = f"`{old}` to `{new}`" if _is_general(old) and _is_general(new) else ""
    return Phrase(
        name=re.sub(r"[^a-z0-9]+", "-", f"{operator} {_slug(old, new)}".lower()).strip("-"),
        title=operator.capitalize(),
        what=f"A {operator} that gives wrong results without raising an error.",
        symptom="while the code around looks right",
        rule="it reads well and computes something else than the docstring and the tests say.",
        change=change,
        gotcha="Read the docstring of the function and the tests' names first: the code alone looks plausible.",
        unfit=_ANY,
    )


def _is_general(text: str) -> bool:
    """A symbol or a builtin's name says something beyond the one line; anything longer would be the patch."""
    return bool(re.fullmatch(r"[<>=!+\-*/%]{1,3}|and|or|not in|in|is|is not|min|max|any|all|True|False", text))


def _slug(old: str, new: str) -> str:
    return f"{old} for {new}" if old.isalpha() and new.isalpha() and _is_general(old) else ""


def _boundary(old: str) -> Phrase:
    accepts = old in _STRICT
    kind, how = ("strict", "strictly") if accepts else ("loose", "loosely")
    belongs = "belongs to the range" if accepts else "lies outside of the range"
    return Phrase(
        name=f"{kind}-comparison-at-a-bound",
        title=f"A {kind} comparison at a bound",
        what=f"Bounds of ranges compared too {how}: the value that equals the bound {belongs}.",
        symptom="only at the edge: at the first or last element, day or amount of a range",
        rule=f"here the value that equals the bound {belongs}.",
        change="`<` to `<=`, or `>` to `>=`" if accepts else "`<=` to `<`, or `>=` to `>`",
        gotcha="The comparison is right for every value but one: test with the bound itself, not near it.",
        unfit=_CRASH,
    )


def _count(new: str) -> Phrase:
    short = new.endswith("+ 1")
    size = "small" if short else "large"
    return Phrase(
        name=f"count-one-too-{size}",
        title=f"A count that is one too {size}",
        what=f"Counts and positions that are one too {size} because of which ends they include.",
        symptom="with numbers that differ from the expected ones by exactly one, or by one per part",
        rule=("both ends count, so that a difference needs a `+ 1`." if short else "only one end counts."),
        change="",
        gotcha="A difference of positions is a distance: which ends it includes decides the count.",
        unfit=_CRASH,
    )


_FIXED = {
    "integer division": Phrase(
        name="rounding-of-divisions",
        title="Divisions that round, and divisions that do not",
        what="Integer division where real division is meant, or the reverse.",
        symptom="with numbers that are slightly off, or whole where a fraction is expected",
        rule="`/` keeps the fraction, `//` drops it.",
        change="",
        gotcha="Results are right whenever the division comes out even: test with numbers that leave a remainder.",
        unfit=_CRASH,
    ),
    "missing guard": Phrase(
        name="guard-for-empty-input",
        title="Empty or missing input",
        what="Functions that do not expect empty or missing input.",
        symptom="only for empty or missing arguments",
        rule="return early for an argument that is empty or None.",
        change="",
        gotcha="What is to be returned for nothing is a decision: look at what the function returns otherwise.",
        unfit="Of no use when ordinary input fails, too.",
    ),
}
