"""GET /v1/charges: the charges of a customer."""

from api.deps import Request, api_key

_charges = [
    {"id": "ch_1", "customer": "cus_1", "amount": 1200},
    {"id": "ch_2", "customer": "cus_1", "amount": 4200},
    {"id": "ch_3", "customer": "cus_2", "amount": 900},
]


def list_charges(request: Request, customer: str, limit: int = 50) -> list[dict]:
    api_key(request)
    found = [charge for charge in _charges if charge["customer"] == customer]
    return found[:limit]
