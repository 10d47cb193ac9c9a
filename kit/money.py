"""Money as integer micros: 1e-6 of the currency unit. Must not hold exchange rates; those are data.

Floats never enter: a decimal string or Decimal is parsed exactly or refused.
"""

from decimal import Decimal, InvalidOperation
from typing import Final

MICROS_PER_UNIT: Final = 1_000_000
_MAX_UNITS: Final = 9_000_000_000_000

_NO_MINOR_UNIT: Final = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"),
    *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
)

#: ISO 4217 minor-unit digits where they are not two (source: ISO 4217 list one, 2024).
_MINOR_DIGITS: Final[dict[str, int]] = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def minor_digits(currency_code: str) -> int:
    """Digits after the point of a currency's smallest unit: 2 for USD, 0 for JPY, 3 for KWD."""
    return _MINOR_DIGITS.get(currency_code, 2)


def step_micros(currency_code: str) -> int:
    """The smallest unit of a currency in micros: 10,000 for USD (a cent), 1,000,000 for JPY."""
    return int(MICROS_PER_UNIT // 10 ** minor_digits(currency_code))


def parse_micros(text: str | Decimal) -> int:
    """Micros of a plain decimal amount such as "12.34" (exact; at most six digits after the point).

    Raises:
        ValueError: not a finite decimal, finer than a micro, or beyond nine trillion units (64 bits of micros).
    """
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a decimal amount") from error
    if not amount.is_finite():
        raise ValueError(f"{text!r} is not a finite amount")
    # Looked at before any arithmetic: "1e999999" would otherwise become a million digits.
    if abs(amount) > _MAX_UNITS:
        raise ValueError(f"an amount is at most {_MAX_UNITS:,} units of its currency")
    micros = amount * MICROS_PER_UNIT
    if micros != micros.to_integral_value():
        raise ValueError(f"{text!r} is finer than a millionth of the currency unit")
    return int(micros)


def to_decimal(micros: int) -> Decimal:
    """The amount in currency units, exactly, with at least two digits after the point: 12340000 -> 12.34."""
    cents, rest = divmod(micros, 10_000)
    return Decimal(micros).scaleb(-6).normalize() if rest else Decimal(cents).scaleb(-2)


def round_to_step(amount_micros: int, step: int) -> int:
    """The multiple of `step` (micros, > 0) nearest to the amount; ties go away from zero, as people round money."""
    sign = -1 if amount_micros < 0 else 1
    return sign * ((abs(amount_micros) * 2 + step) // (2 * step)) * step


def micros_to_minor(amount_micros: int, currency_code: str) -> int:
    """Whole minor units (cents) of an amount. Raises ValueError if the amount is not a whole number of them."""
    step = step_micros(currency_code)
    if amount_micros % step:
        raise ValueError(f"{amount_micros} micros is not a whole number of minor units of {currency_code}")
    return amount_micros // step


def minor_to_micros(minor: int, currency_code: str) -> int:
    """Micros of whole minor units (cents)."""
    return minor * step_micros(currency_code)
