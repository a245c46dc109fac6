"""Which strength word belongs to which item: its own clause's, its list's, or the heading's above it."""

from collections.abc import Iterable

from procur.sourcing.phrases import Clause, Mark, clauses


class Strengths:
    """The strength word of each item; `marks` are the places of the words that were used.

    `alone` are items that keep their strength to themselves: "never prepaid, SSO" does not refuse SSO.
    """

    def __init__(self, text: str, items: Iterable[tuple[int, int]], alone: Iterable[int] = ()) -> None:
        self._clauses = clauses(text, sorted(items))
        self._alone = frozenset(alone)
        self._given: dict[int, Mark] = {}
        self.marks: set[tuple[int, int]] = set()
        self._spread_forward()
        self._spread_back()

    def of(self, start: int) -> str | None:
        """Return must, prefer or not for the item that starts here; None when no word says."""
        for number, clause in enumerate(self._clauses):
            if clause.start <= start < clause.end:
                mark = clause.mark_of(start) if clause.marks else self._given.get(number)
                if mark is None:
                    return None
                self.marks |= {(one.start, one.end) for one in (mark, *clause.marks)}
                return mark.name
        return None

    def _spread_forward(self) -> None:
        """Carry "must have: SSO, SCIM" and the headings of bullet lists to what follows."""
        heading: Mark | None = None
        running: Mark | None = None
        for number, clause in enumerate(self._clauses):
            mark = clause.mark()
            titles = clause.opens_line and self._joint_after(number) == "colon" and not clause.items
            if titles or (clause.joint == "paragraph" and not clause.items):
                heading = mark
            if mark is not None:
                self._given[number] = mark
                running = mark if self._leads(number, mark) else None
            elif titles:
                running = None
            else:
                running = self._carried(number, running, heading)
                if running is not None and clause.items:
                    self._given[number] = running

    def _carried(self, number: int, running: Mark | None, heading: Mark | None) -> Mark | None:
        clause = self._clauses[number]
        if clause.opens_line:
            return heading if clause.joint == "bullet" or clause.bare else None
        if clause.joint == "colon" and running is None:
            return heading
        ends = clause.items and clause.joint == "comma" and not clause.bare
        return None if ends or self._list_has_own_word(number) else running

    def _leads(self, number: int, mark: Mark) -> bool:
        """Tell whether a mark stands before what it is about, so that it may hold for more of it."""
        items = self._clauses[number].items
        if not items:
            return self._joint_after(number) in {"colon", "apart", "aside", "list"}
        return mark.start < items[0][0] and any(item[0] not in self._alone for item in items)

    def _list_has_own_word(self, number: int) -> bool:
        """Tell whether the list this clause is in ends with a word of its own ("and SOC 2 required")."""
        for clause in self._clauses[number + 1 :]:
            if clause.marks:
                last = clause.mark()
                return clause.joint == "list" and last is not None and _follows_items(clause, last)
            if clause.joint not in {"comma", "list"} or not clause.bare:
                return False
        return False

    def _spread_back(self) -> None:
        """Let "SSO, SCIM and audit logs required" and "webhooks (nice to have)" reach what stands before."""
        for number in range(len(self._clauses) - 1, 0, -1):
            clause, before = self._clauses[number], self._clauses[number - 1]
            mark = self._given.get(number)
            if mark is None or before.marks or not before.items:
                continue
            if clause.hint and clause.joint in {"colon", "aside"} and self._joint_after(number) != "colon":
                self._given[number - 1] = mark
            elif clause.items and clause.joint == "list":
                if mark.start >= clause.end or _follows_items(clause, mark):
                    self._given[number - 1] = mark
            elif clause.items and clause.joint == "comma" and before.bare and mark.start >= clause.end:
                # Only a list reaches over a comma: "SSO, SOC 2 if possible" softens SOC 2 alone.
                self._given[number - 1] = mark

    def _joint_after(self, number: int) -> str:
        return self._clauses[number + 1].joint if number + 1 < len(self._clauses) else ""


def _follows_items(clause: Clause, mark: Mark) -> bool:
    return bool(clause.items) and clause.start <= mark.start < clause.end and mark.start > clause.items[-1][0]
