"""Do a thing once, however often it is asked for."""

from contextlib import asynccontextmanager

_seen: set[str] = set()


@asynccontextmanager
async def idempotent(db, key: str):
    """Yields True for the first caller of this key, False for all others."""
    first = key not in _seen
    _seen.add(key)
    yield first
