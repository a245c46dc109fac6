"""What fits into a window, and the summary of what does not."""

from datetime import UTC, datetime

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
    assert set(shorter.split("\n")) <= {"", "[…]", *(summary or "").split("\n")}


def test_the_newest_lines_of_a_summary_stay():
    messages = [{"role": "user", "content": f"message {number:03} {'x' * 60}"} for number in range(100)]
    lines = extract(None, messages).split("\n")
    assert lines[0] == "[…]"
    assert lines[-1].startswith("user: message 099")
    again = extract("\n".join(lines), [{"role": "agent", "content": "goodbye"}]).split("\n")
    assert (again[0], again.count("[…]"), again[-1]) == ("[…]", 1, "agent: goodbye")


def test_tokens_are_estimated_on_the_long_side():
    assert (estimate_tokens(""), estimate_tokens("a"), estimate_tokens("four")) == (0, 1, 2)
    assert estimate_tokens("東京") == 2
