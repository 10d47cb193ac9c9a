"""Import profiles: which column or constant fills which field, and how the file writes its values.

A profile comes from TOML (`parse_profile`) or from command-line options (`profile_from_options`); both go through
`_build`, so they allow and refuse the same. Knows no file and no row.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, cast

from domain.currencies import currency_code
from domain.errors import InvalidInput
from domain.metric_imports.cells import CellError, DecimalMark, parse_share, parse_text, parse_unsigned_amount
from domain.metric_imports.days import check_format
from domain.platforms import Platform
from kit.time import zone

Field = Literal[
    "platform",
    "account",
    "campaign",
    "campaign_name",
    "day",
    "currency",
    "impressions",
    "clicks",
    "conversions",
    "spend",
    "revenue",
    "revenue_per_conversion",
    "product_margin",
    "margin_amount",
    "product",
]
FIELDS: Final[tuple[Field, ...]] = Field.__args__  # type: ignore[attr-defined] # a Literal keeps its values there
#: Fields that may be the same for the whole file or block.
CONSTANT_FIELDS: Final[tuple[Field, ...]] = (
    "platform",
    "account",
    "campaign",
    "campaign_name",
    "currency",
    "revenue_per_conversion",
    "product_margin",
    "product",
)
#: Fields that may be composed of several columns.
_JOINED_FIELDS: Final = ("account", "campaign", "campaign_name", "day", "product")
_REQUIRED: Final[tuple[Field, ...]] = ("platform", "account", "day", "currency", "spend")
_SETTINGS: Final = (
    "date_format",
    "year",
    "time_zone",
    "source_time_zone",
    "decimal",
    "delimiter",
    "skip_lines",
    "join",
    "round_counts",
    "empty_is_zero",
    "platform_names",
    "product_separator",
)
_DELIMITERS: Final = (",", ";", "\t", "|")
_MAX_SKIPPED_LINES: Final = 1000


@dataclass(frozen=True, slots=True)
class Block:
    """One campaign's group of columns in a row. A field stands in `columns` or in `constants`, never in both.

    `own_columns` are those that the block itself names (not the file-wide ones): all blank, the block has no row there.
    """

    columns: Mapping[Field, tuple[str, ...]]
    constants: Mapping[Field, str]
    own_columns: frozenset[str]
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportProfile:
    """How to read one kind of file. One block for ordinary files, several where a row holds campaigns side by side.

    Attributes:
        date_formats: strptime formats; none means that only year-first spellings are read.
        year: appended to the day's text for files that leave it out.
        time_zone: the account's IANA zone; times with an offset are moved there.
        source_time_zone: the zone of times without an offset, where that is not the account's.
        decimal: what stands before the fraction.
        delimiter: None finds it in the header.
        skip_lines: physical lines above the header.
        join: what stands between the values of several columns in one id or name.
        round_counts: fractional impressions and clicks are allowed; each day's sum is rounded half up.
        empty_is_zero: blank (or "-") numbers count as 0 instead of rejecting their row.
        platform_names: what the platform column says, case-folded, and which platform that is.
        product_separator: what stands between several product ids in one cell.
    """

    blocks: tuple[Block, ...]
    date_formats: tuple[str, ...] = ()
    year: int | None = None
    time_zone: str | None = None
    source_time_zone: str | None = None
    decimal: DecimalMark = "."
    delimiter: str | None = None
    skip_lines: int = 0
    join: str = " "
    round_counts: bool = False
    empty_is_zero: bool = False
    platform_names: Mapping[str, Platform] | None = None
    product_separator: str | None = None


def parse_profile(toml_text: str) -> ImportProfile:
    """A profile from its TOML text.

    Raises:
        InvalidInput: not TOML, or a key is unknown, of the wrong type or missing; `path` names the key.
    """
    try:
        raw = tomllib.loads(toml_text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:  # numbers beyond Decimal and int too
        raise InvalidInput(f"the profile is not TOML: {error}", ("profile",)) from error
    return _build(raw)


def profile_from_options(
    maps: Sequence[str],
    *,
    date_formats: Sequence[str] = (),
    **settings: object,
) -> ImportProfile:
    """A profile from `--map field=Column` options; `field=A+B` joins the columns A and B.

    Args:
        maps: such as "spend=Spent". A column whose name contains + needs a TOML profile.
        date_formats: strptime formats, in TOML `date_format`.
        settings: every other top-level TOML key by its name (platform="META", decimal=",", ...); None leaves it out.

    Raises:
        InvalidInput: as `parse_profile`; also a map without "=" or a field mapped twice.
    """
    columns: dict[str, list[str]] = {}
    for entry in maps:
        field, equals, names = entry.partition("=")
        field = field.strip()
        if not equals or not field or not names.strip():
            raise InvalidInput(f"{entry!r} is not a map; write field=Column, such as spend=Spent", ("map",))
        if field in columns:
            raise InvalidInput(f"{field} is mapped twice; join columns as {field}=A+B", ("map", field))
        columns[field] = [name.strip() for name in names.split("+")]
    raw: dict[str, object] = {key: value for key, value in settings.items() if value is not None}
    if date_formats:
        raw["date_format"] = list(date_formats)
    return _build({**raw, "columns": columns})


def _build(raw: Mapping[str, Any]) -> ImportProfile:
    _only_known(raw, (*_SETTINGS, *CONSTANT_FIELDS, "columns", "block"), ())
    base_columns = _columns(raw.get("columns", {}), ("columns",))
    base_constants = _constants(raw, ())
    _refuse_both(base_columns, base_constants, ())
    blocks = _blocks(raw, base_columns, base_constants)
    names = _platform_names(raw)
    for block in blocks:
        _check_block(block, names)
    time_zone, source = _zone_name(raw, "time_zone"), _zone_name(raw, "source_time_zone")
    if source and not time_zone:
        raise InvalidInput("source_time_zone needs time_zone, the account's zone", ("time_zone",))
    return ImportProfile(
        blocks=blocks,
        date_formats=_date_formats(raw),
        year=_whole(raw, "year", 1990, 2200),
        time_zone=time_zone,
        source_time_zone=source,
        decimal=cast("DecimalMark", _one_of(raw, "decimal", (".", ",")) or "."),
        delimiter=_one_of(raw, "delimiter", _DELIMITERS),
        skip_lines=_whole(raw, "skip_lines", 0, _MAX_SKIPPED_LINES) or 0,
        join=_string(raw, "join") or " ",
        round_counts=_flag(raw, "round_counts"),
        empty_is_zero=_flag(raw, "empty_is_zero"),
        platform_names=names,
        product_separator=_string(raw, "product_separator"),
    )


def _blocks(
    raw: Mapping[str, Any], base_columns: dict[Field, tuple[str, ...]], base_constants: dict[Field, str]
) -> tuple[Block, ...]:
    """The blocks with the file-wide fields filled in; what a block says itself goes first."""
    if "block" not in raw:
        return (Block(base_columns, base_constants, frozenset(), ()),)
    entries = raw["block"]
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidInput("block must be a list of tables, each headed [[block]]", ("block",))
    blocks = []
    for number, entry in enumerate(entries):
        path = ("block", str(number))
        _only_known(entry, (*CONSTANT_FIELDS, "columns"), path)
        columns = _columns(entry.get("columns", {}), (*path, "columns"))
        constants = _constants(entry, path)
        _refuse_both(columns, constants, path)
        blocks.append(
            Block(
                {**{field: names for field, names in base_columns.items() if field not in constants}, **columns},
                {**{field: value for field, value in base_constants.items() if field not in columns}, **constants},
                frozenset(name for names in columns.values() for name in names),
                path,
            )
        )
    return tuple(blocks)


def _columns(value: object, path: tuple[str, ...]) -> dict[Field, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise InvalidInput('columns must be a table of field = "Column"', path)
    _only_known(value, FIELDS, path)
    columns: dict[Field, tuple[str, ...]] = {}
    for field, entry in value.items():
        names = [entry] if isinstance(entry, str) else entry
        if (
            not isinstance(names, list)
            or not names
            or not all(isinstance(name, str) and name.strip() for name in names)
        ):
            raise InvalidInput(f"{field} must be a column name or a list of column names", (*path, field))
        if len(names) > 1 and field not in _JOINED_FIELDS:
            raise InvalidInput(
                f"{field} takes one column; only {', '.join(_JOINED_FIELDS)} join several", (*path, field)
            )
        columns[field] = tuple(name.strip() for name in names)
    return columns


def _constants(raw: Mapping[str, Any], path: tuple[str, ...]) -> dict[Field, str]:
    constants: dict[Field, str] = {}
    for field in CONSTANT_FIELDS:
        entry = raw.get(field)
        number = isinstance(entry, int | Decimal) and not isinstance(entry, bool)
        value = str(entry) if number else _string(raw, field, path)
        if value is not None:
            constants[field] = value
    if "platform" in constants:
        constants["platform"] = _platform(constants["platform"], (*path, "platform")).value
    if "currency" in constants:
        try:
            constants["currency"] = currency_code(constants["currency"])
        except InvalidInput as error:
            raise InvalidInput(error.message, (*path, "currency")) from error
    for field in ("account", "campaign", "campaign_name", "product"):
        if field in constants:
            _checked(parse_text, constants[field], (*path, field))
    if "product_margin" in constants:
        _checked(lambda text: parse_share(text, "."), constants["product_margin"], (*path, "product_margin"))
    if "revenue_per_conversion" in constants:
        path = (*path, "revenue_per_conversion")
        _checked(lambda text: parse_unsigned_amount(text, "."), constants["revenue_per_conversion"], path)
    return constants


def _checked(parse: Callable[[str], object], text: str, path: tuple[str, ...]) -> None:
    try:
        parse(text)
    except CellError as error:
        raise InvalidInput(f"{path[-1]} = {text!r}: {error.reason}", path) from error


def _refuse_both(columns: Mapping[Field, object], constants: Mapping[Field, object], path: tuple[str, ...]) -> None:
    for field in columns:
        if field in constants:
            raise InvalidInput(f"{field} has both a column and a constant; keep one", (*path, field))


def _check_block(block: Block, names: Mapping[str, Platform] | None) -> None:
    """A block must tell whose money on what day, and say each thing once."""
    known = {*block.columns, *block.constants}
    for field in _REQUIRED:
        if field not in known:
            how = f"give it under columns{' or as a constant' if field in CONSTANT_FIELDS else ''}"
            raise InvalidInput(f"{field} is missing; {how}", (*block.path, field))
    if not known & {"campaign", "campaign_name"}:
        raise InvalidInput(
            "campaign is missing; give it or campaign_name a column or a constant", (*block.path, "campaign")
        )
    for one, other in (("revenue", "revenue_per_conversion"), ("product_margin", "margin_amount")):
        if {one, other} <= known:
            raise InvalidInput(f"{one} and {other} exclude each other; keep one", (*block.path, other))
    if "revenue_per_conversion" in known and "conversions" not in known:
        raise InvalidInput("revenue_per_conversion needs conversions", (*block.path, "conversions"))
    if "margin_amount" in known and not known & {"revenue", "revenue_per_conversion"}:
        raise InvalidInput("margin_amount needs revenue", (*block.path, "revenue"))
    if names and "platform" not in block.columns and not block.path:
        raise InvalidInput("platform_names needs a platform column", ("platform_names",))


def _platform_names(raw: Mapping[str, Any]) -> Mapping[str, Platform] | None:
    if "platform_names" not in raw:
        return None
    table = raw["platform_names"]
    if not isinstance(table, Mapping) or not all(isinstance(value, str) for value in table.values()):
        raise InvalidInput('platform_names must be a table of "what the file says" = "META"', ("platform_names",))
    return {name.strip().casefold(): _platform(value, ("platform_names", name)) for name, value in table.items()}


def _platform(text: str, path: tuple[str, ...]) -> Platform:
    try:
        return Platform(text.strip().upper())
    except ValueError as error:
        known = ", ".join(platform.value for platform in Platform)
        raise InvalidInput(f"{text!r} is not a platform; known are {known}", path) from error


def _date_formats(raw: Mapping[str, Any]) -> tuple[str, ...]:
    value = raw.get("date_format", [])
    formats = [value] if isinstance(value, str) else value
    if not isinstance(formats, list | tuple) or not all(isinstance(text, str) for text in formats):
        raise InvalidInput("date_format must be a format or a list of formats", ("date_format",))
    for text in formats:
        try:
            check_format(text)
        except ValueError as error:
            raise InvalidInput(str(error), ("date_format",)) from error
    if "year" in raw and not formats:
        raise InvalidInput("year is appended to the day: give date_format, such as %B %d %Y", ("date_format",))
    return tuple(formats)


def _zone_name(raw: Mapping[str, Any], key: str) -> str | None:
    name = _string(raw, key)
    if name is None:
        return None
    try:
        zone(name)
    except ValueError as error:
        raise InvalidInput(str(error), (key,)) from error
    return name


def _only_known(raw: Mapping[str, Any], known: Sequence[str], path: tuple[str, ...]) -> None:
    for key in raw:
        if key not in known:
            raise InvalidInput(f"{key!r} is not a key here; known are {', '.join(known)}", (*path, str(key)))


def _string(raw: Mapping[str, Any], key: str, path: tuple[str, ...] = ()) -> str | None:
    value = raw.get(key)
    if value is not None and (not isinstance(value, str) or not value):
        raise InvalidInput(f"{key} must be text in quotes and not empty, not {value!r}", (*path, key))
    return value


def _one_of(raw: Mapping[str, Any], key: str, allowed: Sequence[str]) -> str | None:
    value = _string(raw, key)
    if value is not None and value not in allowed:
        raise InvalidInput(f"{key} must be one of {', '.join(map(repr, allowed))}, not {value!r}", (key,))
    return value


def _whole(raw: Mapping[str, Any], key: str, least: int, most: int) -> int | None:
    value = raw.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most):
        raise InvalidInput(f"{key} must be a whole number from {least} to {most}, not {value!r}", (key,))
    return value


def _flag(raw: Mapping[str, Any], key: str) -> bool:
    value = raw.get(key, False)
    if not isinstance(value, bool):
        raise InvalidInput(f"{key} must be true or false, not {value!r}", (key,))
    return value
