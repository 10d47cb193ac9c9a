"""Amounts, shares and counts as violations tell them. No rules."""

from decimal import ROUND_CEILING, Decimal

from kit.money import to_decimal


def money(micros: int, currency_code: str = "in the reporting currency") -> str:
    """An amount with its currency, exact: 12340000 -> "12.34 USD"."""
    return f"{to_decimal(micros):,f} {currency_code}"


def percent(share: Decimal, rounding: str = ROUND_CEILING) -> str:
    """A share as a percentage with at most two digits after the point, rounded up: little is not none."""
    return f"{plain((share * 100).quantize(Decimal('0.01'), rounding))} %"


def plain(number: Decimal) -> str:
    """A number without the zeros that say nothing: 3.00 -> "3"."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def changes(number: int) -> str:
    """How many changes: "1 change", "4 changes"."""
    return f"{number} change{'' if number == 1 else 's'}"
