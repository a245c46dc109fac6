from pathlib import Path

import pytest

from procur.core.errors import InvalidInput
from procur.vendors.catalogue import read_demo_catalogue
from procur.vendors.vocabulary import load, normalise, read_name


def test_covers_every_category_of_the_packaged_data() -> None:
    assert {vendor.category for vendor in read_demo_catalogue()} <= set(load().categories)


def test_related_categories_exist_and_are_not_the_category_itself() -> None:
    categories = load().categories
    for category in categories.values():
        assert set(category.related) <= set(categories) - {category.key}


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("SOC2 Type-II", "soc 2 type ii"),
        ("ISO/IEC 27001", "iso iec 27001"),
        ("  Ärger  GROẞ ", "ärger gross"),
    ],
)
def test_phrases_are_read_as_words(phrase: str, words: str) -> None:
    assert normalise(phrase) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("singleSignOnViaAtlassianGuard", "single sign on via atlassian guard"),
        ("samlSso", "saml sso"),
        ("usersManagementSCIM", "users management scim"),
        ("SSL/TLSEncryption", "ssl tls encryption"),
        ("soc2TypeII", "soc 2 type ii"),
    ],
)
def test_feature_names_are_read_as_words(name: str, words: str) -> None:
    assert read_name(name) == words


@pytest.mark.parametrize(
    ("key", "name"),
    [
        *(("sso", name) for name in ("samlSso", "singleSignOn", "SAML", "SSO (SAML 2.0)", "Single Sign-On")),
        ("scim", "usersManagementSCIM"),
        ("audit-log", "auditLogs"),
        ("mfa", "required2FA"),
        ("uptime-sla", "customSLAs"),
        ("api", "apiAndWebhooks"),
    ],
)
def test_published_names_mean_a_feature(key: str, name: str) -> None:
    assert load().features[key].names(name)


@pytest.mark.parametrize(
    ("key", "name"), [("uptime-sla", "slackIntegration"), ("api", "apiClientHTTP"), ("kanban", "giftCards")]
)
def test_names_that_only_look_alike_do_not_count(key: str, name: str) -> None:
    assert not load().features[key].names(name)


def test_google_sign_in_resembles_single_sign_on_and_is_not() -> None:
    sso = load().features["sso"]
    assert sso.resembles("googleSSO")
    assert not sso.names("googleSSO")


def test_entries_are_found_by_key_label_and_word() -> None:
    vocabulary = load()
    for phrase in ("sso", "Single Sign-On", "SAML"):
        assert vocabulary.feature(phrase) is vocabulary.features["sso"]
    for phrase in ("soc2", "SOC 2", "SOC 2 Type II", "soc-2"):
        assert vocabulary.framework(phrase) is vocabulary.frameworks["soc2"]
    assert vocabulary.category("Project tracking") is vocabulary.categories["project-management"]
    assert vocabulary.category("teleportation") is None


def test_frameworks_are_found_in_feature_names() -> None:
    named = {each.key for each in load().frameworks_named_in("soc2AndIso27001Compliance")}
    assert named == {"soc2", "iso27001"}
    assert load().frameworks_named_in("slackIntegration") == ()


def test_every_word_finds_an_entry_and_keys_find_their_own() -> None:
    vocabulary = load()
    for key, feature in vocabulary.features.items():
        assert vocabulary.feature(key) is feature
        assert all(vocabulary.feature(word) for word in feature.words)


def test_own_file_replaces_and_adds(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[features.sso]\nlabel = "company login"\nwords = ["company login"]\npatterns = ["company login"]\n'
        '[categories.drones]\nwords = ["drone"]\nrelated = ["design"]\n',
        encoding="utf-8",
    )
    vocabulary = load(own)
    assert vocabulary.features["sso"].label == "company login"
    assert not vocabulary.features["sso"].names("samlSso")
    assert vocabulary.categories["drones"].label == "drones"
    assert "scim" in vocabulary.features
    assert load().features["sso"].label == "single sign-on"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[colours.red]\nlabel = 'red'", "[colours] is not one of"),
        ("[features.x]\nlabel = 'x'\nwordz = []", "and nothing else"),
        ("[features.x]\nwords = 'x'", "must be a list of words"),
        ("[features]\nx = 1", "and nothing else"),
        ("[categories.x]\nrelated = ['nowhere']", "related category 'nowhere' is not in the file"),
        ("[features.x", "is not a UTF-8 TOML file"),
    ],
)
def test_own_file_with_mistakes_is_refused(tmp_path: Path, content: str, told: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        load(own)
    assert told in refused.value.message


def test_own_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot read"):
        load(tmp_path / "none.toml")


def test_packaged_feature_names_do_not_break_the_patterns() -> None:
    vocabulary = load()
    names = {name for vendor in read_demo_catalogue() for name in vendor.features}
    found = {key for key, feature in vocabulary.features.items() if any(map(feature.names, names))}
    assert {
        "sso",
        "scim",
        "audit-log",
        "mfa",
        "data-residency",
        "guest-access",
        "api",
        "integrations",
    } <= found
