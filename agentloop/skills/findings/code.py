"""The code in a Markdown text: what stands in fences, indented blocks and between backticks, line by line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

_ITEM = r"(?:[-*+]|\d{1,9}[.)])[ \t]{1,4}"
_FENCE = re.compile(rf"^[ \t>]{{0,16}}(?:{_ITEM})?(?P<fence>`{{3,}}|~{{3,}})[ \t{{.]*(?P<info>[\w+#-]*)[^`]*$")
_LIST = re.compile(rf"[ \t>]{{0,16}}{_ITEM}")
_QUOTE = re.compile(r"^[ \t]{0,16}(?:>[ \t]?){1,9}")
_INDENTED = re.compile(r"(?:\t| {4})[ \t]*\S")
_SPAN = re.compile(r"(?<!`)(?P<ticks>`{1,3})(?!`)(?P<text>[^`\n]+?)(?P=ticks)(?!`)")
_PROMPT = re.compile(r"^\s*[$%>] ")
_SHELL_WORDS = """
    bash bat batch cmd console csh fish ksh nu powershell ps1 pwsh sh sh-session shell shell-session shellsession
    terminal zsh
"""
SHELLS = frozenset(_SHELL_WORDS.split())
"""The languages of a fence whose lines are for a shell."""


@dataclass(frozen=True, slots=True)
class Code:
    """A line of a fenced block, or a span in a line of text."""

    text: str
    line: int
    """In the file, from 1."""
    around: str
    """The line that a span stands in; the text itself in a block."""
    info: str = ""
    """The language that a block's fence names."""
    fence: int = 0
    """The line of the block's fence."""

    @property
    def in_block(self) -> bool:
        """It is a line of a fenced block."""
        return self.fence > 0


def code_in(text: str) -> Iterator[Code]:
    """Each line of code in a text."""
    fence = info = ""
    opened = indented = 0
    is_quoted = in_list = False
    before = ""
    for number, line in enumerate(text.split("\n"), start=1):
        match = _FENCE.match(line)
        if fence:
            if _closes(line, fence):
                fence = ""
            else:
                yield Code(_QUOTE.sub("", line) if is_quoted else line, number, line, info, opened)
        elif match:
            fence, info, opened = match["fence"], match["info"].lower(), number
            is_quoted = ">" in line[: match.start("fence")]
        elif _INDENTED.match(line) and not in_list and (indented or not before.strip()):
            indented = indented or number
            yield Code(line, number, line, "", indented)
        else:
            indented = indented if not line.strip() else 0
            in_list = bool(_LIST.match(line)) or (in_list and (not line.strip() or line[0] in " \t"))
            for span in _SPAN.finditer(line):
                yield Code(span["text"].strip(), number, line)
        before = line


def _closes(line: str, fence: str) -> bool:
    said = line.strip(" \t>\r")
    return len(said) >= len(fence) and set(said) == {fence[0]}


def shell_blocks(codes: Sequence[Code]) -> Iterator[Code]:
    """The blocks that are meant for a shell, each as a whole; where there are prompts, what follows each."""
    for block in _blocks(codes):
        prompted = [code for code in block if _PROMPT.match(code.text)]
        if prompted:
            yield from (replace(code, text=_PROMPT.sub("", code.text)) for code in prompted)
        elif block[0].info in SHELLS:
            yield replace(block[0], text="\n".join(code.text for code in block))


def loose_lines(codes: Sequence[Code]) -> Iterator[Code]:
    """The lines of blocks without a language, and those beside prompts: they may be commands, or what one said."""
    for block in _blocks(codes):
        is_prompted = any(_PROMPT.match(code.text) for code in block)
        if not block[0].info or (is_prompted and block[0].info in SHELLS):
            yield from (code for code in block if not _PROMPT.match(code.text))


def _blocks(codes: Sequence[Code]) -> Iterator[list[Code]]:
    for _fence, lines in groupby((code for code in codes if code.in_block), key=lambda code: code.fence):
        yield list(lines)
