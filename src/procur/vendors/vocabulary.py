"""The words of the trade: categories, features and compliance frameworks, and how people name them."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from procur.core.errors import InvalidInput

VOCABULARY_FILE = "vocabulary.toml"
_PACKAGED = ("categories.toml", "features.toml", "frameworks.toml")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_PLAIN = re.compile(r"[^\W\d_]+|\d+")


def normalise(text: str) -> str:
    """Return the words of a phrase, lower case and digits apart ("SOC2 Type-II" → "soc 2 type ii")."""
    return " ".join(_PLAIN.findall(text.casefold()))


def read_name(name: str) -> str:
    """Return the words of a feature name as price data writes it ("samlSso" → "saml sso")."""
    return " ".join(_CAMEL.findall(name)).casefold()


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of vendor; `related` are the keys of kinds that often do the same job."""

    key: str
    label: str
    related: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature people ask for; `patterns` is how published names say it, `excludes` what only looks so."""

    key: str
    label: str
    words: tuple[str, ...]
    patterns: tuple[str, ...]
    excludes: tuple[str, ...] = ()

    def names(self, feature_name: str) -> bool:
        """Tell whether a published feature name means this feature."""
        forms = _read_both_ways(feature_name)
        return bool(_said(self).search(forms)) and not _excluded(self).search(forms)

    def resembles(self, feature_name: str) -> bool:
        """Tell whether a published feature name only looks like this feature."""
        forms = _read_both_ways(feature_name)
        return bool(_said(self).search(forms)) and bool(_excluded(self).search(forms))


@dataclass(frozen=True, slots=True)
class Framework:
    """A compliance framework; `ask` is what to request from a vendor as evidence."""

    key: str
    label: str
    words: tuple[str, ...]
    ask: str = ""


@lru_cache(maxsize=1024)
def _said(feature: Feature) -> re.Pattern[str]:
    return _any_of({normalise(word) for word in feature.words} | _both_forms(feature.patterns))


@lru_cache(maxsize=1024)
def _excluded(feature: Feature) -> re.Pattern[str]:
    return _any_of(_both_forms(feature.excludes))


@lru_cache(maxsize=1024)
def _named(framework: Framework) -> re.Pattern[str]:
    return _any_of({normalise(word) for word in framework.words})


def _read_both_ways(feature_name: str) -> str:
    return f"{normalise(feature_name)} | {read_name(feature_name)}"


def _both_forms(names: tuple[str, ...]) -> set[str]:
    return {form for name in names for form in (normalise(name), read_name(name))}


def _any_of(phrases: set[str]) -> re.Pattern[str]:
    told = "|".join(re.escape(phrase) for phrase in sorted(phrases) if phrase)
    return re.compile(rf"(?<!\S)(?:{told})(?!\S)" if told else r"(?!)")


@dataclass(frozen=True)
class Vocabulary:
    """Typed look-ups; made by `load`, safe to share."""

    categories: Mapping[str, Category]
    features: Mapping[str, Feature]
    frameworks: Mapping[str, Framework]
    _by_word: Mapping[str, Mapping[str, Any]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {
            "categories": _index(self.categories),
            "features": _index(self.features),
            "frameworks": _index(self.frameworks),
        }
        object.__setattr__(self, "_by_word", index)

    def category(self, phrase: str) -> Category | None:
        """Return the category with this key, label or word."""
        found: Category | None = self._by_word["categories"].get(normalise(phrase))
        return found

    def feature(self, phrase: str) -> Feature | None:
        """Return the feature with this key, label or word."""
        found: Feature | None = self._by_word["features"].get(normalise(phrase))
        return found

    def framework(self, phrase: str) -> Framework | None:
        """Return the framework with this key, label or word."""
        found: Framework | None = self._by_word["frameworks"].get(normalise(phrase))
        return found

    def frameworks_named_in(self, feature_name: str) -> tuple[Framework, ...]:
        """Return the frameworks that a published feature name mentions ("soc2TypeII" → SOC 2)."""
        forms = _read_both_ways(feature_name)
        return tuple(each for each in self.frameworks.values() if _named(each).search(forms))


def _index(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Map every key, label and word to its entry; an earlier entry keeps a word that two claim."""
    found: dict[str, Any] = {}
    for entry in entries.values():
        found.setdefault(normalise(entry.key), entry)
    for entry in entries.values():
        for word in (entry.label, *entry.words):
            found.setdefault(normalise(word), entry)
    return found


@lru_cache(maxsize=8)
def load(path: Path | None = None) -> Vocabulary:
    """Return the packaged vocabulary, with the tables of the user's own TOML file on top.

    Each file is read once per process.
    """
    tables: dict[str, dict[str, Any]] = {"categories": {}, "features": {}, "frameworks": {}}
    data = files("procur.vendors") / "data"
    for name in _PACKAGED:
        _merge(tables, tomllib.loads((data / name).read_text(encoding="utf-8")), name)
    if path is not None:
        _merge(tables, _read_own(path), str(path))
    _check_related(tables["categories"])
    return Vocabulary(
        categories={key: _category(key, entry) for key, entry in tables["categories"].items()},
        features={key: _feature(key, entry) for key, entry in tables["features"].items()},
        frameworks={key: _framework(key, entry) for key, entry in tables["frameworks"].items()},
    )


def _read_own(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(
            f"cannot read the vocabulary file {path}: {error.strerror}", field="path"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{path} is not a UTF-8 TOML file: {error}", field="path") from error


def _merge(tables: dict[str, dict[str, Any]], read: Mapping[str, Any], name: str) -> None:
    for table, entries in read.items():
        if table not in tables or not isinstance(entries, dict):
            known = ", ".join(f"[{each}.…]" for each in tables)
            raise InvalidInput(f"{name}: [{table}] is not one of {known}", field=table)
        tables[table].update(entries)


def _check_related(categories: Mapping[str, Any]) -> None:
    for key, entry in categories.items():
        for other in _texts(key, entry, "related"):
            if other not in categories:
                raise InvalidInput(
                    f"{key}: related category {other!r} is not in the file", field=f"{key}.related"
                )


def _texts(key: str, entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = entry.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
        raise InvalidInput(f"{key}: {name} must be a list of words", field=f"{key}.{name}")
    return tuple(values)


def _label(key: str, entry: Mapping[str, Any], known: set[str]) -> str:
    if not isinstance(entry, dict) or set(entry) - known or not isinstance(entry.get("label", key), str):
        raise InvalidInput(f"{key}: an entry holds {', '.join(sorted(known))} and nothing else", field=key)
    return str(entry.get("label", key))


def _category(key: str, entry: Mapping[str, Any]) -> Category:
    label = _label(key, entry, {"label", "related", "words"})
    return Category(key, label, _texts(key, entry, "related"), _texts(key, entry, "words"))


def _feature(key: str, entry: Mapping[str, Any]) -> Feature:
    label = _label(key, entry, {"label", "words", "patterns", "excludes"})
    texts = {name: _texts(key, entry, name) for name in ("words", "patterns", "excludes")}
    return Feature(key, label, **texts)


def _framework(key: str, entry: Mapping[str, Any]) -> Framework:
    label = _label(key, entry, {"label", "ask", "words"})
    return Framework(key, label, _texts(key, entry, "words"), str(entry.get("ask", "")))


def load_for(home: Path) -> Vocabulary:
    """Return the packaged words with the user's own file on top, where the home folder has one."""
    own = home / VOCABULARY_FILE
    return load(own if own.exists() else None)
