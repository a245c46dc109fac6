from datetime import UTC, date, datetime

from procur.contracts.certificate import TEMPLATE, Signature, certificate_paper
from procur.documents.render import render

BUYER = Signature("buyer", "Acme", "Alice", "alice@acme.example", datetime(2026, 12, 1, 9, 5, tzinfo=UTC))
VENDOR = Signature("vendor", "Boards", "Vera", "vera@boards.example", datetime(2026, 12, 1, 8, tzinfo=UTC))


def paper():
    return certificate_paper("CON-1", document="CON-1.pdf", sha256="ab" * 32, signatures=(BUYER, VENDOR))


def test_signatures_stand_in_the_order_they_were_given():
    assert [row["name"] for row in paper()["signatures"]] == ["Vera", "Alice"]
    assert paper()["signatures"][0]["at"] == "2026-12-01 08:00:00"


def test_the_certificate_names_the_document_by_its_hash_and_is_repeatable():
    first, second = (render(TEMPLATE, paper(), on=date(2026, 12, 1)) for _ in range(2))
    assert first.sha256 == second.sha256
    assert {"label": "SHA-256", "value": "ab" * 32} in paper()["document"]
