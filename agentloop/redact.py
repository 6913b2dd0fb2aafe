"""Secrets, found and masked: by the formats of providers, and by the values of secret-looking variables.

A seatbelt against accidents, not a proof: what has no known format and stands in no variable is not found.
"""

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

_FORMATS: tuple[tuple[str, str], ...] = (
    ("aws access key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("github token", r"\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{40,}\b"),
    ("gitlab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    ("openai key", r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|\bsk-[A-Za-z0-9]{40,}\b"),
    ("google key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("google oauth secret", r"\bGOCSPX-[A-Za-z0-9_-]{28}"),
    ("slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("slack webhook", r"hooks\.slack\.com/services/[A-Za-z0-9/]{30,}"),
    ("stripe key", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{20,}"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("package index token", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    ("hugging face token", r"\bhf_[A-Za-z0-9]{30,}\b"),
    ("sendgrid key", r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}"),
    ("digitalocean token", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    ("discord token", r"\b[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"),
    ("json web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ("private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]{0,8000}?-----END [A-Z ]*PRIVATE KEY-----)?"),
    ("password in an address", r"(?<=://)[^\s/:@'\"<>$]+:[^\s/@'\"<>${}*]{3,}(?=@)"),
    ("bearer token", r"(?<=[Bb]earer )[A-Za-z0-9._~+/-]{20,}=*"),
    ("assigned secret", r"(?<=secret_access_key=)[A-Za-z0-9/+]{40}\b"),
)
_SECRET = re.compile("|".join(f"(?P<f{number}>{pattern})" for number, (_kind, pattern) in enumerate(_FORMATS)))
_MAY_HOLD_ONE = re.compile(
    r"AKIA|ASIA|ABIA|ACCA|gh[pousr]_|github_pat_|glpat-|sk-|AIza|GOCSPX|xox|hooks\.slack|[sr]k_(?:live|test)|npm_|pypi-"
    r"|hf_|SG\.|_v1_|[MNO][A-Za-z0-9_-]{23}|eyJ|PRIVATE KEY|://[^\s/]*@|earer |secret_access_key"
)
_PLACEHOLDER = re.compile(
    r"(?i)x{4,}|your[_-]|example|<[^>]+>|\$\{|\*{3,}|(?<![a-z])user:pass(?:word)?\b|0{8,}|1234567"
)
_SECRET_NAME = re.compile(r"(?i)(?:(?:^|_)(?:API_?)?KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:$|_)")
_MIN_VALUE_CHARS = 8


def redact(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Mask what looks like a secret, with the kind of secret in its place."""
    for kind, value in _values(environment):
        text = text.replace(value, f"[redacted: {kind}]")
    if not _MAY_HOLD_ONE.search(text):
        return text
    return _SECRET.sub(lambda match: match[0] if _spared(match[0]) else f"[redacted: {_kind(match)}]", text)


def secrets_in(text: str, environment: Mapping[str, str] = os.environ) -> list[tuple[int, str]]:
    """The line and the kind of each secret."""
    found = [(text.count("\n", 0, match.start()) + 1, _kind(match)) for match in _SECRET.finditer(text)
             if not _spared(match[0])]  # fmt: skip
    for kind, value in _values(environment):
        position = text.find(value)
        if position >= 0:
            found.append((text.count("\n", 0, position) + 1, kind))
    return sorted(found)


def _kind(match: re.Match[str]) -> str:
    return _FORMATS[int((match.lastgroup or "f0")[1:])][0]


def _spared(text: str) -> bool:
    return bool(_PLACEHOLDER.search(text))


def _values(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in _telling(frozenset(environment)):
        value = environment.get(name, "")
        if len(value) >= _MIN_VALUE_CHARS and not value.startswith(("/", "~")):
            if value.isalpha() and value.islower():
                continue  # a word such as "password" or "keychain" would be masked in every text
            yield f"value of {name}", value


@lru_cache(maxsize=8)
def _telling(names: frozenset[str]) -> tuple[str, ...]:
    """The names of variables that hold secrets."""
    return tuple(sorted(name for name in names if _SECRET_NAME.search(name)))
