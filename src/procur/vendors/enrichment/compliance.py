"""Reading a trust page: which frameworks a vendor claims, how far, and which it says it does not meet."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from procur.vendors.enrichment.model import FRAMEWORK, Observation, Page, clean, parse, quote
from procur.vendors.vocabulary import Vocabulary, normalise

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

METHOD = "trust page"
# From the weakest to the strongest. "mentioned": named on such a page without a word about it.
_STRENGTH = ("mentioned", "in_progress", "claimed", "report", "certified")
_BLOCKS = "p, li, td, th, dd, dt, h1, h2, h3, h4, h5, h6, div, span, a, figcaption, summary"
_INLINE = {
    "a",
    "b",
    "strong",
    "em",
    "i",
    "span",
    "small",
    "sup",
    "sub",
    "br",
    "u",
    "mark",
    "abbr",
    "code",
    "time",
}
_TITLES = {"h1", "h2", "h3", "h4", "h5", "h6", "dt"}
_SENTENCES = re.compile(r"(?<=[.!?;])\s+|\s[•|·]\s|\n")
_CLAUSES = re.compile(
    r"[,:()–—]|\band (?=(?:we )?(?:are|have|is)\b)|\b(?:but|however|although|though|whereas|while)\b"
)
_TURN = re.compile(r"\b(?:but|however|although|though|whereas|while)\b")
_PROGRESS = re.compile(
    r"\b(?:in progress|in process|under ?way|working (?:to|on|towards?)|pursuing|preparing|planned|planning|"
    r"coming soon|road ?map|expect(?:ed|ing)?|targeting|will be|anticipated|"
    r"in the process|observation period|on track)\b"
)
# "No exceptions", "without a doubt", "a non-profit" and "not only" deny nothing.
_HARMLESS = re.compile(
    r"\b(?:no|without(?: an?| any)?) (?:\w+ )?(?:exceptions?|findings?|qualifications?|deviations?|doubts?)\b"
    r"|\bnon-?profits?\b|\bnot (?:only|just|limited to)\b"
)
# A word that may deny something, and then what says that it denies this. A denial outweighs every badge, and
# what is not certain is read as nothing.
_NOT = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|lacks?|lacking|except|excludes?|excluding|\w+n[’']t|"
    r"ha(?:s|ve) yet to|without|non|unsupported|unavailable|excluded|n/a)\b|[✗✘❌✕×]"
)
_DENIED_BY_ITSELF = frozenset({"neither", "nor", "unsupported", "unavailable", "n/a", *"✗✘❌✕×"})
_ON_THE_WAY = re.compile(
    r"\A(?:\s*(?:currently|presently|yet|now|today|at this time|at present|formally|officially|fully|been|"
    r"become|be|to|ha[sd]|have|holds?|complete[ds]?|achieved?|obtain(?:ed)?|undergone|offers?|provides?|signs?|supports?|"
    r"meets?|any|an?|the|our|of)\b)*\s*"
)
_DENIED = re.compile(
    r"(?:certified|certifications?|complian(?:t|ce)|comply|accredited|authori[sz]ed|attested|audited|registered|"
    r"supported|covered|applicable|available|met|something)\b"
)
_OVER = re.compile(
    r"\b(?:expired|lapsed|formerly|previously|until 20\d\d|no longer|used to be|withdrawn|"
    r"(?:was|were) (?:\w+ ){0,4}(?:certified|compliant|accredited|authori[sz]ed))\b"
)
# Whose compliance is it? Not the vendor's where the sentence is about others.
_ELSEWHERE = re.compile(
    r"\b(?:data ?cent(?:er|re)s?|hosting (?:provider|partner)s?|hosted (?:on|with|by|in)|cloud providers?|"
    r"sub-?processors?|infrastructure providers?|aws|amazon web services|google cloud|azure|"
    r"our (?:partner|supplier|provider)s?|third[- ]party (?:provider|vendor|service)s?)\b"
)
_ABOUT = re.compile(
    r"\b(?:helps? (?:you|your|our|customers|companies|teams|organi[sz]ations)|"
    r"enables? (?:you|your|customers)|what is|how to|guide|learn (?:more )?about|checklist|webinar|"
    r"template|e-?book|"
    r"your (?:own )?(?:compliance|obligations)|if you (?:need|require|are subject)|"
    r"customers (?:who|that|subject|can|must)|you are responsible|automate your)\b"
)
_CERTIFIED = re.compile(
    r"\b(?:certified|certificates?|certification|accredited|accreditation|authori[sz]ed|zertifiziert|registered)\b"
)
_REPORT = re.compile(r"\b(?:reports?|attestation|attested|audited|audit|aoc|bridge letter|examination)\b")
_CLAIMED = re.compile(
    r"\b(?:complian(?:t|ce)|compl(?:y|ies)|conform(?:s|ant)?|adheres?|meets?|aligned|ready|supports?|"
    r"supported|signs?|offers?|provides?|available|yes)\b|✓|✔|✅"
)
_TYPE = re.compile(r"\btype (ii|2|i|1)\b")
# A part of a sentence that starts anew: what was denied before it is not denied in it.
_OWN = re.compile(r"\b(?:we|our|is|are|has|have|it|they)\b")
_MOST = 4000
_LONGEST_HEADING = 80


@dataclass(frozen=True, slots=True)
class Statement:
    """What one sentence says of one framework; `status` "denied" means that it is not met."""

    framework: str
    status: str
    words: str
    type: str | None = None


def statements(html: str, vocabulary: Vocabulary) -> list[Statement]:
    """Return what the sentences of a page say, in their order."""
    found: list[Statement] = []
    for block in _blocks(html):
        sentences = [part for part in _SENTENCES.split(block) if part.strip()]
        for number, sentence in enumerate(sentences):
            answer = sentences[number + 1] if number + 1 < len(sentences) else ""
            found += _read(sentence, answer, vocabulary)
    return found


def observe(page: Page, vocabulary: Vocabulary) -> list[Observation]:
    """Return one observation for each framework that a page speaks of.

    A page that denies a framework anywhere denies it: a badge beside it does not outweigh the sentence.
    """
    spoken: dict[str, list[Statement]] = {}
    for each in statements(page.html, vocabulary):
        spoken.setdefault(each.framework, []).append(each)
    found = []
    for framework, said in sorted(spoken.items()):
        denied = [each for each in said if each.status == "denied"]
        chosen = denied[0] if denied else max(said, key=lambda each: _STRENGTH.index(each.status))
        kind = next((each.type for each in [chosen, *said] if each.type), None)
        status = "claimed" if chosen.status == "mentioned" else chosen.status
        value = {"status": status} | ({"type": kind} if kind and not denied else {})
        found.append(
            Observation(
                f"{FRAMEWORK}{framework}",
                value,
                page.url,
                "compliance_page",
                METHOD,
                page.fetched_at,
                page.content_hash,
                quote(chosen.words),
            )
        )
    return found


def _blocks(html: str) -> list[str]:
    """Return the texts of the smallest blocks of a page: paragraphs, list items, rows, badges.

    A row is read as "HIPAA: no", and so is a heading with the text below it.
    """
    tree = parse(html)
    tree.strip_tags(["nav", "script", "form"])
    texts = [_row(row) for row in tree.css("tr")[:_MOST]]
    for table in tree.css("table"):
        table.decompose()
    for node in tree.css(_BLOCKS)[:_MOST]:
        if node.tag in _INLINE and not _stands_alone(node):
            continue
        if any(child.tag not in _INLINE for child in node.iter(include_text=False)):
            continue
        text = clean(node.text(separator=" "))
        if node.tag in _TITLES and 0 < len(text) <= _LONGEST_HEADING:
            text = f"{text}: {_below(node)}"
        texts.append(text)
    return [text for text in dict.fromkeys(texts) if text]


def _row(row: "LexborNode") -> str:
    cells = [clean(cell.text(separator=" "), longest=400) for cell in row.css("th, td")[:10]]
    return ": ".join(cell for cell in cells if cell)


def _below(title: "LexborNode") -> str:
    """Return the start of what stands below a title, when that is not a title too."""
    following = title.next
    while following is not None and following.is_text_node and not clean(following.text()):
        following = following.next
    if following is None or following.tag in _TITLES:
        return ""
    return clean(following.text(separator=" "), longest=300)


def _stands_alone(node: "LexborNode") -> bool:
    """Tell whether an inline element is a badge of its own: its parent holds blocks beside it."""
    parent = node.parent
    return parent is not None and any(child.tag not in _INLINE for child in parent.iter(include_text=False))


def _read(sentence: str, answer: str, vocabulary: Vocabulary) -> list[Statement]:
    told = sentence.casefold()
    if not vocabulary.frameworks_named_in(sentence):
        return []
    if told.rstrip().endswith("?"):
        return _answered(sentence, answer, vocabulary)
    if _ABOUT.search(told) or _ELSEWHERE.search(told):
        return []
    clauses = _clauses(told)
    own = [_status(clause, vocabulary) for clause, _ in clauses]
    found = []
    for number, (clause, _) in enumerate(clauses):
        named = vocabulary.frameworks_named_in(clause)
        status = _in_context(clauses, own, number) if named else "over"
        if status != "over":
            found += [Statement(each.key, status, sentence, _type_of(told, each.key)) for each in named]
    return found


def _in_context(clauses: list[tuple[str, bool]], own: list[str], number: int) -> str:
    """Return what a part of a sentence says, read with the parts around it up to the next "but".

    "We are not HIPAA, PCI or FedRAMP compliant" denies all three; "SOC 2: in progress" and "SOC 2, ISO 27001
    and GDPR compliant" say of the first name what comes after it.
    """
    start = max(at for at in range(number + 1) if at == 0 or clauses[at][1])
    for before in range(number - 1, start - 1, -1):
        if any(_OWN.search(clauses[at][0]) for at in range(before + 1, number + 1)):
            break
        if own[before] == "denied":
            return "denied"
    if own[number] != "mentioned":
        return own[number]
    for after in range(number + 1, len(clauses)):
        if clauses[after][1]:
            break
        if own[after] != "mentioned":
            return own[after]
    return next((own[at] for at in range(number - 1, start - 1, -1) if own[at] != "mentioned"), "mentioned")


def _clauses(told: str) -> list[tuple[str, bool]]:
    """Return the parts of a sentence, and of each whether a "but" stands before it."""
    parts, start, turned = [], 0, False
    for mark in _CLAUSES.finditer(told):
        parts.append((told[start : mark.start()], turned))
        turned = bool(_TURN.fullmatch(mark[0]))
        start = mark.end()
    parts.append((told[start:], turned))
    return [(part, after) for part, after in parts if part.strip()]


def _status(clause: str, vocabulary: Vocabulary) -> str:
    clause = _HARMLESS.sub(" ", clause)
    if _OVER.search(clause):
        return "over"
    if _PROGRESS.search(clause):
        return "in_progress"
    negations = list(_NOT.finditer(clause))
    if negations:
        return "denied" if any(_denies(clause, each, vocabulary) for each in negations) else "over"
    if _CERTIFIED.search(clause):
        return "certified"
    if _REPORT.search(clause):
        return "report"
    return "claimed" if _CLAIMED.search(clause) else "mentioned"


def _denies(clause: str, negation: re.Match[str], vocabulary: Vocabulary) -> bool:
    """Tell whether a negation is about the framework: nothing else follows it, or the framework does."""
    if negation[0] in _DENIED_BY_ITSELF:
        return True
    if negation[0] in {"without", "non", "excluded"}:
        return False
    rest = _ON_THE_WAY.sub("", clause[negation.end() :])
    next_words = " ".join(rest.split()[:3])
    return not re.search(r"\w", rest) or bool(
        _DENIED.match(rest) or vocabulary.frameworks_named_in(next_words)
    )


def _answered(sentence: str, answer: str, vocabulary: Vocabulary) -> list[Statement]:
    """Read a question by the answer that follows it ("Are you HIPAA compliant? No.")."""
    first = normalise(answer).split(" ", 1)[0]
    if first not in {"yes", "no", "not"}:
        return []
    status = "claimed" if first == "yes" else "denied"
    words = f"{sentence} {answer}"
    return [Statement(each.key, status, words) for each in vocabulary.frameworks_named_in(sentence)]


def _type_of(clause: str, framework: str) -> str | None:
    match = _TYPE.search(clause) if framework == "soc2" else None
    return None if match is None else {"ii": "II", "2": "II"}.get(match[1], "I")
