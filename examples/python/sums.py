"""1 + 2 + ... + n for four numbers. Half of those of ../sum_with_map.cpp."""

from timed_map import timed_map

WORK_LIST = [50_000, 500_000, 5_000_000, 5_000_000]


def sum_generator(n):
    return sum(n for n in range(1, n + 1))


if __name__ == "__main__":
    result, elapsed = timed_map(sum_generator, WORK_LIST)
    print(f"Result -> {result} Time : {elapsed:.6f}s")
