"""What does not hold, as a short digest: equal for two checks in which the same conditions and tests fail."""

import json
from collections.abc import Sequence
from hashlib import sha256

from agentloop.events import Leaf
from agentloop.predicate import evidence

_CHARS = 16


def digest(leaves: Sequence[Leaf]) -> str:
    """The digest of the conditions that do not hold, with how, and of their failed tests; empty when all hold."""
    failing = sorted(
        (leaf.source, leaf.verdict, str(leaf.exit_code), sorted(evidence.failing_tests(leaf)))
        for leaf in leaves
        if leaf.verdict != "pass"
    )
    return sha256(json.dumps(failing).encode()).hexdigest()[:_CHARS] if failing else ""
