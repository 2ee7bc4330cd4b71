"""What every route needs."""

from dataclasses import dataclass


@dataclass
class Request:
    path: str
    headers: dict[str, str]


class HTTPError(Exception):
    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers or {}


def api_key(request: Request) -> str:
    """The key that a request is billed to."""
    key = request.headers.get("X-API-Key", "")
    if not key:
        raise HTTPError(401)
    return key
