"""Conditions that are looked up without a command: a file, an address, a person's word."""

import stat
from collections.abc import Callable
from pathlib import Path

from agentloop import person as somebody
from agentloop.predicate.context import Context, Finding
from agentloop.predicate.language.nodes import FileIs, UrlIs
from agentloop.predicate.search import SearchError, search
from agentloop.waiting import wait_for

MAX_FILE_BYTES = 4 * 1024 * 1024
URL_TIMEOUT_S = 5.0
_UP_BELOW = 400


def file(node: FileIs, context: Context) -> Finding:
    """Look at a file; a relative path is one in the tree.

    Raises:
        Interrupted: a signal was noted.
    """
    path = Path(context.cwd, node.path)
    try:
        kind = path.stat().st_mode
        if node.test == "exists":
            return "pass", "it exists"
        if not stat.S_ISREG(kind):
            return "error", "it is no ordinary file"
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
        return _contains(node, content, context)
    except (FileNotFoundError, NotADirectoryError):
        return "fail", "it does not exist"
    except (OSError, SearchError) as error:
        return "error", f"it cannot be read: {error.strerror if isinstance(error, OSError) else error}"


def _contains(node: FileIs, content: bytes, context: Context) -> Finding:
    if node.pattern is None:
        raise ValueError(f"{node.test} without a pattern")
    text = content[:MAX_FILE_BYTES].decode("utf-8", errors="replace")
    pattern = node.pattern.text
    if node.pattern.is_regex:
        found, shown = search(pattern, text, cwd=context.cwd, env=context.env) is not None, f"/{pattern}/"
    else:
        found, shown = pattern in text, repr(pattern)
    if found:
        return "pass", f"{shown} is in it"
    where = f" in its first {MAX_FILE_BYTES // 1024**2} MiB" if len(content) > MAX_FILE_BYTES else ""
    return "fail", f"{shown} is not in it{where}"


def url(node: UrlIs, context: Context) -> Finding:
    """Ask an address once.

    Raises:
        Interrupted: a signal was noted.
    """
    from agentloop import web  # the standard library takes long to load it

    timeout_s = min(URL_TIMEOUT_S, context.timeout_s)
    try:
        status = wait_for(lambda: web.status(node.url, timeout_s), timeout_s)
    except TimeoutError:
        return "fail", f"no answer within {timeout_s:.1f} s"
    except web.FAILURES as error:
        return "fail", f"no answer: {web.reason(error)}"
    reason = f"answered {status}"
    if node.status is None:
        return ("pass" if status < _UP_BELOW else "fail"), reason
    return ("pass", reason) if status == node.status else ("fail", f"{reason}, {node.status} is wanted")


def approved(context: Context) -> Finding:
    """Ask the person.

    Raises:
        Interrupted: a signal was noted.
    """
    if context.ask is None:
        return "error", "a person has to approve it, and nobody can be asked without a terminal"
    try:
        return ("pass", "approved") if context.ask("Do you approve?", context.person_s) else ("fail", "not approved")
    except TimeoutError:
        return "error", "nobody answered in time"


def person() -> Callable[[str, float], bool] | None:
    """How the person at the terminal is asked; None when there is no terminal."""
    return _ask if somebody.is_there() else None


def _ask(question: str, timeout_s: float) -> bool:
    answer = somebody.answer(f"{question} [y/N]\n", timeout_s) or ""
    return answer.lower() in ("y", "yes")
