"""A person's regular expression in text from outside, with a limit on its time.

Python's `re` cannot be interrupted: `(a+)+$` on forty letters takes longer than anyone waits, and no ctrl-C ends it.
So the search is a small program of its own, which is ended like any other.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from agentloop.process import run_program

SEARCH_TIMEOUT_S = 5.0
_MAX_FOUND_CHARS = 1000
_PROGRAM = f"""
import json, re, sys
asked = json.load(sys.stdin)
found = None
for match in re.finditer(asked["pattern"], asked["text"], re.MULTILINE):
    found = match[1 if match.re.groups else 0] or ""
    if not asked["last"]:
        break
json.dump(None if found is None else found[:{_MAX_FOUND_CHARS}], sys.stdout)
"""


class SearchError(Exception):
    """The search did not come to an end; the message is one line."""


def search(pattern: str, text: str, *, cwd: Path, env: Mapping[str, str], last: bool = False) -> str | None:
    """Find what a regular expression matches; `^` and `$` stand for the ends of a line.

    Args:
        pattern: a regular expression that can be compiled.
        text: bounded by the caller.
        cwd: where the program runs.
        env: its environment, with the tag of the run.
        last: the last match is wanted.

    Returns:
        Its first group, without groups all of it; None when nothing matches.

    Raises:
        SearchError: it took too long.
        Interrupted: a signal was noted meanwhile.
    """
    answer = bytearray()
    exited = run_program(
        [sys.executable, "-I", "-S", "-W", "ignore", "-c", _PROGRAM],
        cwd=cwd,
        env=env,
        timeout_s=SEARCH_TIMEOUT_S,
        on_stdout=answer.extend,
        stdin=json.dumps({"pattern": pattern, "text": text, "last": last}).encode(),
        grace_s=0.2,
    )
    if exited.ended_by != "itself":
        raise SearchError(f"the search for /{pattern}/ did not end within {SEARCH_TIMEOUT_S:.0f} s")
    if exited.code != 0:
        raise SearchError(f"the search for /{pattern}/ failed: exit {exited.code}")
    found: str | None = json.loads(answer)
    return found
