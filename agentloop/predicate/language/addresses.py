"""Reading a condition about an address."""

import re
from urllib.parse import SplitResult, quote, urlsplit

from agentloop.predicate.language.lexer import JOINS, Scope, Token
from agentloop.predicate.language.nodes import UrlIs

_MEANS_SOMETHING = "%/:=&?~#+!$,;'@()*[]-._"


def read(scope: Scope) -> UrlIs:
    """Read what stands behind the word `url`, which is next.

    Raises:
        PredicateError: it is no address, or nothing is asked of it.
    """
    lexer = scope.lexer
    start = lexer.next().start
    url = lexer.next()
    _refuse(scope, url)
    verb = lexer.next()
    if verb.is_word("is") and lexer.peek().is_word("up"):
        lexer.next()
        return UrlIs(url.text, source=scope.text_since(start))
    if verb.is_word("returns"):
        status = lexer.next()
        if not re.fullmatch(r"[1-5]\d\d", status.text, re.ASCII):
            raise scope.error(status, "returns wants a status", "a number from 100 to 599")
        return UrlIs(url.text, int(status.text), source=scope.text_since(start))
    edits = [(verb.start, verb.end, word) for word in ("is up", "returns")] if not verb.is_word(*JOINS, ")") else []
    edits = [(url.end, url.end, " is up"), (verb.start, verb.end, "is"), *edits]
    raise scope.error(verb, "what has to be so with the address?", "is up, or returns N", edits)


def _refuse(scope: Scope, url: Token) -> None:
    parts = _parts(url.text)
    if parts is None or not url.text.isprintable() or " " in url.text:
        edits = [(url.start, url.start, "http://")] if "://" not in url.text and url.text else []
        raise scope.error(url, "this is no address", "http://HOST[:PORT]/PATH, or https", edits)
    if "@" in parts.netloc:
        what = "an address may hold no user and no password: they would be shown, logged and remembered"
        raise scope.error(url, what, "a command that takes them from elsewhere, such as: curl -fsS --netrc URL passes")
    if not url.text.isascii():
        encoded = quote(url.text, safe=_MEANS_SOMETHING)
        edits = [(url.start, url.end, encoded)] if parts.netloc.isascii() else []
        what = "an address is plain ASCII: anything else in it has to be percent-encoded, in a host's name punycode"
        raise scope.error(url, what, edits=edits)


def _parts(address: str) -> SplitResult | None:
    """The parts of an address that can be asked; None when it is none."""
    try:
        parts = urlsplit(address)
        is_good = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if is_good else None
