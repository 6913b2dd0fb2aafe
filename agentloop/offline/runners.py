"""Which test runner a check command starts, and with which interpreter, so that its tests can be asked one by one."""

import itertools
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_PYTHON = re.compile(r"^python(\d+(\.\d+)*)?$")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_LAUNCHERS = {"uv", "poetry", "pdm", "pipenv", "hatch"}
_SHELL = re.compile(r"[|;&<>$`]")
_CHECK_LINE = re.compile(r"^[ \t>*-]*Check:[ \t]*`(?P<command>[^`\n]+)`[ \t]*$")
_UNITTEST_SAYS = re.compile(r"^Ran \d+ tests? in ", re.MULTILINE)
_PYTEST_SAYS = re.compile(r"\b\d+ (passed|failed|errors?)\b.* in ")
_VERB = re.compile(r"\s+(passes|pass|succeeds)$")


@dataclass(frozen=True, slots=True)
class Runner:
    """A test runner: `python` is the interpreter's argv, `args` what follows the runner's name."""

    kind: Literal["unittest", "pytest"]
    python: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


def check_commands(prompt: str) -> list[str]:
    """Read the commands of the check out of a prompt's labelled lines, without verb and outer quotes.

    Only the first block of such lines counts: what follows may quote the output of tests, which is no instruction.
    """
    matches = (_CHECK_LINE.match(line) for line in prompt.splitlines())
    block = itertools.takewhile(bool, itertools.dropwhile(lambda match: match is None, matches))
    commands = []
    for match in filter(None, block):
        command = _VERB.sub("", match["command"].strip())
        quote = command[0]
        if quote in "\"'" and command.endswith(quote) and quote not in command[1:-1]:
            command = command[1:-1]
        commands.append(command)
    return list(dict.fromkeys(commands))


def runner_of(command: str, root: Path) -> Runner | None:
    """Understand a check command; None when it runs no tests, or in a way that only a shell understands."""
    if _SHELL.search(command):
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    env = {}
    while words and _ASSIGNMENT.match(words[0]):
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    launcher: list[str] = []
    if len(words) > 2 and Path(words[0]).name in _LAUNCHERS and words[1] == "run":
        launcher, words = words[:2], words[2:]
    return _from_words(words, launcher, env, root) if words else None


def runner_from_output(output: str, root: Path) -> Runner | None:
    """Guess the runner behind a command that starts it in a roundabout way (`make test`) from what it printed."""
    if _UNITTEST_SAYS.search(output):
        return Runner("unittest", _interpreter(["python3"], root), ())
    if _PYTEST_SAYS.search(output):
        python = _with_pytest(_pythons("pytest", []), root)
        return Runner("pytest", python, ()) if python else None
    return None


def _from_words(words: list[str], launcher: list[str], env: dict[str, str], root: Path) -> Runner | None:
    program = Path(words[0]).name
    if _PYTHON.match(program) and "-m" in words:
        position = words.index("-m")
        module = words[position + 1] if position + 1 < len(words) else ""
        args = tuple(words[position + 2 :])
        if module == "unittest":
            return Runner("unittest", _interpreter([*launcher, words[0]], root), args, env)
        if module == "pytest":
            return Runner("pytest", _interpreter([*launcher, words[0]], root), args, env)
    if program in ("pytest", "py.test"):
        python = _with_pytest(_pythons(words[0], launcher), root)
        return Runner("pytest", python, tuple(words[1:]), env) if python else None
    return None


def _interpreter(argv: Sequence[str], root: Path) -> tuple[str, ...]:
    """The interpreter behind a name: a shim that is asked once need not be started for every trial."""
    if len(argv) > 1:
        return tuple(argv)
    found = _ask([*argv, "-c", "import sys; print(sys.executable)"], root)
    return (found,) if found else tuple(argv)


def _pythons(program: str, launcher: list[str]) -> list[list[str]]:
    if launcher:
        return [[*launcher, "python"]]
    pythons = []
    script = shutil.which(program)
    if script:
        with Path(script).open("rb") as file:
            first = file.readline(500).decode("utf-8", "replace")
        if first.startswith("#!") and "python" in first:
            pythons.append(shlex.split(first[2:]))
    return [*pythons, ["python3"], [sys.executable]]


def _with_pytest(pythons: list[list[str]], root: Path) -> tuple[str, ...] | None:
    for python in pythons:
        found = _ask([*python, "-c", "import sys, pytest; print(sys.executable)"], root)
        if found:
            return tuple(python) if len(python) > 1 else (found,)
    return None


def _ask(argv: Sequence[str], root: Path) -> str:
    try:
        done = subprocess.run(argv, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
