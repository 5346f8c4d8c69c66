"""The statistics against values known from elsewhere."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from poolmark_scripts import judging


def test_samples_that_do_not_overlap_give_the_smallest_p() -> None:
    assert judging.p_greater(range(10, 17), range(7)) == pytest.approx(1 / comb(14, 7))
    assert judging.smallest_p(7, 7) == pytest.approx(1 / 3432)
    assert judging.p_greater(range(7), range(10, 17)) == 1.0


def test_p_of_a_small_case_counted_by_hand() -> None:
    # Orders of AABB by U of A: 0, 1, 2, 2, 3, 4. Here U = 3: two of the six orders are as great.
    assert judging.p_greater([2, 4], [1, 3]) == pytest.approx(2 / 6)


@pytest.mark.parametrize("count, u, p", [(7, 11, 0.0487), (7, 8, 0.0189), (9, 21, 0.0470), (10, 27, 0.0446)])
def test_p_agrees_with_printed_tables(count: int, u: int, p: float) -> None:
    counts = judging._rank_sum_counts(count, count)
    assert sum(counts[: u + 1]) / comb(2 * count, count) == pytest.approx(p, abs=0.00006)


def test_ties_count_for_the_null_hypothesis() -> None:
    assert judging.p_greater([1, 1, 1], [1, 1, 1]) == 1.0


def test_holm() -> None:
    assert judging.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert judging.holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert judging.holm([]) == []


def test_the_interval_covers_the_median_and_repeats() -> None:
    values = [1.0, 1.1, 0.9, 1.05, 0.95, 1.2, 1.0, 1.02, 0.98]
    draws = judging.median_draws(values, "cell")
    low, high = judging.interval(draws)
    assert low <= np.median(values) <= high and 0.9 <= low and high <= 1.2
    assert np.array_equal(draws, judging.median_draws(values, "cell"))
    assert not np.array_equal(draws, judging.median_draws(values, "another cell"))


def test_an_interval_of_equal_values_has_no_width() -> None:
    assert judging.interval(judging.median_draws([5.0] * 7, "cell")) == (5.0, 5.0)


def test_the_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for run in range(400):
        low, high = judging.interval(judging.median_draws(rng.normal(size=15), str(run)))
        covered += low <= 0 <= high
    assert 0.92 < covered / 400 < 0.99
