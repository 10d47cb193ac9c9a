"""The consent string bit by bit: purposes, vendors as bits and as ranges, and that what cannot be read is no consent."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotpath.auction.consents import consents


def packed(bits: str) -> str:
    padded = bits + "0" * (-len(bits) % 8)
    return urlsafe_b64encode(int(padded, 2).to_bytes(len(padded) // 8, "big")).rstrip(b"=").decode()


def core(
    *, version: int = 2, purposes: Iterable[int] = (1, 3, 4), vendors: str = "", highest: int = 10, ranges: bool = False
) -> str:
    """A core segment; `vendors` are the bits behind the kind of encoding."""
    agreed = "".join("1" if number in set(purposes) else "0" for number in range(1, 25))
    head = f"{version:06b}" + "0" * 146 + agreed
    return packed(head.ljust(213, "0") + f"{highest:016b}" + str(int(ranges)) + vendors)


BITS = "0000001000"  # vendor 7 of 10


def test_the_purposes_and_the_vendor_are_needed() -> None:
    assert consents(core(vendors=BITS), 7)
    assert not consents(core(vendors=BITS), 8)
    assert not consents(core(vendors=BITS), 11)
    for left in ((3, 4), (1, 4), (1, 3), ()):
        assert not consents(core(purposes=left, vendors=BITS), 7)


def test_only_the_core_segment_counts() -> None:
    assert consents(core(vendors=BITS) + ".YAAAAAAAAAAA", 7)
    assert not consents("." + core(vendors=BITS), 7)


@pytest.mark.parametrize(("vendor", "agreed"), [(3, True), (4, False), (7, True), (9, True), (10, False)])
def test_vendors_in_ranges(vendor: int, agreed: bool) -> None:
    one, some = f"0{3:016b}", f"1{7:016b}{9:016b}"
    assert consents(core(vendors=f"{2:012b}" + one + some, ranges=True), vendor) is agreed


@pytest.mark.parametrize("version", [0, 1, 3])
def test_another_version_is_not_read(version: int) -> None:
    assert not consents(core(version=version, vendors=BITS), 7)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "C",
        "!!!!",
        "Ü",
        "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
        core(vendors=BITS)[:20],
        core(vendors=BITS)[:36],
        core(vendors=f"{4095:012b}", ranges=True, highest=65_535),
    ],
)
def test_what_cannot_be_read_is_no_consent(text: str) -> None:
    assert not consents(text, 7)


def test_nobody_agreed_to_a_bidder_without_a_number() -> None:
    assert not consents(core(vendors="1" * 10), 0)


@given(st.text(), st.integers(0, 70_000))
def test_any_text_is_an_answer(text: str, vendor: int) -> None:
    assert consents(text, vendor) in {True, False}
