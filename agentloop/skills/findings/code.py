"""The code in a SKILL.md: what stands in fences and between backticks, line by line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[\w+#-]*)")
_SPAN = re.compile(r"(?<!`)(?P<ticks>`{1,2})(?!`)(?P<text>[^`\n]+?)(?P=ticks)(?!`)")
_PROMPT = re.compile(r"^\s*[$%>] ")
_SHELLS = frozenset({"sh", "bash", "shell", "zsh", "console", "terminal", "shell-session", "sh-session"})


@dataclass(frozen=True, slots=True)
class Code:
    """A line of a fenced block, or a span in a line of text."""

    text: str
    line: int
    """In the file, from 1."""
    around: str
    """The line that a span stands in; the text itself in a block."""
    in_block: bool
    info: str = ""
    """The language that a block's fence names."""

    @property
    def is_shell(self) -> bool:
        """It is meant for a shell: said by the fence, or by a prompt before it."""
        return self.in_block and (self.info in _SHELLS or _PROMPT.match(self.text) is not None)

    @property
    def command(self) -> str:
        """The text without a prompt before it."""
        return _PROMPT.sub("", self.text).strip()


def code_in(text: str) -> Iterator[Code]:
    """Each line of code in a text."""
    fence = info = ""
    for number, line in enumerate(text.splitlines(), start=1):
        match = _FENCE.match(line)
        if fence:
            if match and match["fence"].startswith(fence) and not line.strip(" `~"):
                fence = ""
            else:
                yield Code(line, number, line, in_block=True, info=info)
        elif match:
            fence, info = match["fence"], match["info"].lower()
        else:
            for span in _SPAN.finditer(line):
                yield Code(span["text"].strip(), number, line, in_block=False)


def shell_lines(codes: list[Code]) -> Iterator[Code]:
    """The shell's lines of fenced blocks, those that go on in the next line joined."""
    joined = ""
    for code in codes:
        if code.is_shell and code.command and not code.command.startswith("#"):
            joined += code.command
            if joined.endswith("\\"):
                joined = joined.removesuffix("\\")
            else:
                yield Code(joined, code.line, code.around, in_block=True, info=code.info)
                joined = ""
