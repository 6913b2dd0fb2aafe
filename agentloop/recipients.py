"""Who is told when a run ends or waits: the settings."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _safe_address(address: SecretStr) -> SecretStr:
    """Only where nobody reads along is the result sent; what is wrong is said without the address."""
    try:
        parts = urlsplit(address.get_secret_value())
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("it is no address") from None
    if not address.get_secret_value().isprintable() or " " in address.get_secret_value():
        raise ValueError("it is no address")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)):
        raise ValueError("an address that begins with https:// is wanted (http:// only for this machine)")
    return address


class Notify(BaseModel):
    """Who is told when a run ends or waits."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    cmd: str = ""
    """A line for `sh`; it reads the result as JSON."""
    desktop: bool = False
    """A notification on the desktop, where there is one."""
    webhook: Annotated[SecretStr, AfterValidator(_safe_address)] | None = None
    """The address that gets the result as JSON; it may hold a secret."""
