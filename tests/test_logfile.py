"""The log of what programs print."""

from pathlib import Path

import pytest

from agentloop.process import logfile
from agentloop.process.logfile import LogFile

KEY = b"sk-ant-" + b"aB3" * 12


def log(path: Path, *chunks: bytes) -> bytes:
    with path.open("wb") as file, LogFile(file) as output:
        for chunk in chunks:
            output.write(chunk)
    return path.read_bytes()


def test_a_secret_that_comes_in_pieces_is_masked(tmp_path: Path) -> None:
    kept = log(tmp_path / "log", b"first\nkey: " + KEY[:10], KEY[10:], b"\nlast")
    assert KEY not in kept
    assert kept == b"first\nkey: [redacted: anthropic key]\nlast"


def test_what_is_too_much_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "MAX_LOG_BYTES", 1000)
    kept = log(tmp_path / "log", *[b"x" * 99 + b"\n"] * 50)
    assert len(kept) < 1200
    assert b"4000 bytes more were not kept" in kept


def test_lines_can_be_read_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file, LogFile(file) as output:
        output.write(b"one\ntw")
        assert path.read_bytes() == b"one\n"


def test_a_private_key_that_comes_line_by_line_is_masked_whole(tmp_path: Path) -> None:
    head, foot = b"-----BEGIN RSA PRIVATE " + b"KEY-----\n", b"-----END RSA PRIVATE " + b"KEY-----\n"
    body = [b"MIIEpAIBAAKCAQEA" * 4 + b"\n"] * 3
    kept = log(tmp_path / "log", b"before\n", head, *body, foot, b"after\n")
    assert kept == b"before\n[redacted: private key]\nafter\n"


def test_a_key_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    kept = log(tmp_path / "log", b"-----BEGIN CERT-----\n", *[b"x" * 1000 + b"\n"] * 600)
    assert kept.count(b"x") == 600_000
