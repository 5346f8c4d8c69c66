"""Where a series changed for good: exact optimal partitioning, and an exact rank test on every cut.

1. Cut. Of all ways to cut the series into segments of at least LEAST_SEGMENT points, dynamic programming finds the one
   with the least sum of distances from the segments' medians plus a price for each cut. The price is a few times what
   neighbouring points differ by, so that the cuts of this step are only candidates. Distances and not their squares:
   a point far away counts as one point.
2. Confirm. Each cut is tested with the points on its two sides: two-sided exact Mann-Whitney, multiplied by the number
   of places at which the cut could have been made, because the best of them was chosen (Bonferroni). A cut stays if
   that p-value is at most SIGNIFICANCE and the medians differ by more than the tolerance. The worst cut that does not
   goes, its neighbours are placed anew, and all is tested again.

Why so: E-divisive means with permutations, as MongoDB and Hunter have it, draw at random, and what is found depends on
how often; a t-test believes in the normal distribution. Here nothing is drawn, no distribution is assumed, and the
p-value is at least as large as the true one. What is assumed is that the points are independent.

Lag: so few points must lie beyond so many that chance would hardly order them so (points_needed()). At least 4 points
must follow a change, if 32 or more lie before it; 5 after 18, 6 after 13, 7 after 11, 8 after 9, 9 after 8.

Measured with tests/scripts/change_point_rates.py, 50 points a series, 3000 series. With a change point, though there is
no change: 1 of 3000 with normal noise, 2 of 3000 with far outliers; looked at after each point, 1 and 2 of 300 had one at
some time. Of series that wander (each point drawn half-way to the one before) 11 % have one. A step of 5 %, tolerance 3 %,
found with so many points behind it, and when half and 95 % of the series had it found, 30 points being before it:

    noise     4      6      8     10     25    half   95 %
    1 %     99 %  100 %  100 %  100 %  100 %      5      5
    2 %     29 %   66 %   84 %   93 %   99 %      6     12
    3 %      5 %   16 %   29 %   42 %   77 %     12  never
"""

from __future__ import annotations

import bisect
import itertools
import math
import statistics
from dataclasses import dataclass
from typing import Sequence

from poolmark_scripts import judging

WINDOW = 50  # of the latest points; older changes have been seen, and mended or accepted
LEAST_SEGMENT = 4  # points; three bad measurements in a row are no change
SIGNIFICANCE = 0.001


@dataclass(frozen=True)
class Cut:
    """A change of a series of logarithms."""

    index: int  # of the first point behind it
    before: float  # median of the segment before
    after: float
    p: float

    @property
    def shift(self) -> float:
        """How far the level moved; above 0 is slower where the values are times."""
        return self.after - self.before


def find(values: Sequence[float], tolerance: float) -> list[Cut]:
    """The confirmed changes of `values` (all of them: choose the window first) by more than `tolerance`, in order."""
    places = candidates(values)
    while places:
        cuts = _tested(values, places)
        worst = max(range(len(cuts)), key=lambda index: _doubt(cuts[index], tolerance))
        if _doubt(cuts[worst], tolerance) <= (0, SIGNIFICANCE):
            return cuts
        places = _placed_anew(values, places[:worst] + places[worst + 1 :])
    return []


def points_needed(before: int) -> int | None:
    """How many points must follow a change that all of `before` points lie apart from; None if no number is enough
    within the window."""
    if before < LEAST_SEGMENT:
        return None
    for after in range(LEAST_SEGMENT, WINDOW - before + 1):
        if _places(before + after) * 2 * judging.smallest_p(after, before) <= SIGNIFICANCE:
            return after
    return None


def least_points() -> int:
    """With fewer points no change can be found, wherever it is."""
    needed = ((before, points_needed(before)) for before in range(LEAST_SEGMENT, WINDOW))
    return min(before + after for before, after in needed if after is not None)


def candidates(values: Sequence[float]) -> list[int]:
    """The first points of the segments, without that of the whole series, of the cheapest partition."""
    count = len(values)
    price = _price(values)
    costs = [_costs_from(values, first) for first in range(count)]
    best: list[float] = [-price] + [math.inf] * count  # of the first so many points
    came_from = [0] * (count + 1)
    for end in range(LEAST_SEGMENT, count + 1):
        for first in range(0, end - LEAST_SEGMENT + 1):
            cost = best[first] + costs[first][end - first] + price
            if cost < best[end]:
                best[end], came_from[end] = cost, first
    places = []
    place = came_from[count]
    while place > 0:
        places.append(place)
        place = came_from[place]
    return places[::-1]


def _price(values: Sequence[float]) -> float:
    """Of a cut; never 0, so that equal points are not cut apart."""
    steps = [abs(right - left) for left, right in itertools.pairwise(values)]
    return max(1e-9, math.log(len(values)) * statistics.median(steps)) if steps else 1e-9


def _costs_from(values: Sequence[float], first: int) -> list[float]:
    """Sum of the distances from their median of the first 0, 1, 2, ... values from `first` on."""
    ordered: list[float] = []
    costs = [0.0]
    for value in values[first:]:
        bisect.insort(ordered, value)
        half = len(ordered) // 2
        costs.append(sum(ordered[-half:]) - sum(ordered[:half]) if half else 0.0)
    return costs


def _tested(values: Sequence[float], places: list[int]) -> list[Cut]:
    return [_test(values, *around) for around in _with_neighbours(places, len(values))]


def _test(values: Sequence[float], start: int, place: int, end: int) -> Cut:
    left, right = values[start:place], values[place:end]
    either = min(judging.p_greater(left, right), judging.p_greater(right, left))
    p = min(1.0, 2 * either * _places(end - start))
    return Cut(place, statistics.median(left), statistics.median(right), p)


def _places(count: int) -> int:
    """At how many places so many points can be cut in two."""
    return count - 2 * LEAST_SEGMENT + 1


def _doubt(cut: Cut, tolerance: float) -> tuple[int, float]:
    """For comparing: first whether it is too small to matter, then its p-value."""
    return (int(abs(cut.shift) <= math.log1p(tolerance)), cut.p)


def _placed_anew(values: Sequence[float], places: list[int]) -> list[int]:
    """Each cut moved to where it divides best what lies between its neighbours."""
    moved = list(places)
    for index in range(len(moved)):
        start, _, end = list(_with_neighbours(moved, len(values)))[index]
        moved[index] = _best_cut(values[start:end]) + start
    return moved


def _best_cut(values: Sequence[float]) -> int:
    forward = _costs_from(values, 0)
    backward = _costs_from(list(values)[::-1], 0)
    return min(range(LEAST_SEGMENT, len(values) - LEAST_SEGMENT + 1),
               key=lambda place: forward[place] + backward[len(values) - place])  # fmt: skip


def _with_neighbours(places: list[int], count: int) -> list[tuple[int, int, int]]:
    return list(zip([0, *places[:-1]], places, [*places[1:], count]))
