"""Money is Decimal with an ISO 4217 currency; nothing here ever touches a float."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from procur.core.errors import InvalidInput

# ISO 4217 minor units that are not two digits.
_MINOR_UNITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥"}
LARGEST = Decimal("99999999999999.9999")  # what NUMERIC(18,4) holds


def minor_units(currency: str) -> int:
    """Return how many decimals an amount in this currency has (ISO 4217)."""
    return _MINOR_UNITS.get(currency, 2)


def decimal(value: object, *, field: str) -> Decimal:
    """Return `value` as a finite Decimal that the database can hold, or refuse it naming the field."""
    if isinstance(value, bool | float):
        raise InvalidInput(f"{field} must be a decimal number, not {value!r}", field=field)
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation as error:
        raise InvalidInput(f"{field} must be a number, not {str(value)[:40]!r}", field=field) from error
    if not number.is_finite() or abs(number) > LARGEST:
        raise InvalidInput(f"{field} must be a number up to {LARGEST}, not {str(value)[:40]}", field=field)
    return number


def to_cents(amount: Decimal, currency: str) -> Decimal:
    """Round half up to the currency's minor unit, as invoices do."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_UP)


def show_price(price: Decimal, currency: str) -> str:
    """Return a unit price for a reader; unlike an amount it is never rounded (0.005 stays 0.005)."""
    exact = price.normalize()
    exponent = exact.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) else 0
    if decimals <= minor_units(currency):
        return show(price, currency)
    return f"{exact:,f} {currency}"


def show(amount: Decimal, currency: str) -> str:
    """Return the amount for a reader: "$9,000.00", or "9,000.00 CHF" where the symbol is not unmistakable."""
    digits = f"{abs(to_cents(amount, currency)):,.{minor_units(currency)}f}"
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{digits} {currency}"
