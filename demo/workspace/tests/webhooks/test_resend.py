import asyncio

from payments.webhook import Event, handle_charge


def test_resent_event_charges_once():
    event = Event("evt_1", "charge.succeeded", "cus_1", 1200)
    first = asyncio.run(handle_charge(event, db=None))
    again = asyncio.run(handle_charge(event, db=None))
    assert first.status == 201
    assert again.status == 200
