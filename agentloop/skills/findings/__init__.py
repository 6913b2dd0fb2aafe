"""What is wrong with a skill: the hard rules of the format, and what must not be in one.

A static look is a seatbelt against accidents, not a verdict on malice.
"""

from agentloop.skills.findings.files import MAX_DEPTH
from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.lint import find

__all__ = ["MAX_DEPTH", "Finding", "find"]
