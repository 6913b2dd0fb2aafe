"""What every event has."""

from pydantic import BaseModel, ConfigDict


class Recorded(BaseModel):
    """A record of the journal, which sets `seq` and `at` (Unix time in seconds)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    seq: int = -1
    at: float = 0.0
