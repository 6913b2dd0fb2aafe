"""The documentation's table of rules is the table of the rules."""

from pathlib import Path

from agentloop.skills.findings import rules

DOCS = Path(__file__).parents[1] / "docs/library.md"
GROUPS = (
    ("The format", rules.FORMAT),
    ("Writing", rules.AUTHORING),
    ("Safety", rules.SAFETY),
    ("Privacy", rules.PRIVACY),
)


def table() -> str:
    """All rules but those that need a run, in Markdown."""
    lines = ["| rule | ours | others' | `--fix` | |", "|---|---|---|---|---|"]
    for title, group in GROUPS:
        lines.append(f"| **{title}** | | | | |")
        for name, rule in group.items():
            mended = "yes" if rule.mended else ""
            lines.append(f"| `{name}` | {rule.severity} | {rule.lenient or ''} | {mended} | {rule.summary} |")
    return "\n".join(lines)


def test_the_table_in_the_documentation_is_the_one_that_lint_works_by() -> None:
    assert table() in DOCS.read_text(encoding="utf-8")


def test_every_rule_that_needs_a_run_is_told_of() -> None:
    text = (DOCS.parent / "skills.md").read_text(encoding="utf-8")
    assert not [name for name in rules.EVIDENCE if f"`{name}`" not in text]
