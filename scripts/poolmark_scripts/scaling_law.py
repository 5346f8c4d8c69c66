"""Which law of scaling the measured points identify, if any: linear, Amdahl's, or the Universal Scalability Law.

The throughput X of N workers, in batches a second, is by the most general of them

    X(N) = gamma N / (1 + alpha (N - 1) + beta N (N - 1))

with alpha the serial part (beta = 0: Amdahl's law; both 0: linear) and beta the cost of keeping the workers in step,
for which throughput has a peak at N = sqrt((1 - alpha) / beta). The fit is made for what misleads in the usual ones:
on the logarithm of X with bounds, because the transformed quadratic gives negative costs for nearly linear data;
robust, because rounds have outliers; and only when there are more points than any curve can pass through.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Mapping, Sequence

import numpy as np

from poolmark_scripts.intervals import Interval

# One more parameter always fits better; these many points beyond the parameters leave something to be contradicted.
SPARE_POINTS = 2
STARTS = 8
DRAWS = 200
NOISE_FLOOR = 0.001  # of a point: rounds that happen to agree better than this know it no better
MISFIT = 0.01  # of a point: caches, clock rates and unequal tasks move points by as much without another law
NOISE_OF_A_MISFIT = 3.0  # times the standard error of a point
TOLD_FROM_ZERO = 1e-4  # a lower end of an interval above this: the cost is there
# N beyond the largest one measured, to which an interval of the peak is shown as a number.
FURTHEST = 2.0
LAWS = {"linear": ("gamma",), "Amdahl": ("gamma", "alpha"), "USL": ("gamma", "alpha", "beta")}


@dataclass(frozen=True)
class Law:
    """A law that the points identify. `peak` is known only when a point beyond it was measured."""

    name: str
    parameters: Mapping[str, Interval]
    workers: tuple[int, ...]
    peak: Interval | None = None


@dataclass(frozen=True)
class Unidentified:
    """No law follows from the points; `reason` is a sentence."""

    reason: str


def identify(points: Mapping[int, Sequence[float]], usable_cpus: int) -> Law | Unidentified:
    """The law behind `points`, wall times of the rounds by number of workers, as far as there is a CPU for each."""
    fitted = {count: np.asarray(times, float) for count, times in sorted(points.items()) if count <= usable_cpus}
    fewest = len(LAWS["Amdahl"]) + SPARE_POINTS
    if len(fitted) < fewest:
        return Unidentified(_too_few(sorted(fitted), usable_cpus, fewest))
    allowed = [name for name, names in LAWS.items() if len(fitted) >= len(names) + SPARE_POINTS]
    counts = np.array(list(fitted), dtype=float)
    noise = np.array([_noise(times) for times in fitted.values()])
    medians = np.array([np.median(times) for times in fitted.values()])
    fits = {name: _fit(LAWS[name], counts, -np.log(medians), noise, STARTS) for name in allowed}
    chosen = min(allowed, key=lambda name: _aicc(fits[name][1], len(counts), len(LAWS[name])))
    if _misses(fits[chosen][0], counts, medians, noise):
        return Unidentified(
            f"the points at {_listed(sorted(fitted))} workers follow none of the laws that so many could identify"
        )
    if chosen == "linear":
        return Unidentified(_nearly_linear(fitted))
    return _with_intervals(chosen, fits[chosen][0], fitted, counts, noise)


def _with_intervals(name: str, best: dict[str, float], fitted: dict[int, np.ndarray], counts: np.ndarray,
                    noise: np.ndarray) -> Law | Unidentified:  # fmt: skip
    """Draws the rounds of each point again and again, and lets the parameters follow."""
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(DRAWS):
        medians = np.array([np.median(rng.choice(times, len(times))) for times in fitted.values()])
        draws.append(_fit(LAWS[name], counts, -np.log(medians), noise, starts=1, first=best)[0])
    parameters = {
        parameter: _interval(best[parameter], [draw[parameter] for draw in draws]) for parameter in LAWS[name]
    }
    if name == "Amdahl" and parameters["alpha"].low <= TOLD_FROM_ZERO:
        return Unidentified(_nearly_linear(fitted))
    if name == "Amdahl":
        return Law(name, parameters, tuple(fitted))
    if parameters["beta"].low <= TOLD_FROM_ZERO:
        return Unidentified(
            "the points bend more than Amdahl's law allows, but the cost of keeping the workers in step cannot be "
            "told from none"
        )
    peak = _interval(_peak(best), [_peak(draw) for draw in draws])
    if max(fitted) <= peak.median:
        return Unidentified(
            f"throughput was still rising at {max(fitted)} workers: without a point beyond the peak its place is a guess"
        )
    furthest = FURTHEST * max(fitted)
    return Law(name, parameters, tuple(fitted), Interval(peak.median, peak.low, min(peak.high, furthest)))


def _fit(names: tuple[str, ...], counts: np.ndarray, log_throughput: np.ndarray, noise: np.ndarray, starts: int,
         first: dict[str, float] | None = None) -> tuple[dict[str, float], float]:  # fmt: skip
    """The parameters that fit best, and their cost (half of the sum of squares, outliers damped)."""
    from scipy.optimize import least_squares  # takes a while to import; two-CPU machines never need it

    slopes = {"alpha": counts - 1, "beta": counts * (counts - 1)}
    costs = names[1:]

    # The unknowns are the logarithm of gamma, of which the model is a sum, and the costs as they are.
    def modelled_waiting(values: np.ndarray) -> np.ndarray:
        return 1 + sum(value * slopes[name] for name, value in zip(costs, values[1:]))

    def residuals(values: np.ndarray) -> np.ndarray:
        return (log_throughput - values[0] - np.log(counts / modelled_waiting(values))) / noise

    def jacobian(values: np.ndarray) -> np.ndarray:
        waiting = modelled_waiting(values)
        return np.stack([-np.ones_like(counts), *(slopes[name] / waiting for name in costs)], axis=1) / noise[:, None]

    level = float(np.median(log_throughput - np.log(counts)))
    lower, upper = [-np.inf] + [0.0] * len(costs), [np.inf] + [1.0] * len(costs)
    rng = np.random.default_rng(1)
    best: tuple[dict[str, float], float] | None = None
    for _ in range(starts):
        start = [level] + [10 ** rng.uniform(-5, -0.5) for _ in costs]
        if first:
            start = [math.log(first["gamma"])] + [min(max(first[name], 1e-12), 1 - 1e-12) for name in costs]
        found = least_squares(residuals, start, jac=jacobian, bounds=(lower, upper), loss="soft_l1")
        if best is None or found.cost < best[1]:
            values = dict(zip(names, [math.exp(found.x[0]), *map(float, found.x[1:])]))
            best = values, float(found.cost)
    assert best is not None
    return best


def _throughput(values: Mapping[str, float], counts: np.ndarray) -> np.ndarray:
    waiting = values.get("alpha", 0.0) * (counts - 1) + values.get("beta", 0.0) * counts * (counts - 1)
    return values["gamma"] * counts / (1 + waiting)


def _misses(values: Mapping[str, float], counts: np.ndarray, medians: np.ndarray, noise: np.ndarray) -> bool:
    """Whether most points lie further from the curve than their noise and MISFIT allow."""
    distances = np.abs(np.log(_throughput(values, counts) * medians))
    return float(np.median(distances / np.maximum(NOISE_OF_A_MISFIT * noise, MISFIT))) > 1


def _peak(values: Mapping[str, float]) -> float:
    return math.sqrt((1 - values["alpha"]) / values["beta"]) if values["beta"] > 0 else math.inf


def _aicc(cost: float, points: int, parameters: int) -> float:
    """Akaike's criterion, corrected for few points. Residuals are in units of their noise, so the cost is a likelihood."""
    return 2 * cost + 2 * parameters + 2 * parameters * (parameters + 1) / (points - parameters - 1)


def _noise(times: np.ndarray) -> float:
    """Standard error of the logarithm of the median of `times`."""
    logs = np.log(times)
    deviation = 1.4826 * float(np.median(np.abs(logs - np.median(logs))))
    return max(1.2533 * deviation / math.sqrt(len(times)), NOISE_FLOOR)


def _interval(value: float, draws: list[float]) -> Interval:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(value, min(float(low), value), max(float(high), value))


def _too_few(counts: list[int], usable_cpus: int, fewest: int) -> str:
    if not counts:
        return f"no worker count within the {usable_cpus} usable CPUs was measured"
    within = f"worker count{'s' if counts[1:] else ''} within the {usable_cpus} usable CPUs ({_listed(counts)})"
    number = {1: "one", 2: "two", 3: "three"}[len(counts)]
    does = "do" if counts[1:] else "does"
    return f"{number} {within} {does} not identify a law of scaling; it takes {fewest} to see one that could be wrong"


def _listed(counts: list[int]) -> str:
    return " and ".join([", ".join(map(str, counts[:-1])), str(counts[-1])]) if counts[1:] else str(counts[0])


def _nearly_linear(fitted: dict[int, np.ndarray]) -> str:
    return f"up to {max(fitted)} workers the speed-up cannot be told from linear, so no limit of it can be named"
