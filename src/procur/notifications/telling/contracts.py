"""Contracts, orders and their calendar."""

from procur.db import Session
from procur.events.event import Event
from procur.notifications.messages import Message
from procur.notifications.readers import Reader, allowed, contract_of, involved, signers
from procur.notifications.telling.model import Tell, Told, amount

_SIGN = "contract.sign_for_buyer"
_READ = "contract.read"


def drafted(session: Session, event: Event) -> Told | None:
    """Tell both sides' signers that a contract can be signed; the vendor's side learns its number only."""
    found = contract_of(session, event.aggregate_id)
    if found is None:
        return None
    contract, request = found
    ours = involved(session, request, _SIGN) or allowed(session, _SIGN)
    facts = event.payload

    def write(reader: Reader) -> Message:
        side = "vendor" if reader.role == "vendor" else "buyer"
        return Message(
            f"{contract.contract_id} is ready to be signed",
            ("Each side signs for itself; read the document first.",),
            (("Total", amount(reader, _READ, facts["total"], facts["currency"])),),
            f"procur contract sign {contract.contract_id} --for {side}",
        )

    return Told("contract_to_sign", [*ours, *signers(session, contract.vendor_id)], write)


def signed(session: Session, event: Event) -> Told | None:
    """Tell those involved that a side has signed, or that the contract is in force."""
    found = contract_of(session, event.aggregate_id)
    if found is None:
        return None
    contract, request = found
    side = event.payload.get("side")
    title = f"The {side} has signed {contract.contract_id}" if side else f"{contract.contract_id} is in force"
    people = involved(session, request, _READ)
    if not side:
        people += signers(session, contract.vendor_id)

    def write(reader: Reader) -> Message:
        del reader
        return Message(title, command=f"procur contract show {contract.contract_id}")

    return Told("contract_signed", people, write)


def ordered(session: Session, event: Event) -> Told | None:
    """Tell those involved that an order was issued."""
    facts = event.payload
    found = contract_of(session, facts["contract_id"])
    if found is None:
        return None

    def write(reader: Reader) -> Message:
        return Message(
            f"{event.aggregate_id} was issued under {facts['contract_id']}",
            (),
            (("Payable", amount(reader, _READ, facts["payable"], facts["currency"])),),
            f"procur po show {event.aggregate_id}" if reader.may(_READ) else None,
        )

    return Told("order_issued", involved(session, found[1], "request.read"), write)


def deadline(session: Session, event: Event) -> Told | None:
    """Tell those involved, or else all buyers, that a contract renews, wants notice, has ended or renewed."""
    facts = event.payload
    found = contract_of(session, event.aggregate_id)
    people = [] if found is None else involved(session, found[1], _READ)
    renews = "renews on" if facts.get("auto_renew") else "is up for renewal on"
    what, on = {
        "ContractRenewalDue": (renews, "renewal_date"),
        "NoticeDeadlineAhead": ("can be given notice only until", "deadline"),
        "ContractExpired": ("has ended on", "end_date"),
        "ContractRenewed": ("has renewed until", "end_date"),
    }[event.type]

    def write(reader: Reader) -> Message:
        return Message(
            f"{event.aggregate_id} with {facts['vendor']} {what} {facts[on]}",
            ("It renews by itself unless notice is given." if facts.get("auto_renew") else "",),
            (
                ("Days left", str(facts.get("days_left", ""))),
                ("Total", amount(reader, _READ, facts.get("total"), facts.get("currency"))),
            ),
            f"procur contract show {event.aggregate_id}" if reader.may(_READ) else None,
        )

    return Told("contract_deadline", people or allowed(session, "contract.draft"), write)


def evidence(session: Session, event: Event) -> Told:
    """Tell those who keep evidence that a proof runs out, or has run out while nobody looked."""
    facts = event.payload
    left = f"{facts['days_left']} days are left." if facts["days_left"] >= 0 else "It has run out."

    def write(reader: Reader) -> Message:
        del reader
        return Message(
            f"{facts['framework']} of {facts['vendor']} is proved until {facts['valid_until']} only",
            (f"{left} Ask the vendor for a new proof and record it.",),
            (("Proof", f"{facts['kind']}: {facts['source']}"),),
            f"procur vendors evidence {facts['vendor_id']} --framework … --kind … --source …",
        )

    return Told("evidence_expiring", allowed(session, "evidence.write"), write)


TELL: dict[str, Tell] = {
    "ContractDrafted": drafted,
    "ContractSigned": signed,
    "ContractActivated": signed,
    "PurchaseOrderIssued": ordered,
    "ContractRenewalDue": deadline,
    "NoticeDeadlineAhead": deadline,
    "ContractExpired": deadline,
    "ContractRenewed": deadline,
    "EvidenceExpiring": evidence,
}
