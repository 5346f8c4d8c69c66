#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poolmark/coroutine.hpp"
#include "poolmark/errors.hpp"

/// What is measured: a batch of independent tasks, written once for every executor and pattern.
namespace poolmark::harness {

/// A result is not what it must be. A batch with a wrong result has no time: its repetition goes to
/// the failures of the run, never into the measurements.
class WrongResult : public Error {
 public:
  using Error::Error;

  template <class T>
  WrongResult(std::string_view workload, std::size_t task, const T& got, const T& expected)
      : Error(fmt::format("wrong result of {}, task {}: got {}, expected {}", workload, task, got,
                          expected)) {}
};

/// 1, 2, 4, ... up to the usable CPUs, the usable CPUs themselves, and twice as many: what shows
/// how work that computes scales, and what one worker too many costs.
std::vector<int> worker_counts_for_cpu_work();

/// 1, 2, 4, ... up to `most`: for work that waits, where workers cost no CPU.
std::vector<int> powers_of_two_up_to(int most);

/// A workload. Inputs, results and the task are copied, and cross to worker processes as
/// poolmark::ProcessPoolExecutor says.
template <class Input, class Result, class Task = Result (*)(Input)>
struct Workload {
  /// Part of the names of its cells: small letters, digits, '_' and '-'.
  std::string name;

  /// One task each, submitted in this order.
  std::vector<Input> inputs;

  /// What --long measures in their place; empty: the same.
  std::vector<Input> long_inputs = {};

  /// A plain function, or a closure that needs nothing but its copy.
  Task task = {};

  /// Called after every batch, outside the timing, with the results in the order of the inputs.
  /// Throws WrongResult. None: they must equal what the task gives when it is called in sequence.
  std::function<void(const std::vector<Input>&, const std::vector<Result>&)> check = {};

  /// How many workers to measure it with; empty: worker_counts_for_cpu_work().
  std::vector<int> workers = {};

  /// Called once before anything is measured, in the thread of main(), when there is no pool yet.
  /// If it throws, every cell of the workload fails with that message.
  std::function<void()> self_check = {};

  /// The task as a coroutine, with the same results: what the executor `async` runs, so many at
  /// once as there are workers elsewhere. None: the workload is not measured there. A plain
  /// function, because a closure could be gone while its coroutine rests.
  Coroutine<Result> (*coroutine)(Input) = nullptr;

  /// Called once if a cell of the workload is to be measured, before this process has a second
  /// thread or worker processes: what it forks is inherited by none of them, what it writes into
  /// globals they all see. If it throws, every cell of the workload fails with that message.
  std::function<void()> set_up = {};
};

/// A check that every result equals the one that `expected` computes from its input, for results
/// that can be compared and formatted.
template <class Input, class Result>
std::function<void(const std::vector<Input>&, const std::vector<Result>&)> results_equal(
    std::string workload, std::function<Result(const Input&)> expected) {
  return [workload = std::move(workload), expected = std::move(expected)](
             const std::vector<Input>& inputs, const std::vector<Result>& results) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Result right = expected(inputs[i]);
      const Result got = results[i];
      if (got != right) throw WrongResult(workload, i, got, right);
    }
  };
}

/// A check that the results are `expected`, in the order of the inputs. Not for a workload with
/// long_inputs, whose results are others.
template <class Input, class Result>
std::function<void(const std::vector<Input>&, const std::vector<Result>&)> results_are(
    std::string workload, std::vector<Result> expected) {
  return [workload = std::move(workload), expected = std::move(expected)](
             const std::vector<Input>&, const std::vector<Result>& results) {
    if (results.size() != expected.size()) {
      throw WrongResult(fmt::format("wrong number of results of {}: got {}, expected {}", workload,
                                    results.size(), expected.size()));
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      const Result right = expected[i];
      const Result got = results[i];
      if (got != right) throw WrongResult(workload, i, got, right);
    }
  };
}

}  // namespace poolmark::harness
