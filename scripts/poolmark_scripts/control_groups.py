"""The control groups that this process is in, v1 and v2: what they grant, and how often they stopped it.

The same rule as src/control_groups.cpp and src/usable_cpus.cpp: the group of this process and every group above
it up to the mount count; inside a container the mount point is the container's group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from poolmark_scripts.kernel_files import SYSTEM, counters_of, line_of, text_of


@dataclass(frozen=True)
class Throttling:
    """What quotas have cost since the groups were made, all groups on the way up together."""

    times: int = 0
    seconds: float = 0.0  # summed over CPUs, so it may pass faster than the clock


@dataclass(frozen=True)
class Group:
    """One directory on the way up."""

    is_v2: bool
    directory: Path

    def quota(self) -> float | None:
        """CPUs that the group grants; None: no limit."""
        if self.is_v2:
            words = (line_of(self.directory / "cpu.max") or "").split()
        else:
            files = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            words = [line_of(self.directory / name) or "" for name in files]
        try:
            granted, period = (float(word) for word in words[:2])
        except ValueError:  # "max", or no such file
            return None
        return granted / period if granted > 0 and period > 0 else None

    def throttling(self) -> Throttling | None:
        """What its cpu.stat counts; None where it counts no such thing."""
        counted = counters_of(self.directory / "cpu.stat")
        if "nr_throttled" not in counted:
            return None
        seconds = counted.get("throttled_usec", 0) / 1e6 + counted.get("throttled_time", 0) / 1e9
        return Throttling(counted["nr_throttled"], seconds)


def groups(root: Path = SYSTEM, controller: str = "cpu") -> list[Group]:
    """Every directory whose files tell about the controller, the nearest first."""
    mount = root / "sys/fs/cgroup"
    found = []
    for line in (text_of(root / "proc/self/cgroup") or "").splitlines():
        # One line a hierarchy: "0::/path" for v2, "4:cpu,cpuacct:/path" for v1.
        parts = line.split(":", 2)
        if len(parts) < 3 or not parts[2].startswith("/"):
            continue
        is_v2 = not parts[1]
        if not is_v2 and controller not in parts[1].split(","):
            continue
        top = mount if is_v2 else mount / controller
        path = Path(parts[2].strip("/"))
        found += [Group(is_v2, top / above) for above in (path, *path.parents) if above != Path(".")]
        found.append(Group(is_v2, top))
    return found


def quota(root: Path = SYSTEM) -> float | None:
    """CPUs that the tightest group grants; None: no limit."""
    return min((granted for group in groups(root) if (granted := group.quota()) is not None), default=None)


def throttling(root: Path = SYSTEM) -> Throttling | None:
    """The throttling of all groups together; None where no group counts it."""
    counted = [found for group in groups(root) if (found := group.throttling()) is not None]
    if not counted:
        return None
    return Throttling(sum(one.times for one in counted), sum(one.seconds for one in counted))


def usable_cpus_of(by_affinity: int, by_quota: float | None) -> int:
    """How many CPUs are worth a worker; src/usable_cpus.cpp has the same rule."""
    granted = by_affinity if by_quota is None else min(by_affinity, math.ceil(by_quota))
    return max(1, granted)
