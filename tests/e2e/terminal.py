"""A terminal with agentloop in it, and editors that do as they are told."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect


@contextmanager
def at_terminal(repo: Path, *args: str, argv: list[str] | None = None, **env: str) -> Iterator[Any]:
    """Run agentloop, or `argv`, in a terminal of its own; the child as pexpect has it."""
    command = argv or [sys.executable, "-m", "agentloop", *args]
    full = {**{name: value for name, value in os.environ.items() if name not in ("CI", "VISUAL")}, **env}
    child = pexpect.spawn(
        command[0], command[1:], cwd=str(repo), env=full, timeout=30, encoding="utf-8", dimensions=(50, 200), echo=False
    )
    try:
        yield child
    finally:
        child.close(force=True)


def end(child: Any) -> tuple[int | None, str]:
    """Wait for its end; the exit code, and what it printed since the last look."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before


def interrupt(child: Any, words: str) -> None:
    """Type ctrl-C until that is told: a program that is about to wait for a line does not hear it."""
    child.sendintr()
    while child.expect([words, pexpect.TIMEOUT], timeout=1):
        child.sendintr()


def scripted_editor(folder: Path, script: str) -> str:
    """An editor that is a shell script; the file is `$1`."""
    path = folder / "scripted-editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)
