"""Webhooks of the payment provider."""

from dataclasses import dataclass

from payments.stripe_client import charge, verify


@dataclass
class Event:
    id: str
    type: str
    customer: str
    amount: int

    @classmethod
    def model_validate_json(cls, body: bytes) -> "Event":
        import json

        return cls(**json.loads(body))


@dataclass
class Response:
    status: int


def parse(body: bytes, signature: str) -> Event:
    """Check the signature, then decode."""
    verify(body, signature)
    return Event.model_validate_json(body)


async def handle_charge(event: Event, db) -> Response:
    await charge(event.customer, event.amount)
    return Response(status=201)


async def handle_refund(event: Event, db) -> Response:
    await charge(event.customer, -event.amount)
    return Response(status=201)


HANDLERS = {
    "charge.succeeded": handle_charge,
    "charge.refunded": handle_refund,
}


async def dispatch(event: Event, db) -> Response:
    return await HANDLERS[event.type](event, db)
