import pytest

from api.charges import list_charges
from api.deps import HTTPError, Request


def call(key: str):
    return list_charges(Request("/v1/charges", {"X-API-Key": key}), "cus_1")


def test_sixty_requests_pass():
    for _ in range(60):
        assert len(call("key_a")) == 2


def test_the_next_one_is_refused():
    with pytest.raises(HTTPError) as refused:
        for _ in range(61):
            call("key_b")
    assert refused.value.status == 429
    assert int(refused.value.headers["Retry-After"]) <= 60


def test_keys_do_not_share_a_limit():
    for _ in range(60):
        call("key_c")
    assert len(call("key_d")) == 2
