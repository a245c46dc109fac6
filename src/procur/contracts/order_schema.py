"""Reading an order from outside safely, and checking it against the UBL 2.1 schema."""

from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from procur.core.errors import InvalidInput, NotConfigured

if TYPE_CHECKING:
    from lxml import etree

LARGEST_BYTES = 5_000_000
_DOCTYPE = "The order carries a document type declaration, which is refused"
_SCHEMA = Path(__file__).parent / "data" / "ubl-2.1" / "maindoc" / "UBL-Order-2.1.xsd"
_lock = Lock()  # a schema keeps the errors of its last document


def parse(xml: bytes) -> "etree._Element":
    """Return the root element; refuses what is too large, not well-formed, or carries a document type."""
    _need_lxml()
    from lxml import etree

    if len(xml) > LARGEST_BYTES:
        raise InvalidInput(f"The order is larger than {LARGEST_BYTES:,} bytes", field="xml")
    if b"<!DOCTYPE" in xml:
        raise InvalidInput(_DOCTYPE, field="xml")
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, dtd_validation=False, no_network=True, huge_tree=False
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InvalidInput(f"The order is not well-formed XML: {error}", field="xml") from error
    # Encodings in which the bytes above look different come here.
    info: Any = root.getroottree().docinfo
    if info.doctype:
        raise InvalidInput(_DOCTYPE, field="xml")
    return root


def schema_errors(root: "etree._Element") -> tuple[str, ...]:
    """Return what the schema objects to, one line each, with its line number."""
    schema = _schema()
    with _lock:
        if schema.validate(root):
            return ()
        log: Any = schema.error_log
        return tuple(f"line {entry.line}: {entry.message}" for entry in log)


@cache
def _schema() -> "etree.XMLSchema":
    """Compile the schema once (25 ms), when the first order is checked."""
    _need_lxml()
    from lxml import etree

    return etree.XMLSchema(file=str(_SCHEMA))


def _need_lxml() -> None:
    try:
        import lxml.etree  # noqa: F401 - an extra
    except ImportError as error:
        raise NotConfigured(
            "Checking orders needs lxml, which is not installed", hint="pip install 'procur[documents]'"
        ) from error
