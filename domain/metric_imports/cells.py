"""One cell's text to one value: amounts, counts, shares, texts. Exact or refused; must not know rows or profiles.

Amounts go through Decimal, never float. An amount finer than a micro is rounded half up to the micro, because exports
write binary noise such as 1.429999948; everything else that is not exact is refused.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final, Literal

from kit.money import MICROS_PER_UNIT

DecimalMark = Literal[".", ","]

#: Wide enough that a cell of 64 characters times a bounded count, and sums of millions of them, stay exact.
WIDE: Final = Context(prec=100)
#: Conversions and shares keep 18 digits after the point.
_FINEST: Final = Decimal("1e-18")
_MAX_DIGITS_BEFORE_POINT: Final = 40
_MAX_CELL_CHARACTERS: Final = 64
_MAX_AMOUNT: Final = Decimal(10) ** 12
_MAX_COUNT: Final = Decimal(10) ** 15
_MAX_TEXT_CHARACTERS: Final = 200
_BLANKS: Final = frozenset({"", "-", "--", "—", "–"})

#: Which currencies a sign can mean. A sign that is not here is refused rather than passed over.
_SIGNS: Final[dict[str, frozenset[str]]] = {
    "$": frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "CLP", "COP", "ARS", "TWD"}),
    "US$": frozenset({"USD"}),
    "C$": frozenset({"CAD"}),
    "CA$": frozenset({"CAD"}),
    "A$": frozenset({"AUD"}),
    "AU$": frozenset({"AUD"}),
    "NZ$": frozenset({"NZD"}),
    "S$": frozenset({"SGD"}),
    "HK$": frozenset({"HKD"}),
    "NT$": frozenset({"TWD"}),
    "R$": frozenset({"BRL"}),
    "MX$": frozenset({"MXN"}),
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP"}),
    "¥": frozenset({"JPY", "CNY"}),
    "₹": frozenset({"INR"}),
    "₩": frozenset({"KRW"}),
    "₽": frozenset({"RUB"}),
    "₺": frozenset({"TRY"}),
    "₪": frozenset({"ILS"}),
    "₫": frozenset({"VND"}),
    "฿": frozenset({"THB"}),
    "₱": frozenset({"PHP"}),
    "₴": frozenset({"UAH"}),
    "₦": frozenset({"NGN"}),
    "zł": frozenset({"PLN"}),
    "kr": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "Kč": frozenset({"CZK"}),
    "Ft": frozenset({"HUF"}),
}

_SPACES: Final = " \u00a0\u2009\u202f"
_PLAIN: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
#: Threes, or the Indian twos with three at the end ("12,34,567"). The separator must be the same throughout.
_GROUPED: Final = re.compile(
    rf"(?:[0-9]{{1,3}}(?P<mark>[,'’{_SPACES}])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*|[0-9]{{1,2}}(?:,[0-9]{{2}})+,[0-9]{{3}})(?:\.[0-9]*)?"
)
_DRESSED: Final = re.compile(
    rf"(?P<before>[-−+(]?)[{_SPACES}]?(?P<sign_before>[^\d\s.,'’()+−-]{{0,3}})[{_SPACES}]?(?P<inner>[-−+]?)"
    rf"(?P<number>[0-9.,](?:[0-9.,'’{_SPACES}]*[0-9.,])?)"
    rf"[{_SPACES}]?(?P<sign_after>[^\d\s,'’()+−-]{{0,3}})(?P<after>[-−)]?)"
)
_MINUS: Final = frozenset("-−")
_SWAP: Final = str.maketrans({",": ".", ".": ","})


@dataclass(eq=False)
class CellError(Exception):
    """A cell that cannot be read. `column` is filled in by whoever knows it."""

    reason: str
    value: str | None = None
    column: str | None = None

    def __str__(self) -> str:
        return self.reason


def is_blank(text: str) -> bool:
    """Whether a cell says nothing: empty, or one of the dashes that exports print for "no value"."""
    return text.strip() in _BLANKS


def parse_number(text: str, mark: DecimalMark) -> Decimal:
    """A signed decimal number with optional thousands separators, exactly.

    Raises:
        CellError: not a number in this notation, or not finite.
    """
    bare = text.strip()
    if len(bare) > _MAX_CELL_CHARACTERS:
        raise CellError(f"longer than {_MAX_CELL_CHARACTERS} characters, not a number", text)
    negative = bare[:1] in _MINUS
    unsigned = bare[1:] if negative or bare[:1] == "+" else bare
    number = _unsigned(unsigned, mark)
    if number is None:
        raise CellError(f"not a number with decimal {mark!r}", text)
    return -number if negative else number


def _unsigned(text: str, mark: DecimalMark) -> Decimal | None:
    dotted = text.translate(_SWAP) if mark == "," else text
    if not _PLAIN.fullmatch(dotted):
        if not _GROUPED.fullmatch(dotted):
            return None
        dotted = re.sub(rf"[,'’{_SPACES}]", "", dotted)
    number = Decimal(dotted)
    if number.adjusted() >= _MAX_DIGITS_BEFORE_POINT:
        raise CellError("too large", text)
    return number


def parse_amount(text: str, currency_code: str, mark: DecimalMark) -> Decimal:
    """A signed amount in units of the currency, with or without its sign or code, in front or behind.

    Raises:
        CellError: not an amount, or the sign is another currency's.
    """
    bare = text.strip()
    if len(bare) > _MAX_CELL_CHARACTERS:
        raise CellError(f"longer than {_MAX_CELL_CHARACTERS} characters, not an amount", text)
    plain = _unsigned(bare, mark)
    if plain is not None:
        return _bounded(plain, _MAX_AMOUNT, text)
    found = _DRESSED.fullmatch(bare)
    number = _unsigned(found["number"], mark) if found else None
    if found is None or number is None or (found["before"] == "(") != (found["after"] == ")"):
        raise CellError(f"not an amount with decimal {mark!r}", text)
    for sign in (found["sign_before"], found["sign_after"]):
        if sign and sign.upper() != currency_code and currency_code not in _SIGNS.get(sign, ()):
            raise CellError(f"{sign!r} is not a sign of {currency_code}", text)
    signs = [found[place] for place in ("before", "inner", "after") if found[place] and found[place] != ")"]
    if len(signs) > 1 or (found["sign_before"] and found["sign_after"]):
        raise CellError("more than one sign", text)
    negative = bool(signs) and signs[0] != "+"
    return _bounded(-number if negative else number, _MAX_AMOUNT, text)


def parse_micros(text: str, currency_code: str, mark: DecimalMark) -> int:
    """An amount >= 0 as micros, rounded half up to the micro.

    Raises:
        CellError: not an amount, negative, or 10^12 units and more.
    """
    amount = parse_amount(text, currency_code, mark)
    if amount < 0:
        raise CellError("negative", text)
    return to_micros(amount)


def parse_unsigned_amount(text: str, mark: DecimalMark) -> Decimal:
    """An amount >= 0 in units of any currency, without a sign or code.

    Raises:
        CellError: not a number, negative, or 10^12 units and more.
    """
    amount = parse_number(text, mark)
    if amount < 0:
        raise CellError("negative", text)
    return _bounded(amount, _MAX_AMOUNT, text)


def to_micros(amount: Decimal) -> int:
    """Micros of an amount in currency units, rounded half up (away from zero on a tie)."""
    return int(WIDE.multiply(amount, Decimal(MICROS_PER_UNIT)).to_integral_value(ROUND_HALF_UP, WIDE))


def round_count(count: Decimal) -> int:
    """The whole number nearest to a count >= 0; a half goes up."""
    return int(count.to_integral_value(ROUND_HALF_UP, WIDE))


def parse_count(text: str, mark: DecimalMark, *, fractions: bool) -> Decimal:
    """A count >= 0, rounded half up to 18 digits after the point. `fractions` says whether it may have any.

    Raises:
        CellError: not a number, negative, 10^15 and more, or a fraction where only whole counts are allowed.
    """
    count = parse_number(text, mark)
    if count < 0:
        raise CellError("negative", text)
    if not fractions and count != count.to_integral_value(context=WIDE):
        raise CellError("not a whole number (round_counts = true rounds each day's sum)", text)
    return _limited(_bounded(count, _MAX_COUNT, text))


def parse_share(text: str, mark: DecimalMark) -> Decimal:
    """A share of revenue as "0.4" or "40%": from -10 to 1.

    Raises:
        CellError: not a number or out of range.
    """
    bare = text.strip()
    percent = bare.endswith("%")
    share = parse_number(bare[:-1] if percent else bare, mark)
    share = share.scaleb(-2, WIDE) if percent else share
    if not -10 <= share <= 1:  # noqa: PLR2004 - a margin is at most the whole revenue; losses are bounded to catch percents
        raise CellError("not a margin: a share of at most 1, or a percentage with %", text)
    return _limited(share)


def parse_text(text: str) -> str:
    """An id or a name: trimmed, inner white space (also line breaks) to single spaces.

    Raises:
        CellError: blank, longer than 200 characters, or with control characters.
    """
    tidy = " ".join(text.split())
    if not tidy:
        raise CellError("blank", text)
    if len(tidy) > _MAX_TEXT_CHARACTERS:
        raise CellError(f"longer than {_MAX_TEXT_CHARACTERS} characters", text)
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in tidy):
        raise CellError("contains characters that are not text", text)
    return tidy


def _limited(number: Decimal) -> Decimal:
    """The number with at most 18 digits after the point, so that sums stay exact in any order."""
    rounded = number.quantize(_FINEST, ROUND_HALF_UP, WIDE)
    return number if number == rounded else rounded


def _bounded(number: Decimal, limit: Decimal, text: str) -> Decimal:
    if abs(number) >= limit:
        raise CellError("too large", text)
    return number
