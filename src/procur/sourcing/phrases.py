"""How strongly something is wanted: "a must", "if possible", "not needed", within the clause that says so."""

import re
from dataclasses import dataclass
from typing import NamedTuple

MUST, PREFER, REFUSE = "must", "prefer", "not"

_NOT = r"(?:n't|n\u2019t|nt|\s+not)"
# Order matters inside each list: the longer wording first.
_MARKS = {
    MUST: (
        rf"(?:ca|can|could|wo|would|will|do|does){_NOT}\s+(?:\w+\s+){{0,3}}without"
        rf"|cannot\s+(?:\w+\s+){{0,3}}without"
        r"|(?:useless|unusable|no\s+deal|nothing|never|not)\s+without|not\s+optional|non-?\s?negotiable"
        r"|deal-?\s?breakers?|(?:a\s+|an\s+absolute\s+|absolute\s+)?must[\s-]?haves?|(?:is\s+"
        r"|are\s+)?an?\s+(?:absolute\s+)?must"
        r"|(?:absolutely\s+|strictly\s+|definitely\s+|really\s+)?(?:must|need(?:s|ed)?|required?|requires)"
        r"(?:\s+to\s+(?:have|support|include|offer|be))?(?:\s+(?:have|support|include|be|come\s+with))?"
        r"|hard\s+requirements?|requirements?|requiring|mandatory|compulsory|obligatory|essential"
        r"|indispensable|critical|necessary"
        r"|ha(?:s|ve)\s+to\s+(?:have|support|include|be)|insists?\s+on|shall\s+(?:have|support|include)|musts"
    ),
    PREFER: (
        r"(?:(?:is|are|would\s+be)\s+(?:also\s+)?)?(?:fine|ok|okay|acceptable)|nice(?=\s*(?:[.,;:)\n]|$))|"
        r"(?:is\s+|are\s+|it's\s+)?(?:not|n't)\s+(?:strictly\s+|absolutely\s+)?(?:mandatory|essential"
        r"|critical|crucial|a\s+must(?:[\s-]have)?|a\s+deal-?\s?breaker)"
        r"|(?:would|will|might)\s+be\s+(?:a\s+|really\s+|very\s+)?(?:nice|great|good|lovely|helpful"
        r"|useful|ideal|welcome|appreciated|awesome|plus|bonus|preferable|preferred)"
        r"(?:\s+to\s+have)?|nice[\s-]to[\s-]haves?|good[\s-]to[\s-]haves?|(?:is|are)\s+(?:nice|welcome"
        r"|desirable|desired)"
        r"|(?:if|where|when|wherever)\s+(?:(?:it\s+is|it's|at\s+all|they\s+are)\s+)?(?:possible"
        r"|available|feasible|offered|you\s+can|they\s+can)"
        r"|(?:is\s+|are\s+)?(?:an?\s+)?(?:big\s+)?(?:plus(?!\s+\w)|bonus)|(?:is\s+|are\s+)?optional(?:ly)?"
        r"|(?:we\s+|we'd\s+|we\s+would\s+|would\s+|i'd\s+|i\s+)?prefer(?:s|red|ably|able|ring|ence"
        r"|ences)?(?:\s+(?:for|to\s+have|to\s+pay|is|are))?"
        r"|ideal(?:ly)?|hopefully|(?:we'd|we\s+would|would|i'd)\s+(?:also\s+)?(?:like|love|appreciate"
        r"|welcome)(?:\s+to\s+(?:have|see|get))?"
        r"|wish(?:\s?list)?|desirable|desired|could\s+have|nice(?=\s*:)|bonus"
    ),
    REFUSE: (
        r"(?:is\s+|are\s+)?(?:not\s+|n't\s+)(?:really\s+|strictly\s+|actually\s+)?(?:needed|necessary"
        r"|required|wanted|relevant|important|of\s+interest)"
        rf"|(?:do|does|did|will|would){_NOT}\s+(?:really\s+|actually\s+)?(?:need|require|want"
        rf"|care\s+(?:about|for))(?:\s+to\s+have)?"
        r"|(?:is|are|was)(?:n't|n\u2019t)\s+(?:really\s+|strictly\s+)?(?:needed|necessary|required"
        r"|wanted|important)"
        r"|no\s+need\s+(?:for|of)|need(?:n't|\s+not)(?:\s+(?:have|be))?|unnecessary|(?:can"
        r"|could)\s+be\s+skipped|skip"
        r"|can\s+(?:do|live)\s+without|without|except(?:\s+for)?|excluding|not\s+looking\s+for"
        r"|no(?:\s+longer)?|not|never|nor|neither"
    ),
}
_ORDER = (
    # "not a must" and "not needed" hold the word of another list: read the negated forms first.
    (PREFER, _MARKS[PREFER]),
    (REFUSE, _MARKS[REFUSE]),
    (MUST, _MARKS[MUST]),
)
_DOUBLE = _MARKS[MUST].split("|(?:a\\s+|", maxsplit=1)[0]
_MARK = re.compile(
    rf"(?<!\w)(?:(?P<double>{_DOUBLE})|"
    + "|".join(f"(?P<{'refuse' if name == REFUSE else name}>{pattern})" for name, pattern in _ORDER)
    + r")(?!\w)",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"(?:a\s+must|must|must[\s-]have|required|needed|mandatory|essential|critical|compulsory|possible|available|preferred"
    r"|optional|to[\s-]have|nice|plus|bonus|necessary|desirable|fine|ok|okay|acceptable)$",
    re.IGNORECASE,
)
_NEAR = 4
_NAMES = {"double": MUST, "must": MUST, "prefer": PREFER, "refuse": REFUSE}
_SENTENCE = re.compile(
    r"(?:(?<!approx)(?<!max)(?<!min)(?<!\bca)(?<!incl)(?<!excl)(?<!\bno)(?<!\bRs))\.(?=\s|$)|[!?;]|\n"
)
_JOINT = re.compile(
    r"(?P<list>,\s*(?:and|or)\s|(?<!\w)(?:and|or|nor|as\s+well\s+as|plus)(?=\s)|&|/(?=\s))"
    r"|(?P<colon>:)|(?P<aside>\s[-\u2013\u2014]\s|[()])|(?P<apart>(?<!\w)(?:but|while|whereas"
    r"|though|although|however|with"
    r"|including)(?!\w)|\s[-\u2013\u2014]\s|[()])|(?P<comma>,)",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\s*(?:[-*•\u2013\u2014▪·+]|\[[ x]?\]|[0-9]{1,2}[.)])\s+", re.IGNORECASE)
_BARE = re.compile(
    (
        r"(?:\W|\b(?:a|an|the|also|both|either|full|native|built|in|good|support|for|of|certified"
        r"|certification|certificate|compliance"
        r"|compliant|report|reports|type|ii|i|2|1|attestation|login|access|as|well|is|are|it|etc|that"
        r"|have|with)\b)*"
    ),
    re.IGNORECASE,
)


class Mark(NamedTuple):
    """A strength word and its place; `behind` tells that it stands behind what it is about."""

    name: str
    start: int
    end: int
    behind: bool


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of a sentence between commas, "and", "but"; `joint` is what stands before it.

    `bare` tells that it holds nothing but items and words that say nothing; `hint`, only strength words.
    """

    start: int
    end: int
    joint: str
    items: tuple[tuple[int, int], ...]
    marks: tuple[Mark, ...]
    bare: bool
    hint: bool

    @property
    def opens_line(self) -> bool:
        """Tell whether a sentence, a line or a bullet begins here."""
        return self.joint in {"start", "bullet", "paragraph"}

    def mark(self) -> Mark | None:
        """Return the mark that decides: a refusal, then a wish, then a must."""
        return _weightiest(self.marks)

    def mark_of(self, start: int) -> Mark | None:
        """Return the mark of one item: in "wiki without SSO" the wiki is wanted."""
        owned = self._owned() if len(self.items) > 1 else {}
        if start in owned:
            return owned[start]
        return _weightiest(
            tuple(
                mark
                for mark in self.marks
                if mark not in owned.values()
                and (mark.start < start or all(item[0] < mark.start for item in self.items))
            )
        )

    def _owned(self) -> dict[int, Mark]:
        """Pair items with the marks right behind them: "SSO a must SOC 2 if possible"."""
        found = {}
        for number, (start, end) in enumerate(self.items):
            before = self.items[number - 1][1] if number else self.start
            refused = any(mark.name == REFUSE and before <= mark.start < start for mark in self.marks)
            behind = next(
                (mark for mark in self.marks if end <= mark.start <= end + _NEAR and mark.behind), None
            )
            if behind is not None and not refused:
                found[start] = behind
        return found


def clauses(text: str, items: list[tuple[int, int]]) -> list[Clause]:
    """Cut a text into clauses; the words of the items themselves are no strength words."""
    letters = list(text)
    for start, end in items:
        letters[start:end] = "\x00" * (end - start)
    plain = "".join(letters)
    cuts = [(match.start(), match.end(), "stop") for match in _SENTENCE.finditer(plain)]
    cuts += [(match.start(), match.end(), str(match.lastgroup)) for match in _JOINT.finditer(plain)]
    found = []
    left, joint = 0, "start"
    for start, end, kind in [*sorted(cuts), (len(plain), len(plain), "stop")]:
        if start < left:
            continue
        found.append(_clause(plain, left, start, joint, items))
        left, joint = end, "start" if kind == "stop" else kind
        if kind == "stop" and plain[start:end] == "\n" and plain[end : end + 1] in {"\n", ""}:
            joint = "paragraph"
    return found


def _clause(plain: str, start: int, end: int, joint: str, items: list[tuple[int, int]]) -> Clause:
    inside = tuple(item for item in items if start <= item[0] < end)
    matches = list(_MARK.finditer(plain, start, end))
    marks = tuple(_mark(match) for match in matches)
    rest = plain[start:end]
    if bullet := _BULLET.match(rest):
        joint = "bullet" if joint in {"start", "paragraph"} else joint
        rest = rest[bullet.end() :]
    without = _MARK.sub(" ", rest)
    hint = bool(marks) and not inside and bool(_BARE.fullmatch(without))
    return Clause(start, end, joint, inside, marks, bool(_BARE.fullmatch(rest)), hint)


def _mark(match: re.Match[str]) -> Mark:
    behind = _BEHIND.search(match[0]) is not None
    return Mark(_NAMES[str(match.lastgroup)], match.start(), match.end(), behind)


def _weightiest(marks: tuple[Mark, ...]) -> Mark | None:
    return next((mark for name in (REFUSE, PREFER, MUST) for mark in marks if mark.name == name), None)
