"""One record to what it adds: reads a block's cells by the profile into a contribution. Sums nothing, keeps nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.currencies import currency_code
from domain.errors import InvalidInput
from domain.metric_imports.cells import (
    WIDE,
    CellError,
    is_blank,
    parse_amount,
    parse_count,
    parse_micros,
    parse_share,
    parse_text,
    parse_unsigned_amount,
    to_micros,
)
from domain.metric_imports.days import DayReader
from domain.metric_imports.profiles import Block, Field, ImportProfile
from domain.metric_imports.records import is_total, looks_like_total
from domain.platforms import Platform


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one block of one row adds to a campaign's day. Money in micros of `currency`; `margin_micros` of revenue.

    `margin_share` is None where the row does not tell a margin; then `margin_micros` is 0 and means nothing.
    """

    platform: Platform
    account: str
    campaign: str
    campaign_name: str
    day: date
    currency: str
    impressions: Decimal
    clicks: Decimal
    conversions: Decimal
    spend_micros: int
    revenue_micros: int | None
    margin_share: Decimal | None
    margin_micros: Decimal
    products: tuple[str, ...]


class BlockReader:
    """Reads one block of a profile from records whose columns stand at known positions."""

    def __init__(self, block: Block, profile: ImportProfile, positions: Mapping[str, int], days: DayReader) -> None:
        """Bind the block's columns to positions; `days` is shared by all blocks of a file."""
        self._block = block
        self._profile = profile
        self._days = days
        self._at = {field: tuple((name, positions[name]) for name in names) for field, names in block.columns.items()}
        self._own = tuple(sorted(positions[name] for name in block.own_columns))

    def read(self, cells: list[str]) -> Contribution | None:
        """What the block adds, or None where a wide row leaves this block blank.

        Raises:
            CellError: a cell cannot be read; it names the column.
        """
        if self._own and all(not cells[position].strip() for position in self._own):
            return None
        day = self._day(cells)
        name = self._text("campaign_name", cells)
        campaign = self._text("campaign", cells) or name
        if campaign is None:
            raise AssertionError("profiles without campaign and campaign_name are refused")
        currency = self._currency(cells)
        conversions = self._count("conversions", cells, fractions=True)
        revenue = self._revenue_micros(cells, currency, conversions)
        share, margin_micros = self._margin(cells, currency, revenue)
        return Contribution(
            platform=self._platform(cells),
            account=self._required_text("account", cells),
            campaign=campaign,
            campaign_name=name or campaign,
            day=day,
            currency=currency,
            impressions=self._count("impressions", cells, fractions=self._profile.round_counts),
            clicks=self._count("clicks", cells, fractions=self._profile.round_counts),
            conversions=conversions,
            spend_micros=self._micros("spend", cells, currency),
            revenue_micros=revenue,
            margin_share=share,
            margin_micros=margin_micros,
            products=self._products(cells),
        )

    def _day(self, cells: list[str]) -> date:
        columns = self._at["day"]
        text = " ".join(cells[position] for _, position in columns)
        try:
            return self._days.read(text)
        except CellError as error:
            reason = "a row of totals, not a day" if looks_like_total(cells) else error.reason
            raise CellError(reason, text, _names(columns)) from error

    def _cell(self, field: Field, cells: list[str]) -> tuple[str, str] | None:
        """The column's name and cell of a field with one column; None if the field has no column."""
        columns = self._at.get(field)
        return (columns[0][0], cells[columns[0][1]]) if columns else None

    def _text(self, field: Field, cells: list[str]) -> str | None:
        columns = self._at.get(field)
        if columns is None:
            constant = self._block.constants.get(field)
            return None if constant is None else parse_text(constant)
        parts = []
        for name, position in columns:
            with _naming(name):
                parts.append(parse_text(cells[position]))
        with _naming(_names(columns)):
            text = parse_text(self._profile.join.join(parts))
            if field in {"campaign", "campaign_name"} and is_total(text):
                raise CellError("a row of totals, not a campaign", text)
        return text

    def _required_text(self, field: Field, cells: list[str]) -> str:
        text = self._text(field, cells)
        if text is None:
            raise AssertionError(f"profiles without {field} are refused")
        return text

    def _platform(self, cells: list[str]) -> Platform:
        cell = self._cell("platform", cells)
        if cell is None:
            return Platform(self._block.constants["platform"])
        name, text = cell
        said = text.strip()
        mapped = (self._profile.platform_names or {}).get(said.casefold())
        if mapped is not None:
            return mapped
        if said.upper() in Platform.__members__:
            return Platform[said.upper()]
        raise CellError("not a platform (platform_names says what the file's names mean)", text, name)

    def _currency(self, cells: list[str]) -> str:
        cell = self._cell("currency", cells)
        if cell is None:
            return self._block.constants["currency"]
        name, text = cell
        try:
            return currency_code(text)
        except InvalidInput as error:
            raise CellError("not a currency code", text, name) from error

    def _number(self, field: Field, cells: list[str]) -> tuple[str, str] | None:
        """As `_cell`, a blank number read as the profile says."""
        cell = self._cell(field, cells)
        if cell is None or not is_blank(cell[1]):
            return cell
        if self._profile.empty_is_zero:
            return cell[0], "0"
        raise CellError("blank (empty_is_zero = true counts it as 0)", cell[1], cell[0])

    def _count(self, field: Field, cells: list[str], *, fractions: bool) -> Decimal:
        cell = self._number(field, cells)
        if cell is None:
            return Decimal(0)
        with _naming(cell[0]):
            return parse_count(cell[1], self._profile.decimal, fractions=fractions)

    def _micros(self, field: Field, cells: list[str], currency: str) -> int:
        cell = self._number(field, cells)
        if cell is None:
            raise AssertionError(f"{field} is asked for only where it has a column")
        with _naming(cell[0]):
            return parse_micros(cell[1], currency, self._profile.decimal)

    def _revenue_micros(self, cells: list[str], currency: str, conversions: Decimal) -> int | None:
        if "revenue" in self._at:
            return self._micros("revenue", cells, currency)
        constant = self._block.constants.get("revenue_per_conversion")
        if constant is not None:
            return to_micros(WIDE.multiply(conversions, parse_unsigned_amount(constant, ".")))
        cell = self._number("revenue_per_conversion", cells)
        if cell is None:
            return None
        with _naming(cell[0]):
            per_conversion = parse_amount(cell[1], currency, self._profile.decimal)
            if per_conversion < 0:
                raise CellError("negative", cell[1])
        return to_micros(WIDE.multiply(conversions, per_conversion))

    def _margin(self, cells: list[str], currency: str, revenue: int | None) -> tuple[Decimal | None, Decimal]:
        """The margin's share of revenue and its micros; a blank cell means that this row's margin is not known."""
        constant = self._block.constants.get("product_margin")
        if constant is not None:
            share = parse_share(constant, ".")
            return share, WIDE.multiply(share, Decimal(revenue or 0))
        cell = self._cell("product_margin", cells) or self._cell("margin_amount", cells)
        if cell is None or is_blank(cell[1]):
            return None, Decimal(0)
        with _naming(cell[0]):
            if "product_margin" in self._at:
                share = parse_share(cell[1], self._profile.decimal)
                return share, WIDE.multiply(share, Decimal(revenue or 0))
            return _share_of(parse_amount(cell[1], currency, self._profile.decimal), revenue or 0, cell[1])

    def _products(self, cells: list[str]) -> tuple[str, ...]:
        columns = self._at.get("product")
        separator = self._profile.product_separator
        if columns is None or separator is None:
            blank = columns is not None and all(is_blank(cells[position]) for _, position in columns)
            text = None if blank else self._text("product", cells)
            return () if text is None else (text,)
        with _naming(_names(columns)):
            text = self._profile.join.join(cells[position] for _, position in columns)
            return tuple(parse_text(part) for part in text.split(separator) if part.strip())


def _share_of(margin: Decimal, revenue_micros: int, text: str) -> tuple[Decimal | None, Decimal]:
    micros = Decimal(to_micros(margin))
    if micros > revenue_micros or micros < -10 * revenue_micros:
        raise CellError("a margin greater than the revenue", text)
    if revenue_micros == 0:
        return None, Decimal(0)
    return WIDE.divide(micros, Decimal(revenue_micros)), micros


def _names(columns: tuple[tuple[str, int], ...]) -> str:
    return "+".join(name for name, _ in columns)


class _naming:  # noqa: N801 - reads as a statement: with _naming(column): parse
    """Puts the column's name on a CellError from inside."""

    def __init__(self, column: str) -> None:
        self._column = column

    def __enter__(self) -> None:
        """Nothing to set up."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Name the column unless somebody closer did."""
        if isinstance(error, CellError) and error.column is None:
            error.column = self._column
