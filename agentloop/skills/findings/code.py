"""The code in a SKILL.md: what stands in fences and between backticks, line by line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

_FENCE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[\w+#-]*)")
_SPAN = re.compile(r"(?<!`)(?P<ticks>`{1,2})(?!`)(?P<text>[^`\n]+?)(?P=ticks)(?!`)")
_PROMPT = re.compile(r"^\s*[$%>] ")
SHELLS = frozenset({"sh", "bash", "shell", "zsh", "console", "terminal", "shell-session", "sh-session"})
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
    opened = 0
    for number, line in enumerate(text.splitlines(), start=1):
        match = _FENCE.match(line)
        if fence:
            if match and match["fence"].startswith(fence) and not line.strip(" `~"):
                fence = ""
            else:
                yield Code(line, number, line, info, opened)
        elif match:
            fence, info, opened = match["fence"], match["info"].lower(), number
        else:
            for span in _SPAN.finditer(line):
                yield Code(span["text"].strip(), number, line)


def shell_blocks(codes: Sequence[Code]) -> Iterator[Code]:
    """The fenced blocks that are meant for a shell, each as a whole; where there are prompts, only what follows one."""
    for _fence, lines in groupby((code for code in codes if code.in_block), key=lambda code: code.fence):
        block = list(lines)
        prompted = [code for code in block if _PROMPT.match(code.text)]
        if prompted:
            yield from (replace(code, text=_PROMPT.sub("", code.text)) for code in prompted)
        elif block[0].info in SHELLS:
            yield replace(block[0], text="\n".join(code.text for code in block))
