"""Text from outside, made fit to be shown and quoted: no control characters, fenced as data, of bounded length."""

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_HIDDEN = re.compile("[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_FENCE = re.compile(r"`{3,}")


def plain(text: str) -> str:
    """Leave out escape sequences and control characters, but for tabs and line ends; what is left is valid UTF-8."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", _ANSI.sub("", text.replace("\r\n", "\n"))))


def visible(text: str) -> str:
    """The plain text, with a mark for each character that cannot be seen or that turns the order of others round."""
    return _HIDDEN.sub(lambda match: f"<U+{ord(match[0]):04X}>", plain(text))


def writable(text: str) -> str:
    """The text with a question mark for what UTF-8 cannot hold: git and JSON hand out lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


def one_line(text: str, max_chars: int) -> str:
    """Make one line of it, cut at the end."""
    words = " ".join(plain(text).split())
    return words if len(words) <= max_chars else words[: max_chars - 1] + "…"


def fenced(text: str, info: str = "text") -> str:
    """A Markdown code block that nothing in the text can close."""
    longest = max((len(run) for run in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"


def shorten(text: str, max_chars: int) -> str:
    """Keep the beginning and the end, and say how much is left out."""
    if len(text) <= max_chars:
        return text
    half = max_chars // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
