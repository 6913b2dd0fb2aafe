"""Prompts that a terminal would spoil if it could."""

_PIECES = [
    "-rf --leading dashes",
    "quotes ' \" ` $(reboot) ${HOME} \\ \\n",
    "emoji 🧪 e\u0301 👩‍👩‍👧 \u202e right to left",
    "tab\tand\x01control\x03keys\x04\x1a\x11\x13\x7f \x1b[A \x1b[2J \x1b",
    "",
    "".join(map(chr, range(0xA0, 0x250))),
    "x" * 5000,
    "~!@#%^&*(){}[]|<>?;:,.",
]
NASTY = "\n".join(_PIECES * 34)
"""More than 200 kB of text with everything but NUL."""
SHELL_LINE = "-x 'one line' \"with quotes\" ~ $HOME \\ 🧪 * !"
