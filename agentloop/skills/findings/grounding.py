"""Grounding: a skill's commands have run, its scripts have run, its paths exist. What nobody saw work is not taught.

Pure: what a run knows comes in as `Grounds`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import PurePosixPath

from agentloop.skills.findings.code import SHELLS, Code, code_in, loose_lines, shell_blocks
from agentloop.skills.findings.finding import Finding
from agentloop.skills.findings.rules import broken
from agentloop.skills.format import FILE
from agentloop.text.shell import MAX_CHARS, Simple, is_interpreter, simple_commands

_BUILTIN_WORDS = ". : [ [[ break cd continue echo exit export printf pwd read return set shift source test true unset"
_BUILTINS = frozenset(_BUILTIN_WORDS.split())
_PROGRAM_WORDS = """
    apt apt-get bash brew bun bundle cargo cat chmod cmake composer cp curl deno docker dotnet find git go gradle grep
    hatch java just kubectl make mv mvn mypy ninja node nox npm npx php pip pip3 pipx pnpm poetry pytest python python3
    rake rg rm ruby ruff rustc sed sh sudo terraform tox uv uvx wget yarn
"""
_PROGRAMS = frozenset(_PROGRAM_WORDS.split())
_PLACEHOLDER = re.compile(r"<[^>]*>|\.\.\.|…|\$\{?\w+\}?|\{\w+\}|\[[^\]]*\]|\bpath/to/|\*|(?<![a-z])[A-Z][A-Z0-9_]{2,}")
_CODE = re.compile(r"[\n;()&|]|://")
_OUTPUT = re.compile(r"(?:err|warn)\w*!?|notice|version|v?\d[\d.]*|is|not", re.IGNORECASE)
_OPTION = re.compile(r"[a-z][\w./-]*(?: [\w./-]+)* --?[a-z][\w-]*(?:[= ].*)?")
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
_MAX_COMMANDS = 1000
_PROSE = (".md", ".markdown", ".mdx", ".txt", ".rst", ".adoc")
_DATA_TYPE_WORDS = """
    md markdown mdx txt rst adoc json jsonl yaml yml toml ini cfg conf csv tsv xml svg html css sql diff patch lock
    example template tmpl j2 jinja
"""
_DATA_TYPES = frozenset(_DATA_TYPE_WORDS.split())
_DATA_NAMES = frozenset(("LICENSE", "LICENCE", "NOTICE", "README", "COPYING", "AUTHORS", "CHANGELOG"))


@dataclass(frozen=True)
class Grounds:
    """What a run knows of what was done in it, and of the repository at its end.

    Args:
        succeeded: the command lines that ran here with success, those of the predicate among them.
        failed: the command lines that ran here and failed.
        targets: the command lines that the repository itself offers, such as `make test`.
        paths: the files of the tree, relative to its root.
        ran_here: the scripts that ran here with success, by their path in the skill.
        former: the texts of the skill that is updated, by their path in it; what stands in them is not held against
            this run alone, unless it failed here.
    """

    succeeded: Sequence[str] = ()
    failed: Sequence[str] = ()
    targets: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    ran_here: frozenset[str] = frozenset()
    former: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def done(self) -> list[tuple[str, ...]]:
        """The programs with arguments that are known to have succeeded."""
        return [one.argv for line in dict.fromkeys(self.succeeded) for one in simple_commands(line) if one.sure]

    @cached_property
    def tried(self) -> list[tuple[str, ...]]:
        """Those that ran, whatever came of it."""
        lines = dict.fromkeys((*self.succeeded, *self.failed))
        return [one.argv for line in lines for one in simple_commands(line)]

    @cached_property
    def taught(self) -> list[tuple[str, ...]]:
        """What the skill that is updated taught already, and did not fail here."""
        failed = {one.argv for line in self.failed for one in simple_commands(line)}
        known = (simple.argv for text in _prose(self.former).values() for simple, _code in _taught(text, self))
        return [argv for argv in known if argv not in failed]

    @cached_property
    def offered(self) -> list[tuple[str, ...]]:
        """The repository's own targets."""
        return [one.argv for line in self.targets for one in simple_commands(line)]

    @cached_property
    def good(self) -> "_ByProgram":
        """What a skill may teach."""
        return _by_program([*self.done, *self.offered, *self.taught])

    @cached_property
    def known(self) -> "_ByProgram":
        """What it may warn of."""
        return _by_program(self.tried)

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
    def names(self) -> Mapping[str, Sequence[str]]:
        """The places of files and folders by their name."""
        found: dict[str, list[str]] = {}
        for place in self.places:
            found.setdefault(PurePosixPath(place).name, []).append(f"/{place}")
        return found

    @cached_property
    def stems(self) -> frozenset[str]:
        """The files without their suffix, as imports name them."""
        return frozenset(path.removesuffix(PurePosixPath(path).suffix) for path in self.paths)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of the commands that have succeeded."""
        return frozenset(word for argv in self.done for word in argv)


_ByProgram = Mapping[str, Sequence[tuple[str, ...]]]


def _by_program(commands: Sequence[tuple[str, ...]]) -> _ByProgram:
    found: dict[str, list[tuple[str, ...]]] = {}
    for argv in dict.fromkeys(commands):
        found.setdefault(PurePosixPath(argv[0]).name, []).append(argv)
    return found


def ungrounded(texts: Mapping[str, str], grounds: Grounds) -> list[Finding]:
    """What a skill claims and nobody saw.

    Args:
        texts: the skill's files by their path in it.
        grounds: what the run knows.
    """
    known = frozenset(texts)
    found: list[Finding] = []
    for path, text in _prose(texts).items():
        found += _commands(path, text, grounds, known)
        found += _paths(path, list(code_in(text)), grounds, known)
    return [*found, *_scripts(texts, grounds)]


def _prose(texts: Mapping[str, str]) -> dict[str, str]:
    """What an agent reads: the SKILL.md first."""
    read = sorted(path for path in texts if path.lower().endswith(_PROSE) and path != FILE)
    return {path: texts[path] for path in (FILE, *read) if path in texts}


def _commands(path: str, text: str, grounds: Grounds, files: frozenset[str]) -> Iterator[Finding]:
    for code in shell_blocks(list(code_in(text))):
        if len(code.text) > MAX_CHARS:
            yield broken(
                "command-not-run", path, code.line, f"a block of {len(code.text)} characters was not looked at"
            )
    taught = list(islice(_taught(text, grounds), _MAX_COMMANDS + 1))
    if len(taught) > _MAX_COMMANDS:
        yield broken("command-not-run", path, 1, f"it names more than {_MAX_COMMANDS} commands")
        return
    for simple, code in taught:
        if not _is_grounded(simple, code, grounds, files):
            message = f"`{' '.join(simple.argv)}` did not run here with success"
            yield broken("command-not-run", path, _line_of(simple, code), message)


def _taught(text: str, grounds: Grounds) -> Iterator[tuple[Simple, Code]]:
    """The commands that a text tells its reader to run, each with where it stands."""
    codes = list(code_in(text))
    spans = (code for code in codes if not code.in_block and _is_command(code.text, grounds))
    lines = (code for code in loose_lines(codes) if _is_command(code.text, grounds) and not _is_output(code.text))
    for code in chain(shell_blocks(codes), lines, spans):
        yield from ((simple, code) for simple in simple_commands(code.text))


def _line_of(simple: Simple, code: Code) -> int:
    lines = code.text.split("\n")
    return code.line + next((at for at, line in enumerate(lines) if all(word in line for word in simple.argv[:2])), 0)


def _is_command(text: str, grounds: Grounds) -> bool:
    found = simple_commands(text)
    if not found or len(found[0].argv) < 2:
        return False
    return found[0].program in grounds.programs or bool(_OPTION.fullmatch(text))


def _is_output(line: str) -> bool:
    """What a program says begins with its name too, as in `npm error code ENOENT`."""
    words = line.split(maxsplit=2)
    return len(words) > 1 and bool(_OUTPUT.fullmatch(words[1]))


def _is_grounded(simple: Simple, code: Code, grounds: Grounds, files: frozenset[str]) -> bool:
    if simple.program in _BUILTINS or _PLACEHOLDER.fullmatch(simple.argv[0]):
        return True
    evidence = [*grounds.good.get(simple.program, ())]
    if not code.in_block and _TOLD_TO_FAIL.search(code.around.replace(code.text, "")):
        evidence += grounds.known.get(simple.program, ())
    if simple.argv[0] in files or simple.argv[0].removeprefix("./") in grounds.paths:
        evidence.append(simple.argv[:1])
    return any(_covers(ran, simple.argv, grounds, files) for ran in evidence)


def _covers(ran: Sequence[str], wanted: Sequence[str], grounds: Grounds, files: frozenset[str]) -> bool:
    """The same flags; paths that exist, numbers and placeholders may differ."""
    if len(wanted) == 1 < len(ran) and is_interpreter(wanted[0]):
        return False  # what it is to run comes from elsewhere
    flags = {word.partition("=")[0] for word in ran}
    for word in wanted[1:]:
        name, equals, value = word.partition("=")
        free = value if equals and name in flags and name.startswith("-") else word
        if word in ran or _is_free(free, grounds, files):
            continue
        return False
    return True


def _is_free(word: str, grounds: Grounds, files: frozenset[str]) -> bool:
    if word.startswith("-"):
        return False
    if _PLACEHOLDER.fullmatch(word):
        return True
    if _CODE.search(word):
        return False
    path = _cleaned(word)
    return bool(_PLACEHOLDER.search(word) or _NUMBER.fullmatch(word)) or path in grounds.places or path in files


def _paths(file: str, codes: list[Code], grounds: Grounds, files: frozenset[str]) -> Iterator[Finding]:
    seen: set[str] = set()
    for code in codes:
        for word in [code.text] if not code.in_block else code.text.split() if code.info in SHELLS else ():
            path = _cleaned(word.strip("'\""))
            if path in seen or not _claims_a_file(word.strip("'\""), path, grounds):
                continue
            seen.add(path)
            if not _exists(path, grounds, files) and not _TOLD_TO_BE_MISSING.search(code.around.replace(word, "")):
                yield broken("path-missing", file, code.line, f"`{path}` is not in the repository")


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
    if path in grounds.places or path in files or not {path, f"./{path}"}.isdisjoint(grounds.words):
        return True
    if path in grounds.stems:
        return True
    return any(place.endswith(f"/{path}") for place in grounds.names.get(PurePosixPath(path).name, ()))


def _scripts(texts: Mapping[str, str], grounds: Grounds) -> Iterator[Finding]:
    for path, text in texts.items():
        is_script = text.startswith("#!") or not _is_data(PurePosixPath(path))
        if is_script and path not in grounds.ran_here and grounds.former.get(path) != text:
            yield broken("script-not-run", path, 1, "this script did not run here with success as it stands")


def _is_data(path: PurePosixPath) -> bool:
    kind = path.suffix.removeprefix(".").lower()
    return kind in _DATA_TYPES if kind else path.name.upper() in _DATA_NAMES
