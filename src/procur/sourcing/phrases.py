"""How strongly something is wanted: "a must", "if possible", "not needed", within the clause that says so."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

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
_SENTENCE = re.compile(
    r"(?:(?<!approx)(?<!max)(?<!min)(?<!\bca)(?<!incl)(?<!excl)(?<!\bno)(?<!\bRs))\.(?=\s|$)|[!?;]|\n"
)
_JOINT = re.compile(
    r"(?P<list>,\s*(?:and|or)\s|(?<!\w)(?:and|or|nor|as\s+well\s+as|plus)(?=\s)|&|/(?=\s))"
    r"|(?P<colon>:)|(?P<apart>(?<!\w)(?:but|while|whereas|though|although|however|with"
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


@dataclass(slots=True)
class _Part:
    """A stretch of a sentence between commas, "and", "but"."""

    start: int
    end: int
    joint: str
    line: int
    items: list[tuple[int, int]]
    marks: list[tuple[str, int, int]]
    bare: bool = False

    def strength(self) -> tuple[str, int, int] | None:
        """Return the mark that decides for the part: a refusal, then a wish, then a must."""
        return _weightiest(self.marks)

    def strength_of(self, start: int) -> tuple[str, int, int] | None:
        """Return the mark of one item: in "wiki without SSO" the wiki is wanted."""
        return _weightiest([mark for mark in self.marks if mark[1] < start or not self._follows(mark)])

    def _follows(self, mark: tuple[str, int, int]) -> bool:
        return any(item[0] > mark[1] for item in self.items)

    def before_items(self, mark: tuple[str, int, int]) -> bool:
        return not self.items or mark[1] < self.items[0][0]


class Strengths:
    """The strength word of each item; `marks` are the places of the words used."""

    def __init__(self, text: str, items: Iterable[tuple[int, int]]) -> None:
        self._parts: list[_Part] = []
        self.marks: set[tuple[int, int]] = set()
        self._own: dict[int, tuple[str, int, int]] = {}
        self._split(text, sorted(items))
        self._spread()

    def of(self, start: int) -> str | None:
        """Return must, prefer or not for the item that starts here; None when no word says."""
        for number, part in enumerate(self._parts):
            if part.start <= start < part.end:
                mark = part.strength_of(start) if part.marks else self._own.get(number)
                if mark is None:
                    return None
                self.marks.add((mark[1], mark[2]))
                return mark[0]
        return None

    def _split(self, text: str, items: list[tuple[int, int]]) -> None:
        covered = list(text)
        for start, end in items:
            covered[start:end] = "\x00" * (end - start)
        plain = "".join(covered)
        left, line, joint = 0, 0, "start"
        cuts = [(match.start(), match.end(), "stop") for match in _SENTENCE.finditer(plain)]
        cuts += [(match.start(), match.end(), str(match.lastgroup)) for match in _JOINT.finditer(plain)]
        for start, end, kind in [*sorted(cuts), (len(plain), len(plain), "stop")]:
            if start < left:
                continue
            self._add(plain, (left, start), joint, line, items)
            line += kind == "stop"
            left, joint = end, "start" if kind == "stop" else kind
            if kind == "stop" and plain[start:end] == "\n" and plain[end : end + 1] in {"\n", ""}:
                joint = "paragraph"

    def _add(
        self, plain: str, place: tuple[int, int], joint: str, line: int, items: list[tuple[int, int]]
    ) -> None:
        start, end = place
        inside = [item for item in items if start <= item[0] < end]
        marks = []
        for match in _MARK.finditer(plain, start, end):
            name = (
                MUST
                if match.lastgroup == "double"
                else REFUSE
                if match.lastgroup == "refuse"
                else str(match.lastgroup)
            )
            marks.append((name, match.start(), match.end()))
        rest = plain[start:end]
        if bullet := _BULLET.match(rest):
            joint = "bullet" if joint in {"start", "paragraph"} else joint
            rest = rest[bullet.end() :]
        bare = bool(_BARE.fullmatch(rest))
        self._parts.append(_Part(start, end, joint, line, inside, marks, bare))

    def _spread(self) -> None:
        """Give each part its own mark, else one of its list, else the one of the heading above it."""
        heading: tuple[str, int, int] | None = None
        running: tuple[str, int, int] | None = None
        for number, part in enumerate(self._parts):
            mark = part.strength()
            nxt = self._parts[number + 1] if number + 1 < len(self._parts) else None
            if part.joint == "paragraph" and not part.items:
                heading = None
            if mark is not None:
                self._own[number] = mark
                running = mark if part.before_items(mark) and (part.items or _opens(nxt)) else None
                if (
                    not part.items
                    and nxt is not None
                    and nxt.joint == "colon"
                    and part.joint in {"start", "bullet", "paragraph"}
                ):
                    heading = mark
                continue
            if nxt is not None and nxt.joint == "colon" and part.joint in {"start", "paragraph"}:
                heading = running = None
                continue
            if part.joint in {"start", "bullet", "paragraph"}:
                running = heading if part.joint == "bullet" or part.bare else None
            elif part.joint == "colon" and heading is not None and running is None:
                running = heading
            elif running is not None and part.items and not part.bare and part.joint == "comma":
                running = None
            if running is not None and part.items:
                self._own[number] = running
        self._spread_back()

    def _spread_back(self) -> None:
        """Let "SSO, SCIM and audit logs required" reach the whole list."""
        for number in range(len(self._parts) - 1, 0, -1):
            part, before = self._parts[number], self._parts[number - 1]
            mark = self._own.get(number)
            if mark is None or number - 1 in self._own or not before.items:
                continue
            if not part.items:
                # "SOC 2: nice to have" says it after the colon.
                if part.joint == "colon" and part.marks:
                    self._own[number - 1] = mark
                continue
            after = mark[1] >= part.items[-1][0] or mark[1] < part.start or mark[1] >= part.end
            if after and (part.joint == "list" or (part.joint == "comma" and before.bare)):
                self._own[number - 1] = mark


def _weightiest(marks: list[tuple[str, int, int]]) -> tuple[str, int, int] | None:
    for name in (REFUSE, PREFER, MUST):
        for mark in marks:
            if mark[0] == name:
                return mark
    return None


def _opens(part: _Part | None) -> bool:
    return part is not None and part.joint in {"colon", "apart", "list"}
