"""What every fact is: past tense, frozen, the first field names what it is about."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that has happened to one subject (`request`, `offer` …), named by its business id."""

    subject: ClassVar[str]

    @property
    def type(self) -> str:
        """The fact's name, as stored: "RequestOpened"."""
        return self.__class__.__name__

    @property
    def subject_id(self) -> str:
        """The business id of what the fact is about."""
        return str(getattr(self, fields(self)[0].name))

    def payload(self) -> dict[str, Any]:
        """Return the fields as JSON values; money as text."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value if value is None or isinstance(value, str | int | bool) else str(value)
