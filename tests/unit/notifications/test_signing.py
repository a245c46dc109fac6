"""Signatures of webhooks, seen by a receiver."""

import hashlib
import hmac

import pytest

from procur.notifications.signing import BadSignature, sign, verify

BODY = '{"id":"1","data":{"total":"9 €"}}'.encode()
AT = 1_795_000_000


def headers(*keys: str, at: int = AT) -> dict[str, str]:
    signed = sign(keys, timestamp=at, body=BODY)
    return {"procur-event-id": "E1", "PROCUR-TIMESTAMP": str(at), "Procur-Signature": signed}


def test_the_signature_is_the_documented_one() -> None:
    expected = hmac.new(b"whsec_k", f"{AT}.".encode() + BODY, hashlib.sha256).hexdigest()
    assert sign(["whsec_k"], timestamp=AT, body=BODY) == f"v1={expected}"


def test_who_knows_a_key_can_check_it() -> None:
    assert verify("new", headers("new"), BODY, now=AT) == "E1"
    for key in ("new", "old"):  # both sign for a while after a rotation
        assert verify(key, headers("new", "old"), BODY, now=AT + 300) == "E1"


@pytest.mark.parametrize(
    ("given", "body", "now"),
    [
        (headers("other"), BODY, AT),
        (headers("k"), BODY + b" ", AT),
        (headers("k"), BODY, AT + 301),
        (headers("k"), BODY, AT - 301),
        (headers("k") | {"PROCUR-TIMESTAMP": str(AT + 1)}, BODY, AT),
        (headers("k") | {"PROCUR-TIMESTAMP": "soon"}, BODY, AT),
        (headers("k") | {"Procur-Signature": ""}, BODY, AT),
        (headers("k") | {"Procur-Signature": "v1=é"}, BODY, AT),
        (headers("k") | {"Procur-Signature": headers("k")["Procur-Signature"].replace("v1", "v0")}, BODY, AT),
        ({}, BODY, AT),
    ],
)
def test_everything_else_is_refused(given: dict[str, str], body: bytes, now: float) -> None:
    with pytest.raises(BadSignature):
        verify("k", given, body, now=now)
