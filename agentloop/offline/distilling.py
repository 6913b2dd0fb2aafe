"""The skill that a session writes from its own record: what failed, what fixed it, and where to look first.

Everything in it is taken from the record. The patch, the expected values and this machine's paths stay out.
"""

import json
import keyword
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from agentloop.errors import UsageError
from agentloop.offline.lessons import content_words
from agentloop.offline.operators import BY_NAME
from agentloop.offline.phrases import Phrase, phrase
from agentloop.offline.session import Hypothesis, Session
from agentloop.offline.words import count_operators

_DRAFT_LINE = re.compile(r"^Draft folder:[ \t]*`(?P<path>[^`\n]+)`", re.MULTILINE)
_ERROR = re.compile(r"^(?:E +)?(?P<kind>[\w.]*(?:Error|Exception|Warning)|assert)\b:?(?P<rest>.*)$", re.MULTILINE)
_RELATIONS = (" != ", " not found in ", " is not true", " is not false", " == ", " in ", " < ", " > ")
_IDENTIFIER = re.compile(r"(?<!['\"])\b[a-z_][a-z0-9_]{2,}\b")
_KEYWORDS = frozenset(keyword.kwlist) | {"self", "range", "len"}
_FINDING_LINE = re.compile(r"SKILL\.md:(\d+)")
_FINDING_QUOTE = re.compile(r"[`'\"]([^`'\"\n]{4,80})[`'\"]")


def draft_folder(prompt: str, root: Path) -> Path | None:
    """The folder that a prompt asks a draft to be written to, if it asks for one.

    Raises:
        UsageError: it lies outside of the repository.
    """
    paths: list[str] = _DRAFT_LINE.findall(prompt)
    if not paths:
        return None
    # The last one: what stands before it may quote a ledger.
    folder = (root / paths[-1]).resolve()
    if root not in folder.parents:
        raise UsageError(f"the draft folder {paths[-1]} is not inside of the repository")
    return folder


def reason_to_decline(session: Session) -> str:
    """Why there is nothing to write down; empty when there is."""
    tried = session.hypotheses()
    kept = [one for one in tried if one.kept]
    if not kept or not session.solved:
        return "this session has no record of a repair that made the check pass"
    if len(tried) == 1:
        return "the first hypothesis was right, nothing had to be found out"
    if session.skills and session.turns == 1:
        return f"the skill {session.skills[0]} was read first and led there at once; there is nothing to add"
    return ""


def write_draft(session: Session, folder: Path) -> Path:
    """Write the skill's folder with its SKILL.md.

    Returns:
        The path of the SKILL.md.
    """
    tried = session.hypotheses()
    fix = next(one for one in reversed(tried) if one.kept)
    said = phrase(fix.operator, fix.old, fix.new)
    file = folder / said.name / "SKILL.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_skill(session, tried, fix, said), encoding="utf-8")
    return file


def _skill(session: Session, tried: Sequence[Hypothesis], fix: Hypothesis, said: Phrase) -> str:
    errors = error_texts(session.symptoms)
    topics = _topics(session.tests)
    package = PurePosixPath(fix.path).parts[0].removesuffix(".py")
    quoted_errors = " or ".join(f"`{error}`" for error in errors) or "a wrong result"
    about = f" of tests about {', '.join(topics)}" if topics else ""
    description = (
        f"{said.what} Use when tests of {package} fail with {quoted_errors}, {said.symptom}; seen in failures{about}."
    )
    head = f"---\nname: {json.dumps(said.name)}\ndescription: {json.dumps(description, ensure_ascii=False)}\n---\n"
    sections = (
        f"# {said.title}",
        _when(quoted_errors, topics, said),
        _steps(session.checks, fix, said),
        _gotchas(tried, fix, said),
        f"## How to verify\n\n{_commands(session.checks)} exits with 0, and no test that passed before is lost.",
        _limits(session, fix, said),
    )
    return head + "\n" + "\n\n".join(sections) + "\n"


def _when(errors: str, topics: Sequence[str], said: Phrase) -> str:
    lines = ["## When to use", "", f"- Tests fail with {errors}, {said.symptom}."]
    if topics:
        lines.append(f"- Names of the failing tests speak of: {', '.join(topics)}.")
    return "\n".join(lines)


def _steps(checks: Sequence[str], fix: Hypothesis, said: Phrase) -> str:
    names = _names(fix)
    near = f" In the case this was learned from, they stood beside {_ticked(names)}." if names else ""
    change = f" Change {said.change}." if said.change else ""
    return "\n".join(
        (
            "## Steps",
            "",
            f"1. Run {_commands(checks)} and list the failing tests by name.",
            "2. Find the functions that the failing tests execute and the passing ones do not, or execute less often.",
            f"3. In them look at {BY_NAME[fix.operator].construct} before anything else.{near}",
            f"4. Suspect a {fix.operator}: {said.rule}{change}",
            "5. Make one edit at a time, and keep it when strictly fewer tests fail.",
        )
    )


def _gotchas(tried: Sequence[Hypothesis], fix: Hypothesis, said: Phrase) -> str:
    failed = [one for one in tried if not one.kept]
    elsewhere = sum(one.operator == fix.operator for one in failed)
    others = [f"{name} ({count})" for name, count in count_operators(failed) if name != fix.operator][:6]
    lines = ["## Gotchas", "", f"- {said.gotcha}"]
    if others:
        lines.append(f"- Edits that did not help, and how many were tried: {', '.join(others)}.")
    if elsewhere:
        lines.append(f"- The same kind of edit did nothing at {_places(elsewhere)}: let the tests decide.")
    return "\n".join(lines)


def _limits(session: Session, fix: Hypothesis, said: Phrase) -> str:
    where = f"`{fix.path}`" + (f" (`{fix.function}`)" if fix.function else "")
    turns = f"{session.turns} turns" if session.turns > 1 else "1 turn"
    return (
        f"## Limits\n\nEstablished by one repair, in {where}, after {turns} and {len(session.tried)} hypotheses; "
        f"not tested in other modules. {said.unfit} When there is nothing of the kind in those functions, leave this "
        "skill and look elsewhere."
    )


def error_texts(texts: Sequence[str]) -> list[str]:
    """The failures' last lines, the commonest first, with all values left out."""
    found = [_masked(match) for text in texts for match in list(_ERROR.finditer(text))[-1:]]
    return [error for error, _count in Counter(found).most_common(2)]


def _masked(match: re.Match[str]) -> str:
    kind, rest = match["kind"], match["rest"]
    relation = next((relation for relation in _RELATIONS if relation in rest), "")
    if relation and kind.endswith(("AssertionError", "assert")):
        right = "" if relation.startswith(" is not") else "Y"
        return f"{kind}{'' if kind == 'assert' else ':'} X{relation}{right}"
    words = re.sub(r"['\"].*?['\"]|\S*\d\S*|[\[({].*", "...", rest).strip()
    return f"{kind}: {words}" if words and words != "..." else kind


def _topics(tests: Sequence[str]) -> list[str]:
    """The words that the names of the failing tests share, the commonest first."""
    counts: Counter[str] = Counter()
    for test in tests:
        counts.update(content_words(re.sub(r"^.*?(?=[A-Z]\w*\.|::)", "", test).replace("_", " ")))
    return [word for word, _count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:7]]


def _names(fix: Hypothesis) -> list[str]:
    names = (name for name in _IDENTIFIER.findall(fix.statement) if name not in _KEYWORDS)
    return list(dict.fromkeys(names))[:4]


def _ticked(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _commands(checks: Sequence[str]) -> str:
    return " and ".join(f"`{check}`" for check in checks)


def _places(count: int) -> str:
    return "1 other place" if count == 1 else f"{count} other places"


def repair_draft(prompt: str, file: Path) -> tuple[int, int]:
    """Take out of a draft what the findings in a prompt point at.

    Returns:
        How many findings there were, and how many of them led to a change.
    """
    findings = [line for line in prompt.splitlines() if line.lstrip().startswith(("-", "*")) and len(line) > 8]
    addressed = 0
    lines = file.read_text(encoding="utf-8").splitlines()
    doomed: set[int] = set()
    for finding in findings:
        hit = _hit(finding, lines)
        addressed += bool(hit)
        doomed |= hit
    kept = [line for number, line in enumerate(lines, 1) if number not in doomed]
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return len(findings), addressed


def _hit(finding: str, lines: Sequence[str]) -> set[int]:
    """The lines of the body (from 1) that a finding names by number or quotes; headings and frontmatter stay."""
    numbers = {int(number) for number in _FINDING_LINE.findall(finding)}
    if not numbers:
        quotes = _FINDING_QUOTE.findall(finding)
        numbers = {number for number, line in enumerate(lines, 1) if any(quote in line for quote in quotes)}
    end_of_head = lines.index("---", 1) + 1 if "---" in lines[1:] else 0
    return {
        number
        for number in numbers
        if end_of_head < number <= len(lines) and lines[number - 1].strip() and not lines[number - 1].startswith("#")
    }
