"""Grounding: a skill's commands have run, its scripts have run, its paths exist. What nobody saw work is not taught.

Pure: what a run knows comes in as `Grounds`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from agentloop.shell import Simple, simple_commands
from agentloop.skills.findings.code import SHELLS, Code, code_in, shell_blocks
from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.rules import broken
from agentloop.skills.format import FILE

_BUILTIN_WORDS = ". : [ [[ alias cd echo exit export printf pwd read set source test true unset"
_BUILTINS = frozenset(_BUILTIN_WORDS.split())
_PROGRAM_WORDS = """
    apt apt-get bash brew bun bundle cargo cat chmod cmake composer cp curl deno docker dotnet find git go gradle grep
    hatch java just kubectl make mv mvn mypy ninja node nox npm npx php pip pip3 pipx pnpm poetry pytest python python3
    rake rg rm ruby ruff rustc sed sh sudo terraform tox uv uvx wget yarn
"""
_PROGRAMS = frozenset(_PROGRAM_WORDS.split())
_PLACEHOLDER = re.compile(r"<[^>]*>|\.\.\.|…|\$\{?\w+\}?|\{\w+\}|\[[^\]]*\]|\bpath/to/|\*|(?<![a-z])[A-Z][A-Z0-9_]{2,}")
_NUMBER = re.compile(r"[-+]?\d[\d.]*")
_TOLD_TO_FAIL = re.compile(
    r"\b(?:fail\w*|errors?|not|never|instead|avoid|wrong|don't|doesn't|breaks?|hangs?|refuse[sd]?)\b", re.IGNORECASE
)
_TOLD_TO_BE_MISSING = re.compile(
    r"\b(?:no|not|never|missing|without|absent|creates?|new|adds?|writes?|generate[sd]?)\b", re.IGNORECASE
)
_SLASHED = re.compile(r"\.{0,2}/?[\w.@+-]+(?:/[\w.@+-]+)*/?")
_SUFFIX = re.compile(r"(?:::.*|:\d+(?::\d+)?)$")
_FILE_TYPE_WORDS = """
    bash c cc cfg cjs clj cmake conf cpp cs css csv dockerfile ex exs go gradle h hpp hs html ini ipynb java js json
    jsonl jsx kt lock lua mjs md mdx ml mk php pl properties proto ps1 py pyi r rb rs rst sass scala scss sh sql svelte
    swift tf toml ts tsx txt vue xml yaml yml zig
"""
_FILE_TYPES = frozenset(_FILE_TYPE_WORDS.split())
_SCRIPT_TYPES = (".py", ".sh", ".bash", ".js", ".mjs", ".ts", ".rb", ".pl", ".php", ".ps1", ".lua")


@dataclass(frozen=True)
class Grounds:
    """What a run knows of what was done in it, and of the repository at its end.

    Args:
        succeeded: the command lines that ran here with success, those of the predicate among them.
        failed: the command lines that ran here and failed.
        targets: the command lines that the repository itself offers, such as `make test`.
        paths: the files of the tree, relative to its root.
        ran_here: digests of the scripts that ran here with success, by their path in the skill.
    """

    succeeded: Sequence[str] = ()
    failed: Sequence[str] = ()
    targets: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    ran_here: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def done(self) -> list[tuple[str, ...]]:
        """The programs with arguments that are known to have succeeded."""
        return [one.argv for line in self.succeeded for one in simple_commands(line) if one.sure]

    @cached_property
    def tried(self) -> list[tuple[str, ...]]:
        """Those that ran, whatever came of it."""
        return [one.argv for line in (*self.succeeded, *self.failed) for one in simple_commands(line)]

    @cached_property
    def offered(self) -> list[tuple[str, ...]]:
        """The repository's own targets."""
        return [one.argv for line in self.targets for one in simple_commands(line)]

    @cached_property
    def programs(self) -> frozenset[str]:
        """The names by which a span of code is known to be a command."""
        known = {PurePosixPath(argv[0]).name for argv in (*self.tried, *self.offered)}
        return _PROGRAMS | known - _BUILTINS

    @cached_property
    def places(self) -> frozenset[str]:
        """The files and folders of the tree."""
        parents = {parent.as_posix() for path in self.paths for parent in PurePosixPath(path).parents}
        return self.paths | parents - {"."}

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of files and folders, wherever they lie."""
        return frozenset(PurePosixPath(place).name for place in self.places)


def ungrounded(texts: Mapping[str, str], grounds: Grounds) -> list[Finding]:
    """What a skill claims and nobody saw.

    Args:
        texts: the skill's files by their path in it.
        grounds: what the run knows.
    """
    codes = list(code_in(texts.get(FILE, "")))
    known = frozenset(texts)
    return [*_commands(codes, grounds, known), *_paths(codes, grounds, known), *_scripts(texts, grounds)]


def _commands(codes: list[Code], grounds: Grounds, files: frozenset[str]) -> Iterator[Finding]:
    spans = [code for code in codes if not code.in_block and _is_command(code.text, grounds)]
    for code in [*shell_blocks(codes), *spans]:
        for simple in simple_commands(code.text):
            if not _is_grounded(simple, code, grounds, files):
                message = f"`{' '.join(simple.argv)}` did not run here with success"
                yield broken("command-not-run", FILE, _line_of(simple, code), message)


def _line_of(simple: Simple, code: Code) -> int:
    lines = code.text.split("\n")
    return code.line + next((at for at, line in enumerate(lines) if all(word in line for word in simple.argv[:2])), 0)


def _is_command(text: str, grounds: Grounds) -> bool:
    found = simple_commands(text)
    return bool(found) and len(found[0].argv) > 1 and found[0].program in grounds.programs


def _is_grounded(simple: Simple, code: Code, grounds: Grounds, files: frozenset[str]) -> bool:
    if simple.program in _BUILTINS or _PLACEHOLDER.fullmatch(simple.argv[0]):
        return True
    evidence = [*grounds.done, *grounds.offered]
    if not code.in_block and _TOLD_TO_FAIL.search(code.around.replace(code.text, "")):
        evidence += grounds.tried
    if simple.argv[0] in files or simple.argv[0].removeprefix("./") in grounds.paths:
        evidence.append(simple.argv[:1])
    return any(_covers(ran, simple.argv, grounds) for ran in evidence)


def _covers(ran: Sequence[str], wanted: Sequence[str], grounds: Grounds) -> bool:
    """The same program with the same flags; paths that exist, numbers and placeholders may differ."""
    if PurePosixPath(ran[0]).name != PurePosixPath(wanted[0]).name:
        return False
    flags = {word.partition("=")[0] for word in ran}
    for word in wanted[1:]:
        name, equals, value = word.partition("=")
        free = value if equals and name in flags and name.startswith("-") else word
        if word in ran or _is_free(free, grounds):
            continue
        return False
    return True


def _is_free(word: str, grounds: Grounds) -> bool:
    if word.startswith("-"):
        return False
    return bool(_PLACEHOLDER.search(word) or _NUMBER.fullmatch(word)) or _cleaned(word) in grounds.places


def _paths(codes: list[Code], grounds: Grounds, files: frozenset[str]) -> Iterator[Finding]:
    seen: set[str] = set()
    for code in codes:
        for word in [code.text] if not code.in_block else code.text.split() if code.info in SHELLS else ():
            path = _cleaned(word.strip("'\""))
            if path in seen or not _claims_a_file(word.strip("'\""), path, grounds):
                continue
            seen.add(path)
            if not _exists(path, grounds, files) and not _TOLD_TO_BE_MISSING.search(code.around.replace(word, "")):
                yield broken("path-missing", FILE, code.line, f"`{path}` is not in the repository")


def _cleaned(word: str) -> str:
    return _SUFFIX.sub("", word).removeprefix("./").rstrip("/")


def _claims_a_file(word: str, path: str, grounds: Grounds) -> bool:
    if not path or _PLACEHOLDER.search(word) or not _SLASHED.fullmatch(_SUFFIX.sub("", word)) or word[0] in "/-@":
        return False
    parts = PurePosixPath(path).parts
    kind = PurePosixPath(path).suffix.removeprefix(".").lower()
    if len(parts) <= 1:
        return kind in _FILE_TYPES and len(kind) > 1  # `a.b.c` is a name in most languages
    return kind in _FILE_TYPES or word.endswith("/") or parts[0] in grounds.places


def _exists(path: str, grounds: Grounds, files: frozenset[str]) -> bool:
    if path in grounds.places or path in files or ("/" not in path and path in grounds.names):
        return True
    inside = f"/{path}"
    return any(place.endswith(inside) for place in grounds.places) or any(
        path in argv or f"./{path}" in argv for argv in grounds.done
    )


def _scripts(texts: Mapping[str, str], grounds: Grounds) -> Iterator[Finding]:
    for path, text in texts.items():
        if (path.endswith(_SCRIPT_TYPES) or text.startswith("#!")) and path not in grounds.ran_here:
            yield broken("script-not-run", path, 1, "this script did not run here with success as it stands")
