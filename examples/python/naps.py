"""Sixty-four naps of ten milliseconds each: what waits for a disk or a network is as idle."""

from time import sleep

from timed_map import timed_map

NAPS = [0.010] * 64


def nap(seconds):
    sleep(seconds)
    return seconds


if __name__ == "__main__":
    napped, elapsed = timed_map(nap, NAPS)
    print(f"{len(napped)} naps. Time : {elapsed:.6f}s")
