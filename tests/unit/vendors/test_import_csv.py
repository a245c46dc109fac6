from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procur.core.errors import InvalidInput
from procur.vendors.catalogue import ImportReport, read_file

HEADER = "vendor_id,name,category,currency,plan,list_price,features"
Read = Callable[..., ImportReport]


def told(report: ImportReport) -> list[tuple[int, str | None, str]]:
    return [(each.line, each.vendor_id, each.field) for each in report.rejected]


def reason(report: ImportReport) -> str:
    assert len(report.rejected) == 1, report.rejected
    return report.rejected[0].reason


def test_rows_of_one_vendor_become_its_plans(read: Read) -> None:
    report = read(f"{HEADER}\nacme,Acme,CRM,usd,TEAM,5.10,api;single sign-on\nacme,,,,PRO,quote,\n")
    assert report.clean
    assert report.total_rows == 2
    (acme,) = report.vendors
    assert (acme.category, acme.currency) == ("crm", "USD")
    assert [(each.name, each.list_price, each.quote_only) for each in acme.plans] == [
        ("TEAM", Decimal("5.10"), False),
        ("PRO", None, True),
    ]
    assert acme.features == ("api", "single sign-on")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [b",", b";", b"\t"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_dialects(read: Read, mark: bytes, delimiter: bytes, end: bytes) -> None:
    lines = [HEADER.encode(), "acme,Ärzte & Söhne,crm,EUR,TEAM,5,".encode()]
    report = read(mark + end.join(lines).replace(b",", delimiter) + end)
    assert report.clean
    assert report.vendors[0].name == "Ärzte & Söhne"


def test_row_without_plan_fields_adds_a_vendor_without_price_list(read: Read) -> None:
    assert read(f"{HEADER}\nacme,Acme,crm,USD,,,\n").vendors[0].plans == ()


def test_lines_are_counted_through_quoted_newlines_and_blank_lines(read: Read) -> None:
    rows = [
        "vendor_id,name,category,currency,description,plan,list_price",
        'one,One,crm,USD,"first',
        "second",
        'third",A,1',
        "",
        "two,Two,crm,USD,,A,-1",
        "three,Three,crm,USD,,A,1",
    ]
    report = read("\n".join(rows))
    assert told(report) == [(6, "two", "list_price")]
    assert [each.vendor_id for each in report.vendors] == ["one", "three"]
    assert report.vendors[0].description == "first\nsecond\nthird"
    assert report.total_rows == 3


def test_vendor_with_one_bad_row_is_rejected_whole(read: Read) -> None:
    report = read(f"{HEADER}\nacme,Acme,crm,USD,A,1,\nother,Other,crm,USD,A,1,\nacme,,,,B,x,\n")
    assert told(report) == [(4, "acme", "list_price")]
    assert not report.clean
    assert [each.vendor_id for each in report.vendors] == ["other"]


def test_columns_that_are_not_read_are_told(read: Read) -> None:
    assert read(f"{HEADER},colour\nacme,Acme,crm,USD,A,1,,red\n").warnings == ("column 'colour' is not read",)


@pytest.mark.parametrize(
    ("row", "field", "why"),
    [
        (",Acme,crm,USD,A,1,", "vendor_id", "is missing"),
        ("a b,Acme,crm,USD,A,1,", "vendor_id", "may hold letters"),
        ("acme,,crm,USD,A,1,", "name", "is missing"),
        ("acme,=1+1,crm,USD,A,1,", "name", "formula"),
        ("acme,@SUM(A1),crm,USD,A,1,", "name", "formula"),
        ("acme,A\x00B,crm,USD,A,1,", "name", "U+0000"),
        (f"acme,{'n' * 201},crm,USD,A,1,", "name", "201 characters"),
        ("acme,Acme,,USD,A,1,", "category", "is missing"),
        ("acme,Acme,crm,EURO,A,1,", "currency", "'EURO' is not an ISO 4217 currency"),
        ("acme,Acme,crm,XQX,A,1,", "currency", "ISO 4217"),
        ("acme,Acme,crm,USD,,1,", "plan", "is missing"),
        ("acme,Acme,crm,USD,-A,1,", "plan", "formula"),
        ("acme,Acme,crm,USD,A,,", "list_price", "is missing"),
        ("acme,Acme,crm,USD,A,-0.01,", "list_price", "below zero"),
        ("acme,Acme,crm,USD,A,NaN,", "list_price", "plain number"),
        ("acme,Acme,crm,USD,A,Infinity,", "list_price", "plain number"),
        ("acme,Acme,crm,USD,A,1e3,", "list_price", "plain number"),
        ('acme,Acme,crm,USD,A,"1,000",', "list_price", "plain number"),
        ("acme,Acme,crm,USD,A,$5,", "list_price", "plain number"),
        ("acme,Acme,crm,USD,A,1_000,", "list_price", "plain number"),
        ("acme,Acme,crm,USD,A,\u0661\u0662,", "list_price", "plain number"),
        ("acme,Acme,crm,USD,A,1.00001,", "list_price", "plain number"),
        ("acme,Acme,crm,USD,A,999999999999999,", "list_price", "plain number"),
        ("acme,Acme,crm,USD,A,1,=cmd()", "features", "formula"),
        ("acme,Acme,crm,USD,A,1", "row", "has 6 cells, the header has 7"),
        ("acme,Acme,crm,USD,A,1,,x", "row", "has 8 cells, the header has 7"),
    ],
)
def test_bad_rows_name_line_field_and_reason(read: Read, row: str, field: str, why: str) -> None:
    report = read(f"{HEADER}\nfine,Fine,crm,USD,A,1,\n{row}\n")
    assert [(each.line, each.field) for each in report.rejected] == [(3, field)]
    assert why in reason(report)
    assert [each.vendor_id for each in report.vendors] == ["fine"]


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("website", "javascript:alert(1)", "web address"),
        ("contact_email", "nobody", "e-mail"),
        ("country", "Germany", "two-letter"),
        ("captured_on", "31.03.2026", "date such as"),
        ("captured_on", "2026-02-30", "date such as"),
        ("quote_only", "perhaps", "yes or no"),
        ("quote_only", "yes", "although the plan is quote only"),
        ("unit", "bucket", "must be one of user, account"),
        ("period", "weekly", "must be one of month, year, once"),
        ("min_quantity", "0", "between 1 and"),
        ("min_quantity", "1.5", "whole number"),
        ("max_quantity", "-3", "whole number"),
        ("prepay_factor", "1.2", "at most 1"),
        ("prepay_factor", "0", "above 0"),
    ],
)
def test_optional_fields_are_checked(read: Read, column: str, value: str, why: str) -> None:
    report = read(
        f"vendor_id,name,category,currency,plan,list_price,{column}\nacme,Acme,crm,USD,A,1,{value}\n"
    )
    assert why in reason(report)


def test_plan_twice_is_refused(read: Read) -> None:
    report = read(f"{HEADER}\nacme,Acme,crm,USD,A,1,\nacme,,,,A,2,\n")
    assert told(report) == [(3, "acme", "plan")]


def test_vendor_fields_must_not_change_between_rows(read: Read) -> None:
    report = read(f"{HEADER}\nacme,Acme,crm,USD,A,1,\nacme,Acme,crm,EUR,B,2,\n")
    assert told(report) == [(3, "acme", "currency")]
    assert "line 2" in reason(report)


def test_every_fault_of_a_row_is_told(read: Read) -> None:
    report = read(f"{HEADER}\nacme,Acme,crm,EURO,,x,\n")
    assert {each.field for each in report.rejected} == {"currency", "plan", "list_price"}


@pytest.mark.parametrize("unit", ["seat", "Editor", "member", "user", ""])
def test_what_counts_people_is_a_user(read: Read, unit: str) -> None:
    report = read(f"vendor_id,name,category,currency,plan,list_price,unit\nacme,Acme,crm,USD,A,1,{unit}\n")
    assert report.vendors[0].plans[0].unit == "user"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_refused_with_advice(read: Read, encoding: str) -> None:
    with pytest.raises(InvalidInput, match="UTF-16") as refused:
        read(HEADER.encode(encoding))
    assert "CSV UTF-8" in str(refused.value.hint)


def test_text_that_is_not_utf_8_is_refused_with_its_line(read: Read) -> None:
    with pytest.raises(InvalidInput, match="line 2"):
        read(f"{HEADER}\nacme,Söhne,crm,USD,A,1,\n".encode("latin-1"))


def test_quotation_mark_that_is_never_closed_is_refused_with_its_line(read: Read) -> None:
    with pytest.raises(InvalidInput, match="line 3"):
        read(f'{HEADER}\nacme,Acme,crm,USD,A,1,\nother,"Other,crm,USD,A,1,\n')


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("", "lacks the columns"),
        ("name,category", "vendor_id, currency"),
        (f"{HEADER},name", "names name twice"),
    ],
)
def test_header_is_checked(read: Read, header: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(f"{header}\n")
    assert why in refused.value.message


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="neither"):
        read_file(tmp_path / "vendors.xlsx")
    with pytest.raises(InvalidInput, match="cannot read"):
        read_file(tmp_path / "missing.csv")


@settings(max_examples=100, deadline=None)
@given(content=st.text(max_size=60))
def test_no_text_breaks_the_csv_reader(content: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "vendors.csv"
    path.write_text(f"{HEADER}\n{content}", encoding="utf-8", errors="surrogatepass")
    try:
        read_file(path)
    except InvalidInput as refused:
        assert refused.message  # noqa: PT017
