"""How public skills fare: what the lenient reader loads, and which rules fire in others' skills.

    python tests/benchmarks/corpora.py DIR

DIR holds checkouts, one folder a repository. A reader as strict as the strictest agents (YAML by the letter, a
description) is held against ours: what it loads, ours has to load. Each finding that blocks is listed, to be looked at.
"""

import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from agentloop.skills import findings, reading
from agentloop.skills.format import SkillFormatError

_FRONTMATTER = re.compile(r"\ufeff?---\r?\n(.*?)\r?\n---", re.DOTALL)


@dataclass
class Measured:
    """The skills of one repository, or of all."""

    skills: int = 0
    strict: int = 0
    loaded: int = 0
    blocked: int = 0
    lost: list[Path] = field(default_factory=list)
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    blocking: list[str] = field(default_factory=list)

    def add(self, other: "Measured") -> None:
        """Add another's figures."""
        for name in ("skills", "strict", "loaded", "blocked", "lost", "rules", "blocking"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def loads_strictly(folder: Path) -> bool:
    """Whether a reader by the letter takes the skill."""
    try:
        match = _FRONTMATTER.match((folder / "SKILL.md").read_text(encoding="utf-8"))
        content = yaml.safe_load(match[1]) if match else None
    except (OSError, ValueError, yaml.YAMLError):
        return False
    return isinstance(content, dict) and bool(str(content.get("description") or "").strip())


def loads(folder: Path) -> bool:
    """Whether our lenient reader takes it."""
    try:
        reading.load(folder)
    except SkillFormatError:
        return False
    return True


def measure(root: Path) -> Measured:
    """Load and lint every skill below a folder, as somebody else's; those within skills too."""
    found = Measured()
    for folder in sorted({path.parent for path in root.rglob("SKILL.md")}):
        strict, ours = loads_strictly(folder), loads(folder)
        told = findings.find(folder, lenient=True)
        errors = [finding for finding in told if finding.severity == "error"]
        found.skills += 1
        found.strict += strict
        found.loaded += ours
        found.blocked += bool(errors)
        found.lost += [folder] if strict and not ours else []
        found.rules.update({(finding.severity, finding.rule) for finding in told})
        found.blocking += [f"{folder.relative_to(root.parent)}/{finding}" for finding in errors]
    return found


def main(root: Path) -> None:
    """Measure and print."""
    began, every = time.perf_counter(), Measured()
    print(f"{'repository':44} skills  strict  loaded  blocked")
    for repository in sorted(path for path in root.iterdir() if path.is_dir()):
        one = measure(repository)
        print(f"{repository.name:44} {one.skills:6}  {one.strict:6}  {one.loaded:6}  {one.blocked:5}")
        every.add(one)
    share = 100 * every.blocked / max(every.skills, 1)
    print(f"{'all':44} {every.skills:6}  {every.strict:6}  {every.loaded:6}  {every.blocked:5} ({share:.2f} %)")
    print(f"lost: {len(every.lost)} (wanted: 0) {' '.join(map(str, every.lost))}")
    for (severity, rule), count in every.rules.most_common():
        print(f"  {severity:8} {rule:24} {count:5}  {100 * count / max(every.skills, 1):.1f} %")
    print("\n".join(["what blocks:", *(line.encode("ascii", "backslashreplace").decode() for line in every.blocking)]))
    print(f"{time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
