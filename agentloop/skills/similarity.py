"""How alike two skills are, by their words alone: pure, without a model, a network or a cache.

The measure is the cosine of the logarithmic counts of stemmed words, without those that every skill has. Measured on
1,237 public skills: 95 % of unrelated pairs come to less than 0.2, skills on one topic mostly to 0.1 to 0.6, the first
and the last version of a skill to 0.89 in the middle and to 0.7 or more in three of four.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from agentloop.skills.words import COMMON, STOP, said, stem, words

_Vector = dict[str, float]
_SHARED = 6


@dataclass(frozen=True, slots=True)
class Pair:
    """Two skills that say much the same."""

    one: str
    other: str
    score: float
    shared: tuple[str, ...]
    """The stems that make them alike, the weightiest first."""


def similarity(a: str, b: str) -> float:
    """How alike the texts of two skills are, from 0 (nothing in common) to 1 (the same words equally often)."""
    return _cosine(_vector(a), _vector(b))


def nearest(text: str, texts: Mapping[str, str]) -> list[tuple[str, float]]:
    """The names of texts with their similarity to a text, best first, in order of name where they are equal."""
    wanted = _vector(text)
    scores = [(name, _cosine(wanted, _vector(other))) for name, other in texts.items()]
    return sorted(scores, key=lambda scored: (-scored[1], scored[0]))


def overlapping(texts: Mapping[str, str], minimum: float) -> list[Pair]:
    """The pairs of texts whose similarity is at least `minimum` (above 0), best first.

    Only pairs that share a rare word are compared. With each text's words in order of rarity, two texts whose first
    common word stands in the tail of one of them, a tail shorter than `minimum`, cannot be that alike.
    """
    vectors = {name: _vector(text) for name, text in sorted(texts.items())}
    frequency = Counter(word for vector in vectors.values() for word in vector)
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for name, vector in vectors.items():
        for word in _head(vector, frequency, minimum):
            holders[word].append(name)
    candidates = {pair for names in holders.values() for pair in combinations(names, 2)}
    scored = ((one, other, _cosine(vectors[one], vectors[other])) for one, other in candidates)
    found = [
        Pair(one, other, score, _shared(vectors[one], vectors[other]))
        for one, other, score in scored
        if score >= minimum
    ]
    return sorted(found, key=lambda pair: (-pair.score, pair.one, pair.other))


def _vector(text: str) -> _Vector:
    """The weights of a text's stems, of length 1 together; of no stems for a text without words."""
    counts: Counter[str] = Counter()
    for word, count in Counter(words(said(text))).items():
        if len(word) > 1 and word not in STOP:
            counts[stem(word)] += count
    weights = {word: 1 + math.log(count) for word, count in counts.items() if word not in COMMON}
    length = math.sqrt(math.fsum(weight * weight for weight in weights.values()))
    return {word: weight / length for word, weight in weights.items()}


def _cosine(a: _Vector, b: _Vector) -> float:
    common = a.keys() & b.keys()
    return min(1.0, math.fsum(a[word] * b[word] for word in common))


def _head(vector: _Vector, frequency: Mapping[str, int], minimum: float) -> list[str]:
    """The rarest words, as many as it takes that the length of the rest is less than `minimum`."""
    order = sorted(vector, key=lambda word: (frequency[word], word))
    rest = 0.0
    while order and rest + vector[order[-1]] ** 2 < minimum**2:
        rest += vector[order.pop()] ** 2
    return order


def _shared(a: _Vector, b: _Vector) -> tuple[str, ...]:
    common = sorted(a.keys() & b.keys(), key=lambda word: (-a[word] * b[word], word))
    return tuple(common[:_SHARED])
