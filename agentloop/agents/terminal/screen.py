"""What a person would see: the screen of a terminal, drawn from a program's output by pyte.

Whatever a program prints is hostile: it may be endless, cut anywhere, or malformed in ways at which pyte fails. Facts
behind this module, of pyte 0.8.2: it draws about 0.6 MB a second; it draws the newer sequences (the keyboard protocol's
`CSI > u`, colours with colons, DCS, APC) as text; it keeps a title for as long as it is not ended; it drops what
follows a character without a width, and joins any number of accents to one cell, in quadratic time.
"""

import codecs
import re
import unicodedata
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import pyte
from pyte.screens import Margins

_PASTE_MODE = 2004 << 5  # as pyte keeps a private mode
_MAX_SCROLLED = 2000
_MAX_DRAWN_CHARS = 32 * 1024
_MAX_OPEN_CHARS = 256
_MAX_ACCENTS = 4
# Whatever begins a new sequence ends a string that was not ended.
_STRING = re.compile(r"\x1b[]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?")
_OPEN_STRING = re.compile(r"\x1b[]P^_X][^\x07\x1b]*\x1b?\Z")
_OPEN_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*)?\Z")
_CONTROL = re.compile(r"(\x1b\[[0-?]*[ -/]*[@-~])|(?=\x1b)")
_UNKNOWN_CONTROL = re.compile(r"\x1b\[(?:[<=>][0-?]*|[0-?]*[:<=>][0-?]*|[0-?]{64,})[ -/]*[@-~]|\x1b\[[0-?]*[ -/]+[@-~]")
_PRIVATE_MODE = re.compile(r"\x1b\[\?[\d;]{1,40}[hl]")
_C1 = re.compile("[\x80-\x9f]")
_NO_WIDTH = ("Cc", "Cf", "Cs")


class Screen:
    """A terminal's screen.

    Args:
        rows: its height.
        columns: its width.
        answer: gets what the terminal answers when the program asks what it is or where the cursor stands.
    """

    def __init__(self, rows: int, columns: int, answer: Callable[[bytes], object]) -> None:
        self._screen = _Drawn(columns, rows, answer)
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._open = ""

    @property
    def takes_pastes(self) -> bool:
        """The program asked for pastes to be marked as such (mode 2004)."""
        return _PASTE_MODE in self._screen.mode

    @property
    def lines(self) -> list[str]:
        """What it shows, from the top, without the empty lines at the bottom."""
        lines = [line.rstrip() for line in self._screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def scrolled(self) -> list[str]:
        """The last lines that have left it at the top, the oldest first."""
        return list(self._screen.scrolled)

    def forget_scrolled(self) -> None:
        """Begin anew with what has left it."""
        self._screen.scrolled.clear()

    def feed(self, chunk: bytes) -> None:
        """Draw what a program printed; of very much at once only the end."""
        text = _C1.sub("", self._open + self._decoder.decode(chunk))
        text, self._open = _without_open(text)
        text = _UNKNOWN_CONTROL.sub("", _STRING.sub("", text))
        for piece in filter(None, _CONTROL.split(_end_of(text))):
            with suppress(Exception):  # a sequence that pyte cannot do; it has begun anew
                self._stream.feed(piece)


class _Drawn(pyte.Screen):
    """pyte's screen, with what scrolls off it."""

    def __init__(self, columns: int, rows: int, answer: Callable[[bytes], object]) -> None:
        super().__init__(columns, rows)
        self.scrolled: deque[str] = deque(maxlen=_MAX_SCROLLED)
        self._answer = answer
        self._accents = 0

    def index(self) -> None:
        top, bottom = self.margins or Margins(0, self.lines - 1)
        if top == 0 and self.cursor.y == bottom:
            line = self.buffer[0]
            width = max(line, default=-1) + 1
            self.scrolled.append("".join([line[x].data for x in range(width)]).rstrip())
        super().index()

    def draw(self, data: str) -> None:
        super().draw(data if data.isascii() else unicodedata.normalize("NFC", "".join(filter(self._has_place, data))))

    def report_device_status(self, mode: int, **_private: bool) -> None:
        super().report_device_status(mode)

    def write_process_input(self, data: str) -> None:
        self._answer(data.encode())

    def _has_place(self, char: str) -> bool:
        """Whether pyte can draw it; after a few accents in a row it need not."""
        category = unicodedata.category(char)
        if not category.startswith("M"):
            self._accents = 0
            return category not in _NO_WIDTH
        self._accents += 1
        return bool(unicodedata.combining(char)) and self._accents <= _MAX_ACCENTS


def _without_open(text: str) -> tuple[str, str]:
    """Cut off a sequence that has begun and not ended yet; of a long one its beginning is enough to go on with."""
    match = _OPEN_STRING.search(text) or _OPEN_CONTROL.search(text)
    if not match:
        return text, ""
    begun = match[0]
    if len(begun) > _MAX_OPEN_CHARS:
        begun = begun[:2] + ("\x1b" if begun.endswith("\x1b") else "")
    return text[: match.start()], begun


def _end_of(text: str) -> str:
    """The last of what is too much to be drawn, with the modes that were set before it."""
    if len(text) <= _MAX_DRAWN_CHARS:
        return text
    cut = text.find("\n", len(text) - _MAX_DRAWN_CHARS)
    cut = cut if cut >= 0 else len(text) - _MAX_DRAWN_CHARS
    return "".join(_PRIVATE_MODE.findall(text[:cut])[-50:]) + text[cut:]
