"""From data to a PDF/A file: the same data, date and template always give the same bytes.

Data reaches the template as one JSON text and is only ever printed, so nothing in it can become markup. Only
the fonts inside the typesetter are used; a character that they cannot show is an error, never a gap.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from hashlib import sha256
from pathlib import Path
from typing import Any

from procur.core.errors import InvalidInput, NotConfigured

TEMPLATES = Path(__file__).parent / "templates"
VERSIONS = {"contract": "1.0", "purchase_order": "1.0", "signatures": "1.0"}
# Characters that are invisible and reorder or hide the text around them.
_HIDING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff")
_NO_GLYPH = re.compile(r"the text `(?P<text>\".*?\")` could not be displayed", re.DOTALL)
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """A PDF with what is needed to prove, or repeat, how it came about."""

    pdf: bytes
    sha256: str
    input_sha256: str
    template: str
    version: str


def render(template: str, data: Mapping[str, Any], *, on: date) -> RenderedDocument:
    """Render a template; `on` is the date inside the file, so that rendering again gives the same hash."""
    if template not in VERSIONS:
        raise InvalidInput(f"No template {template!r}; there are {', '.join(VERSIONS)}", field="template")
    refuse_unprintable(data)
    path = TEMPLATES / f"{template}.typ"
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    # The template is part of what decides the result, so it is part of the hash.
    digest = sha256(path.read_bytes() + b"\0" + text.encode()).hexdigest()
    stamp = {"template": template, "version": VERSIONS[template], "hash": digest, "date": on.isoformat()}
    pdf = _compile(path, {"data": text, "stamp": json.dumps(stamp)}, on, data)
    return RenderedDocument(pdf, sha256(pdf).hexdigest(), digest, template, VERSIONS[template])


def _compile(path: Path, inputs: dict[str, str], on: date, data: Mapping[str, Any]) -> bytes:
    try:
        import typst
    except ImportError as error:
        raise NotConfigured(
            "Rendering documents needs typst, which is not installed", hint="pip install 'procur[documents]'"
        ) from error
    try:
        pdf = typst.compile(
            str(path),
            root=str(path.parent),
            font_paths=[],
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=["a-2a"],
            timestamp=datetime.combine(on, time(), UTC),
        )
    except typst.TypstError as error:
        missing = _NO_GLYPH.search(str(error))
        if missing is None:
            raise
        raise _unprintable(missing["text"].strip('"'), data) from error
    return bytes(pdf)


def refuse_unprintable(data: Mapping[str, Any]) -> None:
    """Raise InvalidInput for control characters and for marks that hide or reorder the text around them."""
    for field, text in _texts(data, ""):
        for character in text:
            kind = unicodedata.category(character)
            control = kind == "Cc" and character not in "\n\t"
            if control or kind in {"Cs", "Cn", "Co"} or character in _HIDING:
                raise InvalidInput(
                    f"{field} holds the character U+{ord(character):04X}, which a document cannot show",
                    field=field,
                    details={"text": text[:_SHOWN]},
                )


def _unprintable(shown: str, data: Mapping[str, Any]) -> InvalidInput:
    fields = [field for field, text in _texts(data, "") if shown in text]
    where = fields[0] if fields else "data"
    return InvalidInput(
        f"{where} holds {shown!r}, for which the document fonts have no glyph",
        field=where,
        hint="Write it in Latin, Greek, Cyrillic or Hebrew letters; the document fonts cover these",
    )


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Walk through the data and return each text with its path, as in parties[0].name."""
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{field}.{key}" if field else str(key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _texts(inner, f"{field}[{place}]")
