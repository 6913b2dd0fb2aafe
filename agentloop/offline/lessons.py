"""Reading skills: which of them fit what fails here, and what they say to try first.

Only prose is read. An operator that a skill speaks of by its ordinary name goes first, at every suspicious line; one
that it warns of goes last; what it merely says did not help stays where it was. A skill can only reorder: nothing is
tried that would not have been tried without it, and nothing is kept that the tests do not confirm.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from agentloop.offline.edits import Candidate
from agentloop.offline.operators import mentioned

_FOLDERS = (".agents/skills", ".claude/skills", "skills")
_MAX_CHARS = 40_000
_FIT = 2
_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]{2,}")
_SENTENCE = re.compile(r"(?<=[.!?:;])\s+|\n\s*(?:[-*#]|\d+\.)\s*|\n\n")
_DENIED = re.compile(r"\b(not|never|avoid|nothing|without|fail(?:s|ed) to|no)\b", re.IGNORECASE)
_WARNED = re.compile(r"\b(never|avoid|do not|don't)\b", re.IGNORECASE)
_CHANGE = re.compile(r"`([^`\n]{1,20})`\s+(?:to|into|becomes|with|->|→)\s+`([^`\n]{1,20})`")
_QUOTED = re.compile(r"`([A-Za-z_][\w.]*)`")
# Words that every failing test run prints, or that every skill holds.
_COMMON_WORDS = """
assert assertion error errors test tests testing self fail failed failing failure file line true false none
equal expected actual call last most recent traceback module python unittest pytest this that these those with
when from have has been does skill use used uses code base check find first should must where which what there
their them then than other same into only also name names value values return returns list dict main package
raise raised exception type key index not and the for are was its one two per any all each more less lower upper
see run runs change changes look looks edit edits wrong missing message messages found case cases object
attribute int str
"""
_COMMON = frozenset(_COMMON_WORDS.split())


@dataclass(frozen=True, slots=True)
class Lesson:
    """A skill as this agent understands it."""

    name: str
    path: str
    words: frozenset[str]
    """The words of its name, its description and its symptoms."""
    first: tuple[str, ...]
    """Operators that it speaks of."""
    last: tuple[str, ...]
    """Operators that it says do not help."""
    changes: tuple[tuple[str, str], ...]
    """Pairs of texts, the second of which is to take the place of the first."""
    quoted: frozenset[str]
    """Names that it puts in backticks."""


def content_words(text: str) -> frozenset[str]:
    """The words of a text that say something, in lower case; compound names are taken apart."""
    words = (word.lower() for word in _WORD.findall(text))
    return frozenset(_stem(word) for word in words if len(word) > 3 and word not in _COMMON)


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def read_lessons(root: Path) -> list[Lesson]:
    """All skills of the repository that speak of an edit this agent knows."""
    for folder in _FOLDERS:
        files = sorted((root / folder).glob("*/SKILL.md"))
        if files:
            lessons = (_lesson(file, root) for file in files)
            return [lesson for lesson in lessons if lesson and lesson.first]
    return []


def _lesson(file: Path, root: Path) -> Lesson | None:
    try:
        text = file.read_text(encoding="utf-8")[:_MAX_CHARS]
    except (OSError, UnicodeDecodeError):
        return None
    head, body = _split(text)
    name, description = str(head.get("name", file.parent.name)), str(head.get("description", ""))
    sentences = [part for part in _SENTENCE.split(f"{description}\n\n{body}") if part.strip()]
    warned = [sentence for sentence in sentences if _WARNED.search(sentence)]
    told = [sentence for sentence in sentences if not _DENIED.search(sentence)]
    first = _by_mentions(told)
    return Lesson(
        name=name,
        path=file.relative_to(root).as_posix(),
        words=content_words(f"{name} {description} {_symptoms(body)}"),
        first=first,
        last=tuple(operator for operator in _by_mentions(warned) if operator not in first),
        changes=tuple(pair for sentence in told for pair in _CHANGE.findall(sentence)),
        quoted=frozenset(_QUOTED.findall(body)),
    )


def _split(text: str) -> tuple[dict[str, object], str]:
    parts = re.split(r"^---[ \t]*$", text, maxsplit=2, flags=re.MULTILINE)
    if len(parts) < 3 or parts[0].strip():
        return {}, text
    try:
        head = yaml.safe_load(parts[1])
    except yaml.YAMLError:
        head = None
    return (head if isinstance(head, dict) else {}), parts[2]


def _by_mentions(sentences: Iterable[str]) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for sentence in sentences:
        for operator in mentioned(sentence):
            counts[operator] = counts.get(operator, 0) + 1
    return tuple(sorted(counts, key=lambda operator: -counts[operator]))


def _symptoms(body: str) -> str:
    sections = re.split(r"^#+ *(.*)$", body, flags=re.MULTILINE)
    pairs = zip(sections[1::2], sections[2::2], strict=False)
    return " ".join(text for title, text in pairs if re.search(r"when to use|symptom", title, re.IGNORECASE))


def fitting(lessons: Iterable[Lesson], failure: str) -> list[Lesson]:
    """The lessons that share words with what fails, the nearest first."""
    seen = content_words(failure)
    common = {lesson.name: len(lesson.words & seen) for lesson in lessons}
    fits = [lesson for lesson in lessons if common[lesson.name] >= _FIT]
    return sorted(fits, key=lambda lesson: -common[lesson.name])


def preference(lessons: list[Lesson]) -> Callable[[Candidate], tuple[int, int, int, int]]:
    """How soon a candidate is tried after reading the lessons; sorts before all else, smaller is sooner."""

    def rank(candidate: Candidate) -> tuple[int, int, int, int]:
        ranks = [_rank(lesson, candidate, position) for position, lesson in enumerate(lessons)]
        return min(ranks, default=(0, 0, 0, 0))

    return rank


def _rank(lesson: Lesson, candidate: Candidate, position: int) -> tuple[int, int, int, int]:
    """Kind of edit, lesson, direction of the change, names at the place."""
    if candidate.operator in lesson.last:
        return (2, 0, 0, 0)
    if candidate.operator not in lesson.first:
        return (1, 0, 0, 0)
    told = (candidate.old, candidate.new) in lesson.changes
    names = set(re.findall(r"\w+", candidate.statement)) & lesson.quoted
    return (0, position, 0 if told or not lesson.changes else 1, 0 if names else 1)
