#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/futures.hpp"
#include "poolmark/harness/detail/subject.hpp"
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

template <class Input, class Result, class E>
class WorkloadOnExecutor final : public Subject {
 public:
  using Factory = std::function<std::unique_ptr<E>(int workers)>;

  WorkloadOnExecutor(std::shared_ptr<const Workload<Input, Result>> workload, Factory make)
      : workload_(std::move(workload)), make_(std::move(make)), inputs_(&workload_->inputs) {}

  std::size_t use_inputs(bool long_inputs) override {
    const bool has_long = !workload_->long_inputs.empty();
    inputs_ = long_inputs && has_long ? &workload_->long_inputs : &workload_->inputs;
    return inputs_->size();
  }

  void make_pool(int workers) override {
    executor_ = make_(workers);
    is_open_ = true;
  }
  void warm_up(int workers) override { warm_up_pool(*executor_, workers); }

  Clock::time_point run_batch(Pattern pattern, bool time_each_task) override {
    results_.reserve(inputs_->size());
    futures_.reserve(inputs_->size());
    if (pattern == Pattern::AsCompleted) return run_as_completed();
    if (pattern == Pattern::Wait) return run_wait();
    if constexpr (std::is_same_v<E, SequentialExecutor>) {
      if (time_each_task) return run_timed_map();
    }
    return collect_map(workload_->task);
  }

  std::span<const double> task_times() const override { return task_times_; }

  void check_results() override {
    // What was submitted one by one is read in input order only here: as_completed() gives the
    // order of completion, and sorting it would be timed.
    for (const Future<Result>& future : futures_) results_.push_back(future.result());
    workload_->check(*inputs_, results_);
    forget_batch();
  }

  std::chrono::nanoseconds worker_cpu_time() const override {
    if constexpr (requires(const E& executor) { executor.worker_cpu_time(); }) {
      if (executor_) return executor_->worker_cpu_time();
    }
    return std::chrono::nanoseconds(0);
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
  static void stop_if_interrupted() {
    if (interrupted()) throw Interrupted();
  }

  void submit_all() {
    for (const Input& input : *inputs_) {
      stop_if_interrupted();
      futures_.push_back(executor_->submit(workload_->task, Input(input)));
    }
  }

  Clock::time_point run_as_completed() {
    submit_all();
    Clock::time_point first{};
    for (const Future<Result>& future : as_completed(futures_)) {
      future.result();
      if (first == Clock::time_point{}) first = Clock::now();
      stop_if_interrupted();
    }
    return first;
  }

  Clock::time_point run_wait() {
    submit_all();
    poolmark::wait(futures_);
    futures_.front().result();
    const auto first = Clock::now();
    for (const Future<Result>& future : futures_) future.result();
    return first;
  }

  template <class F>
  Clock::time_point collect_map(const F& task) {
    Clock::time_point first{};
    for (auto&& result : poolmark::map(*executor_, task, *inputs_)) {
      results_.push_back(std::forward<decltype(result)>(result));
      if (first == Clock::time_point{}) first = Clock::now();
      stop_if_interrupted();
    }
    return first;
  }

  /// Costs two readings of the clock a task, some 50 ns, within the batch that is measured.
  Clock::time_point run_timed_map() {
    task_times_.clear();
    task_times_.reserve(inputs_->size());
    return collect_map([this](const Input& input) {
      const auto start = Clock::now();
      Result result = workload_->task(input);
      task_times_.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
      return result;
    });
  }

  void forget_batch() {
    futures_.clear();
    results_.clear();
  }

  std::shared_ptr<const Workload<Input, Result>> workload_;
  Factory make_;
  const std::vector<Input>* inputs_;
  std::unique_ptr<E> executor_;
  bool is_open_ = false;
  std::vector<Future<Result>> futures_;
  std::vector<Result> results_;
  std::vector<double> task_times_;
};

}  // namespace poolmark::harness::detail
