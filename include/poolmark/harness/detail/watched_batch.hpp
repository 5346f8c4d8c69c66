#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>
#include <vector>

#include "poolmark/futures.hpp"
#include "poolmark/harness/detail/subject.hpp"
#include "poolmark/harness/detail/task_times.hpp"

namespace poolmark::harness::detail {

/// A batch that is run with a timeline: the same three ways of collecting as in WorkloadOnExecutor,
/// written a second time so that a run without a timeline holds nothing of this. Used once.
template <class Input, class Result, class Task, class E>
class WatchedBatch {
 public:
  WatchedBatch(E& executor, const Task& task, const std::vector<Input>& inputs)
      : executor_(executor), task_{task}, inputs_(inputs) {
    futures_.reserve(inputs.size());
    results_.reserve(inputs.size());
    timeline_.tasks.resize(inputs.size());
    held_.reserve(inputs.size());
  }

  /// Throws what a task threw, and Interrupted.
  void run(const BatchPlan& plan) {
    timeline_.begun = Clock::now();
    switch (plan.pattern) {
      case Pattern::Map:
        return run_map({.chunksize = plan.chunksize});
      case Pattern::AsCompleted:
        submit_all();
        return run_as_completed();
      case Pattern::Wait:
        submit_all();
        return run_wait();
    }
  }

  /// Puts together what run() noted; outside the timing.
  BatchTimeline timeline() const {
    BatchTimeline found = timeline_;
    std::size_t task = 0;
    for_each_result([&](const Watched<Result>& result) { found.tasks[task++].run = result.run; });
    // Whose result it was that was held: as_completed() yields futures, not numbers.
    std::unordered_map<const void*, std::size_t> numbers;
    for (const auto& future : futures_) numbers.emplace(future.state().get(), numbers.size());
    for (const auto& [state, at] : held_) found.tasks[numbers.at(state)].held = at;
    return found;
  }

  /// In the order of the inputs.
  std::vector<Result> results() const {
    std::vector<Result> values;
    for_each_result([&](const Watched<Result>& result) { values.push_back(result.value); });
    return values;
  }

 private:
  static void stop_if_interrupted() {
    if (interrupted()) throw Interrupted();
  }

  void submit_all() {
    for (const Input& input : inputs_) {
      stop_if_interrupted();
      timeline_.tasks[futures_.size()].submitted = Clock::now();
      futures_.push_back(executor_.submit(task_, Input(input)));
    }
    timeline_.all_submitted = Clock::now();
  }

  void run_as_completed() {
    for (const auto& future : as_completed(futures_)) {
      future.result();
      held_.push_back({future.state().get(), Clock::now()});
      stop_if_interrupted();
    }
  }

  void run_wait() {
    poolmark::wait(futures_);
    for (std::size_t i = 0; i < futures_.size(); ++i) {
      futures_[i].result();
      timeline_.tasks[i].held = Clock::now();
    }
  }

  void run_map(const MapOptions& options) {
    for (TaskTimes& task : timeline_.tasks) task.submitted = timeline_.begun;
    auto results = poolmark::map(executor_, options, task_, inputs_);
    timeline_.all_submitted = Clock::now();
    for (auto&& result : results) {
      results_.push_back(std::forward<decltype(result)>(result));
      timeline_.tasks[results_.size() - 1].held = Clock::now();
      stop_if_interrupted();
    }
  }

  template <class Visit>
  void for_each_result(Visit visit) const {
    for (const auto& future : futures_) visit(future.result());
    for (const Watched<Result>& result : results_) visit(result);
  }

  struct Held {
    const void* state;
    Clock::time_point at;
  };

  E& executor_;
  WatchedTask<Input, Result, Task> task_;
  const std::vector<Input>& inputs_;
  BatchTimeline timeline_;
  std::vector<Future<Watched<Result>>> futures_;  // of tasks that were submitted one by one
  std::vector<Held> held_;                        // by as_completed()
  std::vector<Watched<Result>> results_;          // of a map
};

}  // namespace poolmark::harness::detail
