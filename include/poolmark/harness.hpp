#pragma once

#include "poolmark/harness/function.hpp"
#include "poolmark/harness/options.hpp"
#include "poolmark/harness/suite.hpp"
#include "poolmark/harness/workload.hpp"

/// poolmark::harness: how does a function of yours scale, on which pool, with how many workers?
///
///     #include <poolmark/harness.hpp>
///
///     int longest_collatz(int limit);
///
///     int main(int argc, char** argv) {
///       poolmark::harness::Suite suite;
///       suite.add("collatz", {30'000, 20'000, 10'000}, longest_collatz);
///       return suite.main(argc, argv);
///     }
///
/// The program has all flags of poolmark's own (`--help`), and `scripts/bench --program` measures
/// it in fresh processes. An executor of yours stands beside poolmark's in every cell:
///
///     Suite suite{executor_under_test<MyPool>("mine")};
///
/// * The function is called with one input of the list: a task. It is a plain function or a closure
///   that returns a value or nothing; worker threads call one copy of it at the same time.
/// * Inputs are copied, and cross to worker processes as poolmark::ProcessPoolExecutor says, as do
///   results and the function itself. What else it needs, globals for instance, workers see as it
///   was when main() of the suite was called.
/// * The results of every batch are checked, outside the timing. Say what they must be (`.expected`
///   or `.check`), or nothing: then they must equal (==) what the program computes itself, once, in
///   sequence, which costs one more batch a process.
/// * A wrong result, and whatever a task throws, is a failure that names the task and its input. It
///   has no time, and the exit status is 1.
/// * What the function writes to standard output is kept out of the report; standard error says at
///   the end that there was some, and how it began. Writing takes time, and is measured.
/// * A function that never returns is ended by nothing here. `scripts/bench` has a time limit.
