"""What a purchase order says, typed, with its arithmetic done once: everything else only writes it down."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from procur.core.deal import Terms
from procur.core.errors import InvalidInput
from procur.core.money import show_price

_ZERO = Decimal(0)
_HUNDRED = Decimal(100)
_CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """Round to what an order may state: two decimals in every currency.

    Rounding yen to whole yen here would put a line further off quantity x price than the rules allow; whole
    yen are reached by `rounding` on the whole order.
    """
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class TaxCategory:
    """A tax treatment that the caller knows: S with its rate, Z, E, AE, K, G, or O (outside of tax)."""

    code: str
    percent: Decimal | None = None
    scheme: str = "VAT"


@dataclass(frozen=True, slots=True)
class OrderContact:
    """Whom to ask."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class OrderParty:
    """Buyer or seller; `endpoint_scheme` says what its electronic address is ("0088" GLN, "EM" e-mail)."""

    legal_name: str
    endpoint_id: str
    endpoint_scheme: str
    country: str
    address_lines: tuple[str, ...] = ()
    city: str | None = None
    postal_code: str | None = None
    tax_id: str | None = None
    tax_scheme: str = "VAT"
    registration_id: str | None = None
    contact: OrderContact | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """A discount, or a charge. With `percent` and `base` the amount is base x percent / 100, within 0.02."""

    amount: Decimal
    reason: str
    charge: bool = False
    reason_code: str | None = None
    percent: Decimal | None = None
    base: Decimal | None = None
    tax: TaxCategory | None = None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line. `unit_price` is for `base_quantity` units (None: one) and may have more than two decimals."""

    id: str
    name: str
    quantity: Decimal
    unit_code: str
    unit_price: Decimal
    description: str | None = None
    base_quantity: Decimal | None = None
    gross_price: Decimal | None = None
    tax: TaxCategory | None = None
    allowances: tuple[Allowance, ...] = ()
    seller_item_id: str | None = None
    note: str | None = None

    @property
    def net(self) -> Decimal:
        """Return quantity x price / base quantity + charges - allowances, rounded once."""
        price = self.quantity * self.unit_price / (self.base_quantity or Decimal(1))
        return cents(price + _signed(self.allowances))


@dataclass(frozen=True, slots=True)
class OrderTotals:
    """The sums of an order; tax and tax-inclusive are None while the tax treatment is unknown."""

    lines: Decimal
    allowances: Decimal
    charges: Decimal
    exclusive: Decimal
    tax: Decimal | None
    inclusive: Decimal | None
    payable: Decimal


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """A purchase order. `profile` is order_only, ordering (an answer is expected) or advanced_ordering."""

    id: str
    issue_date: date
    currency: str
    buyer: OrderParty
    seller: OrderParty
    lines: tuple[OrderLine, ...]
    profile: str = "order_only"
    order_type: str = "220"
    note: str | None = None
    customer_reference: str | None = None
    valid_until: date | None = None
    contract_reference: str | None = None
    delivery_from: date | None = None
    delivery_until: date | None = None
    delivery_terms: str | None = None
    delivery_place: str | None = None
    payment_terms: str | None = None
    allowances: tuple[Allowance, ...] = ()
    prepaid: Decimal = _ZERO
    rounding: Decimal = _ZERO

    def totals(self) -> OrderTotals:
        """Add up the order; tax only if every line and every document allowance states its treatment."""
        lines = sum((line.net for line in self.lines), _ZERO)
        allowances = sum((cents(a.amount) for a in self.allowances if not a.charge), _ZERO)
        charges = sum((cents(a.amount) for a in self.allowances if a.charge), _ZERO)
        exclusive = lines - allowances + charges
        tax = self._tax()
        inclusive = None if tax is None else exclusive + tax
        due = exclusive if inclusive is None else inclusive
        payable = due - cents(self.prepaid) + cents(self.rounding)
        return OrderTotals(lines, allowances, charges, exclusive, tax, inclusive, payable)

    def _taxed(self) -> Iterator[tuple[TaxCategory | None, Decimal]]:
        for line in self.lines:
            yield line.tax, line.net
        for item in self.allowances:
            yield item.tax, _signed((item,))

    def _tax(self) -> Decimal | None:
        taxable: dict[Decimal, Decimal] = {}
        known = [tax is not None for tax, _ in self._taxed()]
        if not any(known):
            return None
        if not all(known):
            raise InvalidInput(
                "Some lines or allowances state a tax category and others do not",
                field="tax",
                hint="State it for all of them, or for none while the tax treatment is unknown",
            )
        for tax, amount in self._taxed():
            rate = (tax.percent if tax else None) or _ZERO
            taxable[rate] = taxable.get(rate, _ZERO) + amount
        # Rounded per rate, as tax offices do, not per line.
        return sum((cents(base * rate / _HUNDRED) for rate, base in taxable.items()), _ZERO)


def _signed(items: tuple[Allowance, ...]) -> Decimal:
    return sum((cents(a.amount) * (1 if a.charge else -1) for a in items), _ZERO)


def line_from_terms(
    terms: Terms,
    *,
    name: str,
    line_id: str = "1",
    unit: str = "unit",
    unit_code: str = "C62",
    description: str | None = None,
    tax: TaxCategory | None = None,
) -> OrderLine:
    """Return the deal as one order line whose total is exactly `terms.total`.

    A subscription is ordered per unit for its whole term: 50 users x (12 months x 15.00) = 9,000.00. The
    price for the term is a product of decimals, so nothing is rounded before the line total, and quantity
    stays what a reader counts (users), not user-months.
    """
    months = terms.term_months
    price = terms.unit_price * (months or 1)
    said = description
    if months:
        per_month = f"{months} months at {show_price(terms.unit_price, terms.currency)} per {unit} and month"
        said = f"{description}. {per_month}" if description else per_month
    return OrderLine(line_id, name, Decimal(terms.quantity), unit_code, price, description=said, tax=tax)
