#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/futures.hpp"
#include "poolmark/harness/detail/checks.hpp"
#include "poolmark/harness/detail/subject.hpp"
#include "poolmark/harness/detail/watched_batch.hpp"
#include "poolmark/harness/workload.hpp"

namespace poolmark::harness::detail {

/// Sleeps, then tells which thread of which process did: both have different kernel thread ids.
int thread_id_after_nap(int microseconds);

/// Throws Error: after all rounds of naps only `seen` of `workers` workers had run something.
[[noreturn]] void refuse_lazy_pool(std::size_t seen, int workers);

/// Gives the pool rounds of naps, each longer than the one before, until every worker was seen.
/// A nap keeps its worker busy while the others fetch theirs; no worker can be addressed directly.
template <class E>
void warm_up_pool(E& executor, int workers) {
  constexpr int kFirstNap = 500;        // microseconds; wakes a handful of parked threads
  constexpr int kLongestNap = 128'000;  // enough for 1024 processes on two CPUs
  std::set<int> seen;
  for (int nap = kFirstNap; nap <= kLongestNap; nap *= 2) {
    std::vector<Future<int>> naps;
    for (int i = 0; i < workers; ++i) {
      naps.push_back(executor.submit(thread_id_after_nap, int{nap}));
    }
    for (const Future<int>& future : naps) seen.insert(future.result());
    if (seen.size() >= static_cast<std::size_t>(workers)) return;
    if (interrupted()) throw Interrupted();
  }
  refuse_lazy_pool(seen.size(), workers);
}

/// Why a workload cannot be measured with worker processes; empty if it can.
template <class Input, class Result, class Task>
consteval std::string_view why_not_in_processes() {
  if constexpr (!Transportable<Input>) {
    return "its inputs cannot cross to another process: give their type a default constructor and "
           "a cereal serialize(), or specialise poolmark::Wire for it";
  } else if constexpr (!Transportable<Result>) {
    return "its results cannot cross to another process: give their type a default constructor "
           "and a cereal serialize(), or specialise poolmark::Wire for it";
  } else if constexpr (!TransportableCallable<Task>) {
    return "what its function has captured cannot cross to another process: capture plain values "
           "by copy, and take the rest as inputs or from globals";
  }
  return "";
}

template <class Input, class Result, class Task, class E>
class WorkloadOnExecutor final : public Subject {
 public:
  using Factory = std::function<std::unique_ptr<E>(int workers)>;

  WorkloadOnExecutor(std::shared_ptr<const Workload<Input, Result, Task>> workload, Factory make)
      : workload_(std::move(workload)), make_(std::move(make)), inputs_(&workload_->inputs) {}

  std::size_t use_inputs(bool long_inputs) override {
    const bool has_long = !workload_->long_inputs.empty();
    inputs_ = long_inputs && has_long ? &workload_->long_inputs : &workload_->inputs;
    times_.prepare(inputs_->size());  // allocates here, not in the first batch
    return inputs_->size();
  }

  void make_pool(int workers) override {
    executor_ = make_(workers);
    is_open_ = true;
  }
  void warm_up(int workers) override {
    if constexpr (kIsEventLoop) {
      executor_->submit([] {}).result();  // its one thread has started
    } else {
      warm_up_pool(*executor_, workers);
    }
  }

  void run_batch(const BatchPlan& plan) override {
    if (plan.timeline && !kIsEventLoop) return run_watched(plan);
    results_.reserve(inputs_->size());
    futures_.reserve(inputs_->size());
    times_.prepare(inputs_->size());
    if (plan.pattern == Pattern::AsCompleted) return run_as_completed();
    if (plan.pattern == Pattern::Wait) return run_wait();
    if constexpr (std::is_same_v<E, SequentialExecutor>) {
      if (plan.time_each_task) return run_timed_map();
    }
    run_map({.chunksize = plan.chunksize}, workload_->task);
  }

  BatchView view_batch(Clock::time_point start) const override {
    if (watched_) return view_of(watched_->timeline(), start);
    const auto states = times_.states();
    if (states.empty() || states.front() == nullptr) return times_.view(start);
    return times_.view(start, tasks_of(states));
  }

  std::optional<BatchTimeline> timeline() const override {
    return watched_ ? std::optional(watched_->timeline()) : std::nullopt;
  }

  std::span<const double> task_times() const override { return task_times_; }

  void check_results() override {
    // What was submitted one by one is read in input order only here: as_completed() gives the
    // order of completion, and sorting it would be timed.
    for (const Future<Result>& future : futures_) results_.push_back(future.result());
    if (watched_) results_ = watched_->results();
    workload_->check(*inputs_, results_);
    forget_batch();
  }

  std::chrono::nanoseconds worker_cpu_time() const override {
    if constexpr (requires(const E& executor) { executor.worker_cpu_time(); }) {
      if (executor_) return executor_->worker_cpu_time();
    }
    return std::chrono::nanoseconds(0);
  }

  std::optional<Traffic> traffic() const override {
    if constexpr (requires(const E& executor) { executor.traffic(); }) {
      if (!executor_) return Traffic{};
      const auto crossed = executor_->traffic();
      return Traffic{static_cast<double>(crossed.sent_bytes),
                     static_cast<double>(crossed.received_bytes)};
    } else {
      return std::nullopt;
    }
  }

  void close_pool(bool cancel_tasks) override {
    if (std::exchange(is_open_, false)) {
      executor_->shutdown(ShutdownOptions{.wait = true, .cancel_futures = cancel_tasks});
    }
  }

  void drop_pool() noexcept override {
    forget_batch();
    executor_.reset();
  }

 private:
  // There a task is no call with a beginning and an end, so it has no timeline.
  static constexpr bool kIsEventLoop = std::is_same_v<E, AsyncExecutor>;

  static void stop_if_interrupted() {
    if (interrupted()) throw Interrupted();
  }

  void run_watched(const BatchPlan& plan) {
    if constexpr (!kIsEventLoop) {
      task_times_.clear();  // they are in the timeline
      watched_.emplace(*executor_, workload_->task, *inputs_);
      watched_->run(plan);
    }
  }

  void submit_all() {
    times_.begin();
    for (const Input& input : *inputs_) {
      stop_if_interrupted();
      times_.submitting(futures_.size());
      futures_.push_back(executor_->submit(workload_->task, Input(input)));
    }
    times_.all_submitted();
  }

  void run_as_completed() {
    submit_all();
    for (const Future<Result>& future : as_completed(futures_)) {
      require_result(future);
      times_.holding(future.state().get());
      stop_if_interrupted();
    }
  }

  void run_wait() {
    submit_all();
    poolmark::wait(futures_);
    for (const Future<Result>& future : futures_) {
      require_result(future);
      times_.holding();
    }
  }

  void require_result(const Future<Result>& future) const {
    try {
      future.result();
    } catch (...) {
      fail(static_cast<std::size_t>(std::ranges::find(futures_, future) - futures_.begin()));
    }
  }

  [[noreturn]] void fail(std::size_t task) const {
    fail_task(task_and_input(task, text_of((*inputs_)[task])));
  }

  template <class F>
  void run_map(const MapOptions& options, const F& task) {
    times_.begin();
    auto results = poolmark::map(*executor_, options, task, *inputs_);
    times_.all_submitted();
    try {
      for (auto&& result : results) {
        results_.push_back(std::forward<decltype(result)>(result));
        times_.holding();
        stop_if_interrupted();
      }
    } catch (const Interrupted&) {
      throw;
    } catch (...) {
      fail(results_.size());
    }
  }

  /// Costs two readings of the clock a task, some 50 ns, within the batch that is measured.
  void run_timed_map() {
    task_times_.clear();
    task_times_.reserve(inputs_->size());
    run_map({}, [this](const Input& input) {
      const auto start = Clock::now();
      Result result = std::invoke(workload_->task, input);
      task_times_.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
      return result;
    });
  }

  /// Which task each state belongs to: as_completed() yields futures, not numbers.
  std::vector<std::size_t> tasks_of(std::span<const void* const> states) const {
    const std::set<const void*> wanted(states.begin(), states.end());
    std::map<const void*, std::size_t> tasks;
    for (std::size_t i = 0; i < futures_.size(); ++i) {
      const void* const state = futures_[i].state().get();
      if (wanted.contains(state)) tasks.emplace(state, i);
    }
    std::vector<std::size_t> found;
    for (const void* const state : states) found.push_back(tasks.at(state));
    return found;
  }

  void forget_batch() {
    watched_.reset();
    futures_.clear();
    results_.clear();
  }

  std::shared_ptr<const Workload<Input, Result, Task>> workload_;
  Factory make_;
  const std::vector<Input>* inputs_;
  std::unique_ptr<E> executor_;
  bool is_open_ = false;
  std::vector<Future<Result>> futures_;
  std::vector<Result> results_;
  std::vector<double> task_times_;
  BatchTimes times_;
  std::optional<WatchedBatch<Input, Result, Task, E>> watched_;
};

/// A workload whose task is its coroutine, on an event loop that lets as many of them be under way
/// as there are workers elsewhere. That a task which computes keeps the loop from all else is what
/// is measured, and not told of.
template <class Input, class Result, class Task>
std::unique_ptr<Subject> subject_on_event_loop(const Workload<Input, Result, Task>& workload) {
  using OfCoroutine = Workload<Input, Result, Coroutine<Result> (*)(Input)>;
  auto of_coroutine =
      std::make_shared<const OfCoroutine>(OfCoroutine{.name = workload.name,
                                                      .inputs = workload.inputs,
                                                      .long_inputs = workload.long_inputs,
                                                      .task = workload.coroutine,
                                                      .check = workload.check});
  const auto make = [](int workers) {
    return std::make_unique<AsyncExecutor>(
        AsyncOptions{.max_concurrency = workers, .on_slow_callback = [](const SlowCallback&) {}});
  };
  return std::make_unique<
      WorkloadOnExecutor<Input, Result, Coroutine<Result> (*)(Input), AsyncExecutor>>(
      std::move(of_coroutine), make);
}

}  // namespace poolmark::harness::detail
