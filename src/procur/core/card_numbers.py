"""Payment card numbers: issuer, length and check digit, so that other long numbers are left alone."""

import functools

_LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_SHORTEST = 14  # 13 digits are a barcode (EAN-13): one in ten of them would pass for a card

# First four digits (from, to) and the lengths that issuers use. None starts with 1 (times in milliseconds or
# microseconds do) or 0.
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (2200, 2204, frozenset({16, 17, 18, 19})),  # Mir
    (2221, 2720, frozenset({16})),  # Mastercard
    (3000, 3059, frozenset({14, 16})),  # Diners Club
    (3095, 3095, frozenset({14, 16})),
    (3400, 3499, frozenset({15})),  # American Express
    (3528, 3589, frozenset({16, 17, 18, 19})),  # JCB
    (3600, 3699, frozenset({14, 16})),  # Diners Club
    (3700, 3799, frozenset({15})),  # American Express
    (3800, 3999, frozenset({14, 16})),  # Diners Club
    (4000, 4999, frozenset({16, 19})),  # Visa
    (5018, 5020, frozenset({14, 15, 16, 17, 18, 19})),  # Maestro
    (5038, 5038, frozenset({14, 15, 16, 17, 18, 19})),
    (5041, 5041, frozenset({16})),  # Elo
    (5060, 5061, frozenset({16, 18, 19})),  # Verve
    (5067, 5067, frozenset({16})),  # Elo
    (5080, 5089, frozenset({16})),  # RuPay
    (5100, 5599, frozenset({16})),  # Mastercard
    (5893, 5893, frozenset({14, 15, 16, 17, 18, 19})),  # Maestro
    (6000, 6099, frozenset({16, 17, 18, 19})),  # Discover, RuPay
    (6200, 6299, frozenset({16, 17, 18, 19})),  # UnionPay
    (6304, 6304, frozenset({14, 15, 16, 17, 18, 19})),  # Maestro
    (6360, 6369, frozenset({16, 17, 18, 19})),  # InterPayment, Elo
    (6440, 6599, frozenset({16, 17, 18, 19})),  # Discover, RuPay, Troy
    (6759, 6771, frozenset({14, 15, 16, 17, 18, 19})),  # Maestro
    (8100, 8299, frozenset({16, 17, 18, 19})),  # UnionPay, RuPay
    (9792, 9792, frozenset({16})),  # Troy
)


@functools.cache
def card_lengths(first_four: str) -> frozenset[int]:
    """Return how long the numbers are that issuers give out with these first digits; none: nobody does."""
    first = int(first_four)
    return frozenset().union(*(lengths for low, high, lengths in _ISSUERS if low <= first <= high))


def passes_luhn(digits: str) -> bool:
    """Say whether the last digit checks the others (ISO/IEC 7812)."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_LUHN_DOUBLED[number] for number in numbers[1::2])) % 10 == 0


def is_card_number(digits: str) -> bool:
    """Say whether ASCII digits without separators are a payment card number."""
    long_enough = len(digits) >= _SHORTEST and digits.isascii() and digits.isdecimal()
    return long_enough and len(digits) in card_lengths(digits[:4]) and passes_luhn(digits)
