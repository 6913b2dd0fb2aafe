"""An address on the web, asked once: a redirect is an answer and is not followed, and no proxy lies before loopback."""

import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.parse import urlsplit

from agentloop.recipients import LOOPBACK
from agentloop.text.quoting import one_line

FAILURES = (OSError, HTTPException, ValueError)
"""What `status` raises where there is no answer."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002 - the standard library's signature
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


def status(address: str, timeout_s: float, json: bytes | None = None) -> int:
    """The status that an address answers with.

    Args:
        address: what is asked.
        timeout_s: time for each step of it; bound the whole with `waiting.wait_for`.
        json: a document to be posted; None: it is only asked for.

    Raises:
        OSError, HTTPException, ValueError: there is no answer; see `reason`.
    """
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if urlsplit(address).hostname in LOOPBACK:
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    headers = {"User-Agent": "agentloop", **({} if json is None else {"Content-Type": "application/json"})}
    try:
        with opener.open(urllib.request.Request(address, data=json, headers=headers), timeout=timeout_s) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def reason(error: Exception) -> str:
    """Why there was no answer, in one line."""
    return one_line(str(error.reason if isinstance(error, urllib.error.URLError) else error), 200)
