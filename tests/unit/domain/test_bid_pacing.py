"""The throttle: smooth, on plan over a day, and never past the budget."""

import pytest

from domain.bid_pacing import LEAST_RATE, affordable, impression_micros, next_rate, planned_micros, takes_part


@pytest.mark.parametrize(("second", "planned"), [(-5, 0), (0, 0), (43_200, 500), (86_400, 1_000), (90_000, 1_000)])
def test_the_plan_is_even_over_the_day(second: float, planned: int) -> None:
    assert planned_micros(1_000, second) == planned


def test_a_rate_moves_by_a_tenth_and_stays_in_its_bounds() -> None:
    assert next_rate(0.5, 10, 20) == pytest.approx(0.55)
    assert next_rate(0.5, 20, 20) == pytest.approx(0.55)
    assert next_rate(0.5, 21, 20) == pytest.approx(0.45)
    assert next_rate(1.0, 0, 1) == 1.0
    assert next_rate(LEAST_RATE, 2, 1) == LEAST_RATE


def test_a_request_gets_one_answer_and_all_of_them_the_rate() -> None:
    took = [takes_part(0.3, f"r{number}", 7) for number in range(20_000)]
    assert took == [takes_part(0.3, f"r{number}", 7) for number in range(20_000)]
    assert sum(took) / len(took) == pytest.approx(0.3, abs=0.02)
    assert all(takes_part(1.0, f"r{number}", 7) for number in range(100))


def test_a_day_with_ten_times_the_chances_is_spent_evenly() -> None:
    budget, price, rate, spent = 1_000_000, 1_000_000, 1.0, 0
    by_quarter = []
    for minute in range(1_440):
        rate = next_rate(rate, spent, planned_micros(budget, minute * 60))
        for chance in range(7):
            if takes_part(rate, f"{minute}-{chance}", 1) and affordable(price, spent, 0, budget):
                spent += impression_micros(price)
        if minute % 360 == 359:
            by_quarter.append(spent)
    assert [total / budget for total in by_quarter] == pytest.approx([0.25, 0.5, 0.75, 1.0], abs=0.03)


def test_what_is_promised_counts_as_spent() -> None:
    assert impression_micros(1_001) == 2
    assert affordable(1_000_000, 8_000, 1_000, 10_000)
    assert not affordable(1_000_000, 8_000, 1_001, 10_000)
