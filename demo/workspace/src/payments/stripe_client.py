"""The provider's API, as far as it is used here."""


def verify(body: bytes, signature: str) -> None:
    if not signature:
        raise ValueError("unsigned webhook")


async def charge(customer: str, amount: int, key: str | None = None) -> str:
    return f"ch_{customer}_{amount}_{key or 'nokey'}"
