"""The sentences and how well they were read.

Right on the first run, before any correction: 13 of 21 sentences and 490 of 504 fields of held_out, 12 of 20
and 461 of 480 of held_out_second, 12 of 15 and 356 of 360 of held_out_third. Where a label itself was wrong
(five times, mostly in `unread`), the label was corrected afterwards.
"""

from typing import Any

import pytest
from scoring import intake_of, sentences, told, wrong_fields

FILES = ("sentences.toml", "held_out.toml", "held_out_second.toml", "held_out_third.toml")
ALL = [(name, one) for name in FILES for one in sentences(name)]


def test_there_are_enough() -> None:
    assert len(ALL) >= 90


@pytest.mark.parametrize("sentence", [one for _, one in ALL], ids=lambda one: one["text"].strip()[:50])
def test_every_field_is_read_exactly(sentence: dict[str, Any]) -> None:
    assert wrong_fields(sentence) == {}


@pytest.mark.parametrize("sentence", [one for _, one in ALL], ids=lambda one: one["text"].strip()[:50])
def test_it_is_complete_only_without_questions_and_contradictions(sentence: dict[str, Any]) -> None:
    intake = intake_of(sentence)
    assert intake.is_complete == (not told(intake)["questions"] and not told(intake)["contradictions"])
