"""A program that can be counted, and what counting leaves behind."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import Sequence

import pytest
from poolmark_scripts.gate.counts_calls import FILE_BYTES, KINDS, WIDTH, Counters
from poolmark_scripts.one_process import Runner

SEQUENTIAL = "w/sequential/map/workers:1"
THREAD = "w/thread/wait/workers:2"
MAP = "w/thread/map/workers:2"
PROCESS = "w/process/wait/workers:2"
BASE, NEW = Path("base"), Path("new")

# Does what the harness does, as far as it is counted: a batch of run_batch() between two readings of the CPU clock.
PROGRAM = r"""
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static bool has_workers = false;
static int word = 0;
static void allocate(int times) {
  for (int i = 0; i < times; ++i) {
    void* volatile memory = std::malloc(40);
    std::free(memory);
  }
}
static void* nothing(void*) { return nullptr; }
static void read_clock(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
}
namespace poolmark::harness::detail {
struct WorkloadOnExecutor {
  [[gnu::noinline]] void run_batch(int batch) {
    for (volatile int i = 0; i < STEPS; i = i + 1) {}
    allocate(batch == 0 ? 1000 : ALLOCATIONS);
    read_clock(CLOCK_MONOTONIC);
    if (!has_workers) return;
    syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, ~0);
    if (fork() == 0) {
      read_clock(CLOCK_PROCESS_CPUTIME_ID);
      allocate(5);
      _exit(0);
    }
    wait(nullptr);
  }
};
}
int main(int argc, char** argv) {
  int batches = 0;
  const char* output = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--benchmark_repetitions=", 24) == 0) batches = std::atoi(argv[i] + 24);
    if (std::strncmp(argv[i], "--benchmark_out=", 16) == 0) output = argv[i] + 16;
    if (std::strcmp(argv[i], "--executors=process") == 0) has_workers = true;
    if (std::strcmp(argv[i], "--workloads=crash") == 0) std::abort();
  }
  for (int batch = 0; batch < batches; ++batch) {
    allocate(7);
    pthread_t thread;
    pthread_create(&thread, nullptr, nothing, nullptr);
    pthread_join(thread, nullptr);
    read_clock(CLOCK_PROCESS_CPUTIME_ID);
    poolmark::harness::detail::WorkloadOnExecutor().run_batch(batch);
    read_clock(CLOCK_PROCESS_CPUTIME_ID);
  }
  std::FILE* file = std::fopen(output, "w");
  std::fprintf(file, "{\"failures\": [], \"benchmarks\": [");
  for (int batch = 0; batch < batches; ++batch) std::fprintf(file, "%s{\"tasks\": 10}", batch > 0 ? ", " : "");
  std::fprintf(file, "]}");
  std::fclose(file);
}
"""


def build(directory: Path, runner: Runner, steps: int = 100_000, allocations: int = 20) -> Path:
    """PROGRAM with so many steps and allocations a batch."""
    compiler = next((found for name in ("c++", "g++", "clang++") if (found := shutil.which(name))), None)
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    program = directory / f"program_{steps}_{allocations}"
    source = program.with_suffix(".cpp")
    source.write_text(PROGRAM, encoding="utf-8")
    flags = [f"-DSTEPS={steps}", f"-DALLOCATIONS={allocations}", "-std=c++20", "-O1", "-pthread"]
    ended = runner.run([compiler, *flags, str(source), "-o", str(program)], 60)
    assert ended.status == 0, ended.last_words
    return program


def script(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def counter_file(edges: Sequence[Sequence[int]], is_loaded: int = 1, noted: int | None = None) -> bytes:
    """What count_calls.c leaves behind: each edge is all counters of the program, then of the workers."""
    words = [is_loaded, len(edges) if noted is None else noted, *[0] * WIDTH, *(word for edge in edges for word in edge)]
    return struct.pack(f"={FILE_BYTES // 8}Q", *words, *[0] * (FILE_BYTES // 8 - len(words)))


def edges_of(batches: Sequence[dict[str, int]], between: dict[str, int], workers: dict[str, int] = {}) -> list[Counters]:
    """Edges of batches that count so much each, with so much between them; the workers count in batches alone."""
    edges, program, forked = [], [0] * len(KINDS), [0] * len(KINDS)
    for batch in batches:
        program = [value + between.get(kind, 0) for kind, value in zip(KINDS, program)]
        edges.append(Counters(tuple(program), tuple(forked)))
        program = [value + batch.get(kind, 0) for kind, value in zip(KINDS, program)]
        forked = [value + workers.get(kind, 0) for kind, value in zip(KINDS, forked)]
        edges.append(Counters(tuple(program), tuple(forked)))
    return edges
