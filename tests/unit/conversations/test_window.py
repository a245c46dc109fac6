"""What fits into a window, and the summary of what does not."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procur.conversations.entries import Entry
from procur.conversations.window import cost_of, cut, estimate_tokens, extract, newest_that_fit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = st.text(max_size=300)


@given(st.lists(TEXTS, max_size=12), st.integers(0, 400))
def test_the_longest_newest_run_fits(texts, budget):
    entries = [Entry(place, "user", text, NOW) for place, text in enumerate(texts, 1)]
    fitting = newest_that_fit(entries, budget, estimate_tokens)
    assert fitting == entries[len(entries) - len(fitting) :]
    spent = sum(cost_of(entry, estimate_tokens) for entry in fitting)
    assert spent <= budget
    if len(fitting) < len(entries):
        assert spent + cost_of(entries[-len(fitting) - 1], estimate_tokens) > budget


@given(st.lists(st.lists(TEXTS, max_size=40), max_size=6), st.integers(0, 300))
def test_a_summary_says_only_what_was_said_and_stays_short(batches, budget):
    summary = None
    for batch in batches:
        summary = extract(summary, [{"role": "user", "content": text} for text in batch])
        assert len(summary) <= 4000
    said = {f"user: {' '.join(text.split())}" for batch in batches for text in batch}
    for line in (summary or "").split("\n"):
        assert line in {"", "[…]"} or any(one.startswith(line.removesuffix("…")) for one in said)
    shorter = cut(summary or "", budget, estimate_tokens)
    assert estimate_tokens(shorter) <= budget or shorter == ""
    for line in shorter.split("\n"):
        assert line in {"", "[…]"} or any(one.startswith(line.removesuffix("…")) for one in said)


def test_the_beginning_and_the_newest_lines_of_a_summary_stay():
    messages = [{"role": "user", "content": f"message {number:03} {'x' * 60}"} for number in range(100)]
    lines = extract(None, messages).split("\n")
    assert lines[0].startswith("user: message 000")
    assert lines[-1].startswith("user: message 099")
    for number in range(50):
        again = extract("\n".join(lines), [{"role": "agent", "content": f"goodbye {number}"}]).split("\n")
        assert again[: again.index("[…]")] == lines[: lines.index("[…]")]
        assert (again.count("[…]"), again[-1]) == (1, f"agent: goodbye {number}")
        lines = again
    few = cut("\n".join(lines), 200, estimate_tokens).split("\n")
    assert (few[0], few.count("[…]"), few[-1]) == (lines[0], 1, "agent: goodbye 49")


# A model writes one paragraph: none of it came through.
@pytest.mark.parametrize("ending", ["", "\nDeadline: March"])
def test_a_summary_in_one_paragraph_is_cut_after_a_word(ending):
    paragraph = "The buyer wants fifty laptops by March. " * 40
    for budget in (20, 75, 300):
        shorter = cut(paragraph.strip() + ending, budget, estimate_tokens)
        assert budget * 2 // 3 <= estimate_tokens(shorter) <= budget
        begun = shorter.removesuffix(ending).removesuffix("…")
        assert shorter.endswith(f"…{ending}")
        assert paragraph.startswith(f"{begun} ") or begun[-1] == "."
    assert cut("東京" * 200, 20, estimate_tokens) == "東京" * 9 + "東…"


@given(st.text(st.sampled_from("ab \n…[]東"), max_size=400), st.integers(0, 100))
def test_a_cut_summary_fits_and_takes_what_there_is(summary, budget):
    shorter = cut(summary, budget, estimate_tokens)
    assert estimate_tokens(shorter) <= budget
    if estimate_tokens(summary) <= budget:
        assert shorter == summary


def test_tokens_are_estimated_on_the_long_side():
    assert (estimate_tokens(""), estimate_tokens("a"), estimate_tokens("four")) == (0, 1, 2)
    assert estimate_tokens("東京") == 2
