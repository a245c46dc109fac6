import io
import subprocess
import sys
from dataclasses import replace
from datetime import date

import pytest
from pypdf import PdfReader

from procur.contracts.contract_facts import ContractFacts, PartyFacts
from procur.contracts.paper import TEMPLATE, contract_paper
from procur.core.errors import InvalidInput
from procur.documents.render import RenderedDocument, render

ON = date(2026, 1, 15)


def printed(facts: ContractFacts) -> RenderedDocument:
    return render(TEMPLATE, contract_paper(facts).data, on=ON)


def text(document: RenderedDocument) -> str:
    pages = PdfReader(io.BytesIO(document.pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_pdf_says_what_was_agreed(saas: ContractFacts) -> None:
    document = printed(saas)
    said = text(document)
    paper = contract_paper(saas)
    for part in (
        "Harbour Robotics Ltd",
        "Chat Systems Inc.",
        "C-2026-0001",
        "$15,000.00",
        "50 users",
        "Free onboarding",
        "Annex A: Price schedule",
        "Annex B: Payment schedule",
        "For Buyer".upper(),
        "For Vendor".upper(),
        f"clauses {paper.library_version}",
        document.input_sha256[:16],
    ):
        assert part in said, part
    for clause in paper.clauses:
        assert clause.title in said, clause.title
    pages = len(PdfReader(io.BytesIO(document.pdf)).pages)
    assert f"Page {pages} of {pages}" in said


def test_the_pdf_tells_its_title_language_and_standard(saas: ContractFacts) -> None:
    reader = PdfReader(io.BytesIO(printed(saas).pdf))
    assert reader.metadata is not None
    assert reader.metadata.title == "Subscription Agreement C-2026-0001"
    assert reader.root_object["/Lang"] == "en"
    assert b"pdfaid:part>2<" in reader.root_object["/Metadata"].get_object().get_data().replace(b" ", b"")


def test_signatures_stand_on_one_page(saas: ContractFacts) -> None:
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(printed(saas).pdf)).pages]
    (page,) = [page for page in pages if "FOR BUYER" in page]
    assert "FOR VENDOR" in page
    assert page.count("Signature") >= 3  # the clause and one line for each side
    assert page.count("Date") >= 2


def test_the_same_facts_give_the_same_file(saas: ContractFacts) -> None:
    first, second = printed(saas), printed(replace(saas))
    assert first == second
    other = printed(replace(saas, item="Team chat, Basic plan"))
    assert other.sha256 != first.sha256
    assert other.input_sha256 != first.input_sha256


def test_another_process_gives_the_same_file() -> None:
    code = (
        "from datetime import date; from decimal import Decimal\n"
        "from procur.contracts.contract_facts import *; from procur.contracts.paper import contract_paper\n"
        "from procur.core.deal import Terms; from procur.documents.render import render\n"
        "facts = ContractFacts('C-1', date(2026, 1, 15), PartyFacts('A'), PartyFacts('B'), 'saas', 'Chat',\n"
        "    Terms(Decimal(15), 50, 12, 'NET45', 'USD'))\n"
        "digest = render('contract', contract_paper(facts).data, on=date(2026, 1, 15)).sha256\n"
    )
    here: dict[str, str] = {}
    exec(code, here)  # noqa: S102 - the same lines here and there
    there = subprocess.run(
        [sys.executable, "-c", code + "print(digest)"], capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == here["digest"]


@pytest.mark.parametrize(
    "name",
    [
        '#read("/etc/passwd") Ltd',
        "$x$ *bold* _it_ @ref <label> `raw` // not a comment",
        '"; #panic("x") ]] #[',
        "\\u{41} \\ #sys.version = Heading",
        "[to be completed: nothing]",
    ],
)
def test_markup_in_a_name_is_printed_as_it_is(saas: ContractFacts, name: str) -> None:
    said = text(printed(replace(saas, vendor=PartyFacts(name, ("x",)))))
    assert name in said
    assert "root:" not in said


@pytest.mark.parametrize(
    "name", ["Łódź Żółć S.A.", "İğdır Şirketi A.Ş.", "Ελλάδα", "Zürich ₹ € £", "Đồng", "ООО Ромашка"]
)
def test_other_alphabets_survive(saas: ContractFacts, name: str) -> None:
    assert name in text(printed(replace(saas, vendor=PartyFacts(name, ("x",)))))


@pytest.mark.parametrize("name", ["भारत", "日本電気", "Rocket 🚀", "شركة", "→✓"])
def test_what_the_fonts_lack_is_an_error_that_names_it(saas: ContractFacts, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        printed(replace(saas, vendor=PartyFacts(name, ("x",))))
    assert caught.value.field == "parties[1].name"
    assert "no glyph" in caught.value.message


@pytest.mark.parametrize("name", ["a\x01b", "a\x7fb", "abc\u202edef", "\ud800", "a\ufffeb"])
def test_characters_that_cannot_be_seen_are_refused(saas: ContractFacts, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        printed(replace(saas, vendor=PartyFacts(name, ("x",))))
    assert "U+" in caught.value.message


def test_a_name_without_spaces_stays_in_its_column(saas: ContractFacts) -> None:
    name = "X" * 120
    document = printed(replace(saas, vendor=PartyFacts(name, ("x",))))
    assert name in text(document).replace("\u200b", "").replace(" ", "")


def test_line_breaks_in_a_name_become_spaces(saas: ContractFacts) -> None:
    assert "Two Lines Ltd" in text(printed(replace(saas, vendor=PartyFacts("Two\nLines\t Ltd", ("x",)))))


def test_every_kind_of_contract_is_printed(saas: ContractFacts) -> None:
    for kind in ("saas", "hardware", "goods", "services"):
        for months in (0, 36):
            if kind == "saas" and not months:
                continue
            facts = replace(saas, request_type=kind, terms=replace(saas.terms, term_months=months))
            assert printed(facts).pdf.startswith(b"%PDF")
