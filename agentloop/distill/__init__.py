"""The distilling: the run's evidence in, a draft out.

The prompts are made from the folded state and the repository; the session writes into a staging folder that git
ignores, and what it wrote is copied into the run's folder before anything else happens to it.
"""

from agentloop.distill.asking import check_lines, distill_prompt, repair_prompt
from agentloop.distill.draft import Inspection, difference, sign
from agentloop.distill.existing import Existing
from agentloop.distill.grounds import Evidence
from agentloop.distill.ledger import ledger
from agentloop.distill.staging import STAGING, Staging

__all__ = [
    "STAGING",
    "Evidence",
    "Existing",
    "Inspection",
    "Staging",
    "check_lines",
    "difference",
    "distill_prompt",
    "ledger",
    "repair_prompt",
    "sign",
]
