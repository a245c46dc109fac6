"""Requests, matches, negotiations, comparisons and approvals in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from procur.cli.views.common import fact, grid, heading, money, note, row, terms_line
from procur.negotiation.wording import ISSUES, moves_in_words

_FIELDS = {
    "category": "category",
    "also_wanted": "also wanted",
    "request_type": "kind",
    "quantity": "quantity",
    "budget_yearly": "budget a year",
    "budget_total": "budget",
    "currency": "currency",
    "billing_cadence": "cadence",
    "term_months": "term in months",
    "must_haves": "must have",
    "nice_to_haves": "nice to have",
    "compliance_required": "compliance, required",
    "compliance_preferred": "compliance, if possible",
    "payment_terms": "payment terms",
    "needed_by": "needed by",
    "department": "department",
    "cost_center": "cost centre",
}
# Assumptions that say nothing about a one-off purchase.
_ABOUT_TERMS = ("chance that the tool", "one-year prices", "NETn invoices")
_STATUS = {"met": "yes", "not_met": "no", "unknown": "unknown"}


def intake(console: Console, told: dict[str, Any]) -> None:
    """Show what was understood, each field with the words it came from."""
    table = grid("field", "understood", "from the words")
    read = told["intake"]
    for name, label in _FIELDS.items():
        found = read.get(name)
        for one in found if isinstance(found, list) else [found] if found else []:
            origin = f"“{one['words']}”" + (f" ({one['note']})" if one["note"] else "")
            row(table, label, _plain(one["value"]), origin)
    console.print(table)
    for span in read["unread"]:
        note(console, f"not understood: “{span['words']}”")
    if told.get("model"):
        note(console, told["model"])
    fact(console, "request", told["request_id"])


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        if "maximum" not in value:
            return ", ".join(f"{key} {item}" for key, item in value.items())
        currency = value.get("currency", "")
        least = f"{money(value['minimum'], currency)} to " if value.get("minimum") else "at most "
        return f"{least}{money(value['maximum'], currency)}"
    return str(value)


def request(console: Console, told: dict[str, Any]) -> None:
    """Show a request with all that came of it."""
    heading(console, f"{told['request_id']}  {told['title']}")
    fact(console, "status", told["status"].replace("_", " "))
    fact(console, "budget", budget(told))
    if told["intake"]:
        intake(console, {"intake": told["intake"], "request_id": told["request_id"]})
    if told["mandate"]:
        mandate_line(console, told["mandate"])
    if told["negotiations"]:
        table = grid("session", "vendor", "round", "status", "outcome")
        for each in told["negotiations"]:
            outcome = f"{each['outcome'] or ''} {each['reason'] or ''}".strip().replace("_", " ")
            row(table, each["session_id"], each["vendor"], each["round"], each["status"], outcome)
        console.print(table)
    if told["awarded"]:
        fact(console, "awarded", f"{told['awarded']['vendor']}: {terms_line(told['awarded'])}")
    for each in told["approvals"]:
        by = f" by {each['by']}" if each["by"] else ""
        fact(console, f"approval, step {each['step']} ({each['role']})", each["decision"] + by)


def budget(told: dict[str, Any]) -> str:
    """Return a budget with the time it is for."""
    recurring = told["billing_cadence"] not in {None, "one_time"}
    return money(told["budget_max"], told["currency"]) + (" a year" if recurring else "")


def requests(console: Console, told: dict[str, Any]) -> None:
    """Show a page of requests."""
    if not told["requests"]:
        note(console, 'No requests yet. Open one: procur request new "50 seats of …"')
        return
    table = grid("request", "status", "quantity", "budget", "title", right=("quantity", "budget"))
    for each in told["requests"]:
        row(table, each["request_id"], each["status"], each["quantity"], budget(each), each["title"])
    console.print(table)
    if told["next_cursor"]:
        note(console, f"more: --cursor {told['next_cursor']}")


def matching(console: Console, told: dict[str, Any]) -> None:
    """Show who is on the shortlist and why, and the reason for everybody else."""
    for found in told["shortlist"]:
        _match(console, found, told["currency"])
    if not told["shortlist"]:
        note(console, "No vendor fits. The reasons:")
    _left_out(console, told["left_out"])


def _match(console: Console, found: dict[str, Any], currency: str) -> None:
    words = f"score {found['score']:.2f}  {found['words']}"
    console.print(Text.assemble((f"{found['name']} ", "bold"), words))
    parts = "; ".join(
        f"{part['name'].replace('_', ' ')} {part['score']:.2f} × {part['share']:.0%}"
        + ("" if part["known"] else " (unknown)")
        for part in found["parts"]
    )
    note(console, f"    {parts}")
    needs = "; ".join(f"{each['label']}: {_STATUS[each['status']]}" for each in found["requirements"])
    if needs:
        note(console, f"    {needs}")
    if found["prepaid_total"] is not None:
        prepaid = money(found["prepaid_total"], currency)
        note(console, f"    published price when a year is prepaid: {prepaid}")
    for question in found["questions"]:
        console.print(Text(f"    ask the vendor: {question}", style="yellow"))
    for framework in found["blocked_by"]:
        console.print(Text(f"    no award without evidence of {framework}", style="red"))


def _left_out(console: Console, left_out: list[dict[str, Any]]) -> None:
    """Show each reason once; vendors of other categories share a row."""
    table = grid("left out", "because")
    others = [one for one in left_out if one["code"] == "other_category"]
    for one in left_out:
        if one not in others:
            row(table, one["name"], one["reason"])
    if others:
        names = (
            f"{one['name']} {one['reason'].removeprefix('other category ')}"  # "Box (cloud-storage)"
            for one in others
        )
        row(table, f"{len(others)} vendors", "other category: " + ", ".join(names))
    console.print(table)


def mandate_line(console: Console, told: dict[str, Any]) -> None:
    """Show how far the agent may go."""
    currency = told["currency"]
    limits = [f"unit price {money(told['max_unit_price'], currency)}"]
    if told["max_yearly"] is not None:
        limits.append(f"a year {money(told['max_yearly'], currency)}")
    limits.append(f"in total {money(told['max_total'], currency)}")
    low, high = told["quantity"]
    months = ", ".join(str(month) for month in told["terms_months"])
    version = f" {told['version']}" if "version" in told else ""
    fact(console, f"mandate{version}", "at most " + "; ".join(limits))
    fact(console, "quantity", f"{low} to {high}" if low != high else low)
    fact(
        console,
        "terms",
        (f"{months} months; " if months != "0" else "one-off; ") + ", ".join(told["payment_terms"]),
    )


def mandate(console: Console, told: dict[str, Any]) -> None:
    """Show the mandates of a request, or the one it would get."""
    if told.get("proposed"):
        note(console, "No mandate yet. Negotiating would write this one, as the request says:")
        mandate_line(console, told["proposed"])
    for each in told.get("versions", []):
        mandate_line(console, each)
        if each["reason"]:
            note(console, f"    {each['reason']}")


def preferences(console: Console, told: dict[str, Any]) -> None:
    """Show what the buyer's agent was told: the mandate and what each issue is worth in money."""
    mandate_line(console, told["mandate"])
    weights = told["preferences"]["weights"]
    shares = ", ".join(f"{ISSUES[name]} {float(w):.0%}" for name, w in weights.items() if float(w))
    fact(console, "what counts", shares)
    assumed = told["preferences"]["assumptions"]
    if told["mandate"]["terms_months"] == [0]:
        assumed = [one for one in assumed if not one.startswith(_ABOUT_TERMS)]
    note(console, "  assumptions: " + "; ".join(assumed))


def talks_begin(console: Console, told: dict[str, Any]) -> None:
    """Show what the agent was told, and who answers for the vendors."""
    preferences(console, told)
    fact(console, "seed", f"{told['seed']}, at most {told['rounds']} rounds")
    unsaid = told["unsaid"]
    if unsaid:
        note(
            console,
            f"  Not said in the request, so the usual is allowed: {', '.join(unsaid)} "
            "(procur mandate set narrows it).",
        )
    if told["counterpart"] == "simulated":
        note(
            console,
            "  The vendors are simulated: private prices drawn from the seed around their public list "
            "prices. This is not how these companies would answer.",
        )


def live_round(console: Console, told: dict[str, Any]) -> None:
    """Print one round that came on record: both offers, the buyer's utility, what was conceded and why."""
    name = Text(f"{told['round']:>2}  {told['vendor']:<10.10} ", style="bold")
    if told["move"] == "end":
        console.print(name + Text("we stop: nothing inside the mandate beats the alternative", style="red"))
        return
    terms, utility = terms_line(told["terms"]), Text(f"  utility {told['utility']:.3f}", style="dim")
    if told["move"] == "accept":
        console.print(name + Text(f"we accept {terms}", style="green") + utility)
        return
    console.print(name + Text(f"we offer   {terms}") + utility)
    why = moves_in_words(told["moves"], told["currency"])
    alternative = f"; best alternative {told['alternative']:.3f}" if told["alternative"] is not None else ""
    note(console, f"                 {why}; target {told['target']:.3f}{alternative}")
    console.print(Text(" " * 15) + _their_answer(told))


def waits(console: Console, why: str) -> None:
    """Tell what a process that plays rounds waits for."""
    note(console, f"  waiting: {why}")


def work_done(console: Console, told: dict[str, Any]) -> None:
    """Tell how much was done in jobs and told as facts, and what waits."""
    waits = told["jobs_open"] + told["jobs_stuck"] + told["facts_undelivered"]
    left = (
        "nothing waiting"
        if not waits
        else f"{told['jobs_open']} jobs open, {told['jobs_stuck']} stuck, "
        f"{told['facts_undelivered']} facts to be delivered"
    )
    fact(console, "work", f"{told['jobs_done']} jobs done, {told['facts']} facts delivered, {left}")


def in_background(console: Console, told: dict[str, Any]) -> None:
    """Tell that the talks are open and who plays them."""
    fact(console, told["request_id"], f"talks with {len(told['negotiations'])} vendors are open")
    note(
        console,
        f"Workers play the rounds: procur work; look on: procur negotiation watch {told['request_id']}",
    )


def _their_answer(told: dict[str, Any]) -> Text:
    if told["answer"] is None:
        return Text("waits for the vendor's answer", style="yellow")
    if told["answer"] == "accept":
        return Text("they accept", style="green")
    if told["answer"] == "end":
        return Text("they end the talks", style="red")
    worth = Text(f"  utility {told['their_utility']:.3f}", style="dim")
    return Text(f"they ask   {terms_line(told['their_terms'])}") + worth


def negotiations(console: Console, told: dict[str, Any]) -> None:
    """Show how the sessions of a request stand."""
    table = grid("session", "vendor", "rounds", "outcome", "final offer")
    for each in told["negotiations"]:
        final = "–" if each["final"] is None else terms_line(each["final"])
        if each["waiting_for_vendor"]:
            final = "we offer " + terms_line(each["waiting_for_vendor"])
            if each["their_last"]:
                final += "; they asked " + terms_line(each["their_last"])
        state = (each["outcome"] or each["status"]).replace("_", " ")
        row(table, each["session_id"], each["vendor"], each["rounds"], state, final)
    console.print(table)
    waits = [each for each in told["negotiations"] if each["waiting_for_vendor"]]
    for each in waits:
        console.print(Text(f"to send to {each['vendor']}: “{each['waiting_for_vendor']['message']}”"))
    if waits:
        note(
            console,
            "Record what a vendor answers: procur negotiation answer SESSION counter --unit-price … "
            "(or accept, end)",
        )


def negotiation(console: Console, told: dict[str, Any]) -> None:
    """Show every offer of one session."""
    heading(
        console, f"{told['session_id']}  {told['vendor']} {told['plan'] or ''} ({told['counterpart']} vendor)"
    )
    talks = told["counterpart"] != "simulated"
    table = grid("round", "by", "offer", "total", "utility", "why", right=("round", "total", "utility"))
    for offer in told["offers"]:
        why = ""
        if offer["rationale"]:
            why = moves_in_words(offer["rationale"][0].get("moves", ()), offer["currency"])
        row(
            table,
            offer["round"],
            offer["by"],
            terms_line(offer) + ("  accepted" if offer["accepted"] else ""),
            money(offer["total"], offer["currency"]),
            "" if offer["utility"] is None else f"{offer['utility']:.3f}",
            why,
            style="green" if offer["accepted"] else None,
        )
    console.print(table)
    for offer in told["offers"] if talks else ():
        note(console, f"  {offer['round']} {offer['by']}: “{offer['message']}”")
    fact(console, "outcome", f"{told['outcome'] or told['status']}: {told['reason'] or ''}".replace("_", " "))


def replayed(console: Console, told: dict[str, Any]) -> None:
    """Show whether a replay gives the same moves as the record."""
    table = grid("round", "buyer", "vendor", "as recorded", right=("round",))
    for each in told["rounds"]:
        terms = "" if each["terms"] is None else f" {terms_line(each['terms'])}"
        row(
            table,
            each["round"],
            each["buyer"] + terms,
            each["vendor"] or "–",
            "yes" if each["same"] else "NO",
        )
    console.print(table)
    same = told["same"]
    console.print(
        Text(
            "Same moves, bit for bit." if same else "The replay differs from the record.",
            style="green" if same else "red",
        )
    )


def _basis_in_words(basis: dict[str, Any]) -> str:
    """Tell on what basis the offers are compared."""
    capital, uplift = float(basis["cost_of_capital"]), float(basis["uplift"])
    common = f"cost of capital {capital:.0%} a year; other costs: none stated"
    if not basis["horizon_months"]:
        return f"One purchase of {basis['units']} units, {common}."
    return (
        f"Over {basis['horizon_months']} months for {basis['units']} units, {basis['billing']} billing, "
        f"{common}. After a shorter term the price is assumed to rise {uplift:.0%} a year. Value counts the "
        "present value less what the extras are assumed to be worth."
    )


def comparison(console: Console, told: dict[str, Any]) -> None:
    """Show the offers on one basis, the three picks and what would change them."""
    basis = told["basis"]
    currency = basis["currency"]
    per = "per unit·month" if basis["horizon_months"] else "per unit"
    table = grid("vendor", "offer", "present value", "extras worth", per, "fit", "risk", "value",
                 right=("present value", "extras worth", per, "fit", "risk", "value"))  # fmt: skip
    for each in told["candidates"]:
        scores = each["scores"]
        mark = "" if each["agreed"] else " (their last offer)"
        row(
            table, each["name"] + mark, terms_line(each["terms"]), money(each["present_value"], currency),
            money(each["extras_worth"], currency), money(each["effective_unit_price"], currency),
            f"{float(each['fit']['score']):.2f}", f"{float(scores['risk']):.2f}",
            f"{float(scores['value']):.3f}",
            style="red" if each["blocked"] else None,
        )  # fmt: skip
    console.print(table)
    note(console, _basis_in_words(basis))
    for each in told["candidates"]:
        for reason in each["blocked"]:
            console.print(Text(f"{each['name']}: {reason}", style="red"))
    for picked in told["picks"]:
        console.print(Text.assemble((f"{picked['pick'].replace('_', ' ')}: ", "bold"), picked["candidate"]))
        for why in picked["why"]:
            console.print(Text(f"    {why}"))
        for trigger in picked["would_change"][:3]:
            note(console, f"    would change it: {trigger['words']}")
    if told["reason"]:
        console.print(Text(told["reason"], style="red"))


def award(console: Console, told: dict[str, Any]) -> None:
    """Show the award and the decision trace of the policy."""
    fact(console, "award", f"{told['vendor']}: {terms_line(told['terms'])}")
    decision = told["decision"]
    policy = decision["policy"]
    fact(
        console,
        "policy",
        f"{policy['name']} version {policy['version']}: {decision['outcome'].replace('_', ' ')}",
    )
    for entry in decision["trace"]:
        style = "bold" if entry["applied"] else "dim"
        console.print(
            Text(
                f"    {'•' if entry['applied'] else '·'} {entry['description']}: {entry['note']}", style=style
            )
        )
    for needed in decision["approvals"]:
        fact(console, f"needs step {needed['order']}", f"approval by {needed['role']}: {needed['reason']}")
    fact(console, "status", told["status"].replace("_", " "))


def waiting(console: Console, told: dict[str, Any]) -> None:
    """Show what waits for a person's decision."""
    if not told["waiting"]:
        note(console, f"Nothing waits for {told['person']}.")
        return
    table = grid("request", "step", "amount", "why", right=("step", "amount"))
    for each in told["waiting"]:
        amount = money(each["amount"], each["currency"])
        row(table, each["request_id"], each["step"], amount, each["why"] or "")
    console.print(table)


def decided(console: Console, told: dict[str, Any]) -> None:
    """Show what a decision did."""
    for each in told["approvals"]:
        fact(console, f"step {each['step']} ({each['role']})", each["decision"])
    fact(console, told["request_id"], told["status"].replace("_", " "))
