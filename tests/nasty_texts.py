"""Texts that a writer of YAML gets wrong, and what a reader has to make of what is written."""

import json

from agentloop.skills.format import Skill, render

SAME = [
    "It's plain",
    "'single'",
    "say \"double\" and 'single'",
    'ends with a "',
    "a: b: c",
    "ends with a colon:",
    "Fix C # not a comment",
    "# no comment",
    "#!shebang",
    "- a list",
    "? a key",
    "! a tag",
    "!!python/object/apply:os.system [true]",
    "& an anchor",
    "* an alias",
    "**bold**",
    "@ reserved",
    "`reserved`",
    "% directive",
    "[flow, list]",
    "{flow: map}",
    "| literal",
    "> folded",
    ", comma",
    "--- inside --- and after",
    "---",
    "...",
    "yes",
    "No",
    "on",
    "null",
    "~",
    "true",
    "1.10",
    "0x10",
    "010",
    "1e3",
    "12:30:45",
    "2026-01-01",
    ".inf",
    "=",
    "<<",
    "back\\slash \\n \\u0041 \\x41 \\",
    "C:\\Users\\ada",
    "trailing spaces   ",
    "   leading spaces",
    "emoji 🚀 👩‍👩‍👧 flag 🇩🇪",
    "שלום עולם and مرحبا",
    "combining e\u0301 a\u0308 n\u0303",
    "no-break\u00a0space \u3000 wide",
    "zero\u200dwidth joiner",
    "private \ue000 and astral \U0001f600 \U0010fffd",
    "{{ template }} ${VAR} %s",
    "<b>markup</b> & entities &amp;",
    "word " * 100,
    "w" * 1500,
    "\ufffd",
]
CHANGED = {
    "two\nlines": "two lines",
    "windows\r\nlines": "windows  lines",
    "a\ttab": "a tab",
    "\ttab first": " tab first",
    "nul \x00 bell \x07 escape \x1b[31m": "nul   bell   escape  [31m",
    "delete \x7f": "delete  ",
    "c1 \x80 \x9f": "c1    ",
    "next line \x85": "next line  ",
    "separators \u2028 \u2029": "separators    ",
    "\ufeffmark first": " mark first",
    "mark \ufeff inside": "mark   inside",
    "half \ud83d of a pair": "half \ufffd of a pair",
    "\udc00": "\ufffd",
    "no characters \ufffe \uffff": "no characters \ufffd \ufffd",
}
TEXTS = {**{text: text for text in SAME}, **CHANGED}
"""Each text, and what it is after it was written."""

BODIES = {
    "# Title\n\nText.": "# Title\n\nText.",
    "---\nname: no\n---\ntext": "---\nname: no\n---\ntext",
    "---": "---",
    "   ": "   ",
    "": "",
    "\n\n\ntext\n\n": "text",
    "- a\n\n---\n\n...\n": "- a\n\n---\n\n...",
    "half \ud83d": "half \ufffd",
}
"""Each body, and what it is after it was written: without empty lines around it."""


def frontmatter(**changes: object) -> str:
    """The frontmatter of a skill as it is written."""
    text = render(Skill(**{"name": "a-skill", "description": "What.", "body": "", **changes}))  # type: ignore[arg-type]
    text.encode("utf-8")
    return text.split("---\n", 2)[1] if "\n---\n" in text else ""


def whole() -> tuple[str, dict[str, object]]:
    """A frontmatter with every text as a description's neighbour, a key and a value; and what is to be read in it."""
    keys = {f"{number}{text}": text for number, text in enumerate(TEXTS)}
    keys |= {"": "empty", "__proto__": "kept", "k" * 1500: "long key", "long": "v" * 3000}
    read = {
        key.replace(text, TEXTS.get(text, text)) if text else key: TEXTS.get(text, text) for key, text in keys.items()
    }
    written = frontmatter(metadata=keys, license="MIT # no", compatibility="a: b", allowed_tools="Bash(git:*) Read")
    return written, {
        "name": "a-skill",
        "description": "What.",
        "license": "MIT # no",
        "compatibility": "a: b",
        "allowed-tools": "Bash(git:*) Read",
        "metadata": read,
    }


def documents() -> list[tuple[str, object]]:
    """Frontmatters as they are written, and what every reader has to read in them."""
    return [
        *((frontmatter(description=text), {"name": "a-skill", "description": read}) for text, read in TEXTS.items()),
        whole(),
    ]


def as_json() -> str:
    """The frontmatters alone, for a reader in another language."""
    return json.dumps([written for written, _read in documents()])
