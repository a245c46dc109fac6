"""Full text search finds the same on both databases, whatever people type."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procur.core.errors import InvalidInput
from procur.db.repositories import ConversationRepository
from procur.db.words import phrases, words

SAID = [
    "The quick brown fox jumps over the lazy dog",
    "Ask bob@acme.com about the FDA-certificate",
    "Prices rose by 3.5 % in Q4/2026; see https://example.com/prices?year=2026",
    "ÉCLAIR und Straße, naïve Ωμέγα, 東京タワー",
    "it's over_time AND overtime OR NOT near NEAR(x)",
    "tenant : org words : star * ^ caret \\ 'single' (paren)",
]


@pytest.fixture
def talks(session):
    talks = ConversationRepository(session)
    for content in SAID:
        talks.add_message("c", "user", content)
    return talks


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("fox", [0]),
        ("FOX the", [0]),
        ("fox certificate", []),
        ('"brown fox"', [0]),
        ('"fox brown"', []),
        ("fox brown", [0]),
        ("acme", [1]),
        ("bob@acme.com", [1]),
        ("com@acme.bob", []),
        ("fda certificate", [1]),
        ("example", [2]),
        ("2026 prices", [2]),
        ("3.5", [2]),
        ("5.3", []),
        ("éclair", [3]),
        ("e\u0301clair", [3]),
        ("STRASSE", [3]),
        ("ωμέγα", [3]),
        ("東京タワー", [3]),
        ("over time", [4]),
        ("AND", [4]),
        ("over", [4, 0]),
        ("fo", []),
        ("star * ^", [5]),
        ("'", []),
        ("", []),
        ('"', []),
        ("%", []),
        ("_", []),
    ],
)
def test_all_words_have_to_occur(talks, term, found):
    assert [row.content for row in talks.search(term)] == [SAID[place] for place in found]


def by_hand(term):
    """What a search should find, by plain Python."""
    wanted = phrases(term)

    def has(content, phrase):
        there = words(content)
        return any(
            tuple(there[place : place + len(phrase)]) == phrase
            for place in range(len(there) - len(phrase) + 1)
        )

    return [one for one in reversed(SAID) if wanted and all(has(one, phrase) for phrase in wanted)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [*"\"'()*^:-+|&!\\%_ ", "AND", "OR", "NOT", "NEAR", "fox", "the", "over", "words"]
            ),
            max_size=12,
        ).map(" ".join),
        st.sampled_from(SAID).flatmap(
            lambda said: st.tuples(st.integers(0, 40), st.integers(0, 40)).map(
                lambda cut: said[min(cut) : max(cut)]
            )
        ),
    )
)
def test_no_input_breaks_the_query_and_all_find_what_python_finds(talks, term):
    if any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in term):
        with pytest.raises(InvalidInput):
            talks.search(term)
    else:
        assert [row.content for row in talks.search(term)] == by_hand(term)


@pytest.mark.parametrize("term", ["x" * 1001, "\x00", "\ud800", 7, None, " ".join(map(str, range(65)))])
def test_a_term_that_is_none_is_refused(talks, term):
    with pytest.raises(InvalidInput) as caught:
        talks.search(term)
    assert caught.value.field == "term"


@pytest.mark.parametrize(
    "content",
    [
        "x" * 200_000,
        "ΐ" * 200_000,
        "ﷺ" * 200_000,
        " ".join(f"{number:x}" for number in range(40_000))[:200_000],
        " ".join(chr(0x20000 + number) * 100 for number in range(1980)),
        "",
        "…!?",
    ],
    ids=["one long word", "folds to more", "ligatures", "many words", "many bytes", "empty", "no word"],
)
def test_the_longest_texts_are_stored_and_found(talks, content):
    row = talks.add_message("long", "user", content)
    first = words(content)[:1]
    found = talks.search(" ".join(first)) if first else [row]
    assert row in found


def test_a_phrase_is_found_late_in_a_long_text(talks):
    row = talks.add_message("long", "user", "the end of " * 15_000 + "sea otters")
    assert talks.search('"of sea otters"') == [row]
    assert talks.search('"the otters"') == []


def test_conversations_are_found_by_title_and_by_message(talks, people):
    alice = people.alice.id
    talks.create_conversation(user_id=alice, title="Straße von Hormus", conversation_id="a")
    talks.add_message("b", "user", "about the STRASSE", user_id=alice)
    talks.add_message("d", "user", "about the STRASSE", user_id=people.bob.id)
    found = talks.search_conversations(alice, "strasse")
    assert [row.conversation_id for row in found] == ["b", "a"]
    assert [row.conversation_id for row in talks.search_conversations(alice, "strasse about")] == ["b"]
    assert len(talks.search_conversations(None, "about", limit=2)) == 2
    assert talks.search_conversations(alice, "?") == []
    talks.update_conversation("a", title="Other")
    assert [row.conversation_id for row in talks.search_conversations(alice, "strasse")] == ["b"]


def test_search_keeps_to_a_conversation_or_a_person(talks, people):
    row = talks.add_message("b", "user", "a fox", user_id=people.bob.id)
    assert talks.search("fox", conversation_id="b") == [row]
    assert talks.search("fox", user_id=people.bob.id) == [row]
    assert talks.search("fox", conversation_id="unheard of") == []
    talks.delete_conversation("b")
    assert row not in talks.search("fox")


def test_the_words_survive_a_vacuum(database, people):
    if database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's index points at rows that VACUUM does not renumber")
    with database.get_session("acme") as session:
        talks = ConversationRepository(session)
        for number in range(20):
            talks.add_message("c", "user", f"message number{number}")
        talks.purge("c", reason="test")
        for content in SAID:
            talks.add_message("c", "user", content)
    with database.engine.connect() as connection:
        connection.connection.cursor().execute("VACUUM")
    with database.get_session("acme") as session:
        assert [row.content for row in ConversationRepository(session).search("fox")] == [SAID[0]]
