"""A program's output, kept: its log, redacted line by line and readable while it grows; its beginning and its end."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO

from agentloop.text.redact import redact

MAX_LOG_BYTES = 32 * 1024 * 1024
_MAX_LINE_BYTES = 256 * 1024
_KEY_BEGINS, _KEY_ENDS = b"-----BEGIN ", b"-----END "


class LogFile:
    """Takes output in chunks; a context manager that writes the rest and what was left out at its end.

    Args:
        file: where to, open for writing; the caller closes it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._written = 0
        self._dropped = 0
        self._part = b""

    def __enter__(self) -> "LogFile":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            return  # the disk takes no more
        self._put(self._part)
        if self._dropped:
            self._put(f"\n[agentloop: {self._dropped} bytes more were not kept]\n".encode())

    def write(self, chunk: bytes) -> None:
        """Take what came.

        Raises:
            OSError: the disk does not take it.
        """
        if self._written >= MAX_LOG_BYTES:
            self._dropped += len(chunk)
            return
        # Whole lines and whole keys, so that no secret is cut in two.
        whole, newline, part = chunk.rpartition(b"\n")
        if newline:
            whole, part = _before_open_key(self._part + whole + newline, part)
            self._put(whole)
            self._part = part
        else:
            self._part += chunk
        if len(self._part) > _MAX_LINE_BYTES:
            self._put(self._part)
            self._part = b""

    def _put(self, content: bytes) -> None:
        self._written += len(content)
        self._file.write(redact(content.decode("utf-8", errors="replace")).encode())
        self._file.flush()


@dataclass(slots=True)
class Ends:
    """The beginning and the end of an output, in constant memory.

    Args:
        each: the bytes that are kept of either.
    """

    each: int
    written: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _tail: bytearray = field(default_factory=bytearray)

    def write(self, chunk: bytes) -> None:
        """Take what came."""
        self.written += len(chunk)
        room = max(0, self.each - len(self._head))
        self._head += chunk[:room]
        self._tail += chunk[room:]
        del self._tail[: -self.each]

    def text(self, between: str = "\n[... {cut} bytes left out ...]\n") -> str:
        """Both, with a mark where something is left out."""
        cut = self.written - len(self._head) - len(self._tail)
        mark = between.format(cut=cut).encode() if cut else b""
        return (bytes(self._head) + mark + bytes(self._tail)).decode("utf-8", errors="replace")


def _before_open_key(whole: bytes, part: bytes) -> tuple[bytes, bytes]:
    """Hold back a private key that has begun and not ended yet."""
    begun = whole.rfind(_KEY_BEGINS)
    if begun < 0 or _KEY_ENDS in whole[begun:]:
        return whole, part
    return whole[:begun], whole[begun:] + part
