import io
from dataclasses import replace

from pypdf import PdfReader

from procur.contracts.order_facts import OrderFacts
from procur.contracts.order_paper import TEMPLATE, order_paper
from procur.documents.render import render


def test_the_printed_order_says_what_the_xml_says(order: OrderFacts) -> None:
    document = render(TEMPLATE, order_paper(order), on=order.issue_date)
    reader = PdfReader(io.BytesIO(document.pdf))
    said = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    totals = order.totals()
    for part in (
        "PO-2026-0001",
        "Chat & Söhne <GmbH>",
        "Workshop",
        "2.5 days",
        f"€{totals.payable:,.2f}",
        f"€{totals.tax:,.2f}",
        "-€500.00",
        "Net 45 days",
        "C-2026-0001",
        "Page 1 of 1",
    ):
        assert part in said, part


def test_the_same_order_gives_the_same_file(order: OrderFacts) -> None:
    first = render(TEMPLATE, order_paper(order), on=order.issue_date)
    assert first == render(TEMPLATE, order_paper(replace(order)), on=order.issue_date)


def test_a_long_order_runs_over_pages(order: OrderFacts) -> None:
    many = replace(order, lines=order.lines * 20)
    document = render(TEMPLATE, order_paper(many), on=order.issue_date)
    pages = PdfReader(io.BytesIO(document.pdf)).pages
    assert len(pages) > 1
    assert all("Quantity" in page.extract_text() for page in pages[:2])
