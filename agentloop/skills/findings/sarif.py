"""Findings as SARIF 2.1.0, with what GitHub's code scanning needs of it."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from agentloop import __version__
from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.rules import RULES

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(findings: Iterable[tuple[str, Finding]]) -> dict[str, Any]:
    """A SARIF log of one run.

    Args:
        findings: each with its file, relative to the repository's root, `/` between the parts.
    """
    ids = list(RULES)
    rules = [
        {
            "id": name,
            "shortDescription": {"text": rule.summary},
            "help": {"text": f"{rule.remedy[:1].upper()}{rule.remedy[1:]}."},
            "defaultConfiguration": {"level": rule.severity},
        }
        for name, rule in RULES.items()
    ]
    results = [
        {
            "ruleId": finding.rule,
            "ruleIndex": ids.index(finding.rule),
            "level": finding.severity,
            "message": {"text": f"{finding.message}. Remedy: {finding.remedy}."},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(file, errors="surrogateescape"), "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": finding.line},
                    }
                }
            ],
        }
        for file, finding in findings
    ]
    driver = {"name": "agentloop", "version": __version__, "rules": rules}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
