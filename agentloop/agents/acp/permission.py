"""What an ACP agent that asks is allowed to do, by the permission mode."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agentloop.job import PermissionMode

_LOOKING = ("read", "search", "fetch", "think")
_GRANTS: Mapping[PermissionMode, tuple[str, ...]] = {
    "read": ("allow_once",),
    "edit": ("allow_once",),
    "full": ("allow_once", "allow_always"),
}
_REFUSALS = ("reject_once", "reject_always")


def allowed(mode: PermissionMode, root: Path, call: Mapping[str, Any]) -> bool:
    """Whether a mode lets a tool call pass.

    `read` lets the agent look, `edit` work within the tree, `full` do anything. No mode but `full` lets it change its
    own mode.

    Args:
        mode: what the agent may do.
        root: the working tree.
        call: a tool call as the protocol has it: `kind`, `locations`, `content`, `rawInput`.
    """
    kind = call.get("kind")
    if mode == "full" or kind in _LOOKING:
        return True
    return mode == "edit" and kind != "switch_mode" and all(_is_inside(path, root) for path in _paths(call))


def answer(mode: PermissionMode, options: object, *, granted: bool) -> tuple[dict[str, Any], bool]:
    """Choose among the answers that the agent offers, the least lasting one first.

    Args:
        mode: what the agent may do; only `full` grants a thing for good.
        options: a list of `{optionId, kind}`.
        granted: the call may pass.

    Returns:
        The protocol's outcome, and whether it lets the call pass.
    """
    for wanted, passes in ((_GRANTS[mode] if granted else (), True), (_REFUSALS, False)):
        for kind in wanted:
            for option in _records(options):
                if option.get("kind") == kind and isinstance(option.get("optionId"), str):
                    return {"outcome": "selected", "optionId": option["optionId"]}, passes
    return {"outcome": "cancelled"}, False


def _paths(call: Mapping[str, Any]) -> list[str]:
    """The files and folders that a call names: where it works, what it edits, where its command runs."""
    named = [place.get("path") for place in (*_records(call.get("locations")), *_records(call.get("content")))]
    given = call.get("rawInput")
    if isinstance(given, dict):
        named.append(given.get("cwd"))
    return [path for path in named if isinstance(path, str) and path]


def _is_inside(path: str, root: Path) -> bool:
    try:
        return (root / path).resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):
        return False


def _records(value: object) -> Sequence[Mapping[str, Any]]:
    return [record for record in value if isinstance(record, dict)] if isinstance(value, list) else []
