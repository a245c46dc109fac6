import builtins
from datetime import date
from typing import Any

import pytest

from procur.core.errors import InvalidInput, NotConfigured
from procur.documents.render import refuse_unprintable, render


def test_without_typst_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "typst":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(NotConfigured) as caught:
        render("contract", {}, on=date(2026, 1, 1))
    assert caught.value.hint == "pip install 'procur[documents]'"


@pytest.mark.parametrize("name", ["../contract", "invoice", ""])
def test_only_shipped_templates(name: str) -> None:
    with pytest.raises(InvalidInput):
        render(name, {}, on=date(2026, 1, 1))


def test_the_field_at_fault_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        refuse_unprintable({"lines": [{"name": "fine"}, {"name": "bell\x07"}]})
    assert caught.value.field == "lines[1].name"


def test_new_lines_and_tabs_are_printable() -> None:
    refuse_unprintable({"note": "one\ntwo\tthree", "figure": 3, "none": None})
