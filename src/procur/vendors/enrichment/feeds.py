"""Reading feeds: CSV and JSON files in a folder, in the format of a catalogue."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from urllib.parse import urlsplit

from procur.core.errors import InvalidInput
from procur.vendors.catalogue import VendorDraft, cheapest, read_file
from procur.vendors.enrichment.model import FRAMEWORK, Fetch, Observation, VendorView, clean, digest, quote
from procur.vendors.vocabulary import Vocabulary

_MOST_FILES = 200


@dataclass(frozen=True)
class FeedSource:
    """Every .csv and .json file of a folder, read anew when it has changed.

    A line is the vendor's when it has its id, or else its name and the host of its website.
    """

    folder: Path
    vocabulary: Vocabulary
    name: str = "feeds"

    def observe(self, vendor: VendorView, fetch: Fetch) -> list[Observation]:
        """Return what the files say of the vendor; one that cannot be read is skipped alone."""
        found: list[Observation] = []
        if self.folder.is_dir():
            fetch.finish("feed")
        for path in self.files():
            try:
                stat = path.stat()
                drafts, content_hash = _drafts(path, stat.st_mtime_ns, stat.st_size, self.vocabulary)
            except (InvalidInput, OSError) as error:
                told = error.message if isinstance(error, InvalidInput) else error.strerror
                fetch.skip(path.name, f"feed {path.name}: {told}")
                continue
            seen_at = datetime.fromtimestamp(stat.st_mtime, UTC)
            for draft in drafts:
                if _is(draft, vendor):
                    found += _observations(draft, path.name, content_hash, seen_at)
        return found

    def files(self) -> list[Path]:
        """Return the files of the folder, by name; none when there is no folder."""
        if not self.folder.is_dir():
            return []
        files = [path for path in self.folder.iterdir() if path.suffix.lower() in {".csv", ".json"}]
        return sorted(path for path in files if path.is_file())[:_MOST_FILES]


# What the files held when they were last read: vendors are looked at one by one, files are read once.
_KNOWN: dict[Path, tuple[tuple[int, int], tuple[VendorDraft, ...], str]] = {}


def _drafts(
    path: Path, changed: int, size: int, vocabulary: Vocabulary
) -> tuple[tuple[VendorDraft, ...], str]:
    known = _KNOWN.get(path)
    if known is None or known[0] != (changed, size):
        report = read_file(path, vocabulary)
        known = _KNOWN[path] = ((changed, size), report.vendors, digest(path.read_bytes()))
    return known[1], known[2]


def _is(draft: VendorDraft, vendor: VendorView) -> bool:
    if draft.vendor_id == vendor.vendor_id:
        return True
    same_name = draft.name.casefold() == vendor.name.casefold()
    return same_name and _host(draft.website) is not None and _host(draft.website) == _host(vendor.website)


def _host(website: str | None) -> str | None:
    host = urlsplit(website or "").hostname
    return None if host is None else host.removeprefix("www.")


def _observations(draft: VendorDraft, file: str, content_hash: str, seen_at: datetime) -> list[Observation]:
    if draft.captured_on is not None:
        seen_at = datetime.combine(draft.captured_on, time(), UTC)
    texts = {"description": draft.description, "contact_email": draft.contact_email, "country": draft.country}
    told: list[tuple[str, dict[str, object], str]] = [
        (field, {"text": clean(text)}, text) for field, text in texts.items() if text
    ]
    if draft.plans:
        plans = [plan.as_dict() for plan in draft.plans]
        names = ", ".join(plan.name for plan in draft.plans)
        told.append(("plans", {"plans": plans, "currency": draft.currency}, names))
    if plan := cheapest(draft.plans):
        amount = {"amount": str(plan.list_price), "currency": draft.currency}
        terms = {"unit": plan.unit, "period": plan.period}
        told.append(("list_price", {**amount, **terms}, f"{plan.name}: {plan.list_price} {draft.currency}"))
    told += [(f"{FRAMEWORK}{each.framework}", {"status": each.kind}, each.source) for each in draft.evidence]
    return [
        Observation(field, value, file, "feed", "catalogue file", seen_at, content_hash, quote(words))
        for field, value, words in told
    ]
