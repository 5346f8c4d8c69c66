#pragma once

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "poolmark/futures.hpp"
#include "poolmark/harness/detail/subject.hpp"
#include "poolmark/harness/detail/workload_on_executor.hpp"
#include "poolmark/harness/options.hpp"
#include "poolmark/harness/workload.hpp"

/// A program that measures workloads on executors: add workloads, return main().
namespace poolmark::harness {

/// An executor of one's own, to be measured beside poolmark's.
template <Executor E>
struct ExecutorUnderTest {
  std::string name;  ///< part of the names of cells: small letters, digits, '_' and '-'
  std::function<std::unique_ptr<E>(int workers)> make;  ///< called once a repetition
};

/// Names an executor: `executor_under_test("mine", [](int workers) { return
/// std::make_unique<MyPool>(workers); })`. If it has worker processes it tells their CPU time by
/// a member `std::chrono::nanoseconds worker_cpu_time() const`, right also after shutdown().
template <class F>
auto executor_under_test(std::string name, F make) {
  using E = typename std::invoke_result_t<F, int>::element_type;
  return ExecutorUnderTest<E>{std::move(name), std::move(make)};
}

/// Workloads, and the executors to measure them on: poolmark's `sequential`, `thread` and
/// `process`, and those given to the constructor.
///
///     int main(int argc, char** argv) {
///       poolmark::harness::Suite suite;
///       suite.add(my_workload());
///       return suite.main(argc, argv);
///     }
///
/// Not to be used from several threads. Make nothing that owns threads before main() is called:
/// it forks the process that worker processes come from.
template <Executor... Own>
class Suite {
 public:
  /// Throws std::invalid_argument if a name cannot be part of a cell's name or is taken.
  explicit Suite(ExecutorUnderTest<Own>... own) : own_(std::move(own)...) {
    matrix_.executors = {std::string(detail::kSequential), "thread", "process"};
    std::apply([this](const auto&... executor) { (take_name(executor.name), ...); }, own_);
  }

  /// Adds a workload. Throws std::invalid_argument if its name is taken or cannot be part of a
  /// cell's name, if it has no inputs, task or check, or if a worker count is not 1 to 1024.
  template <class Input, class Result>
  Suite& add(Workload<Input, Result> workload) {
    if (workload.workers.empty()) workload.workers = worker_counts_for_cpu_work();
    detail::check_workload(matrix_, workload.name, !workload.inputs.empty(),
                           workload.task != nullptr, static_cast<bool>(workload.check),
                           workload.workers);
    const auto shared = std::make_shared<const Workload<Input, Result>>(std::move(workload));
    detail::WorkloadEntry entry{shared->name, shared->workers, shared->self_check, {}};
    const auto on = [&]<class E>(const ExecutorUnderTest<E>& executor) {
      using Subject = detail::WorkloadOnExecutor<Input, Result, E>;
      entry.subjects.push_back({executor.name, std::make_unique<Subject>(shared, executor.make)});
    };
    on(executor_under_test(std::string(detail::kSequential),
                           [](int) { return std::make_unique<SequentialExecutor>(); }));
    on(executor_under_test(
        "thread", [](int workers) { return std::make_unique<ThreadPoolExecutor>(workers); }));
    on(executor_under_test("process", [](int workers) {
      return std::make_unique<ProcessPoolExecutor>(
          ProcessPoolOptions{.max_workers = workers, .start_method = StartMethod::ProcessZygote});
    }));
    std::apply([&](const auto&... executor) { (on(executor), ...); }, own_);
    matrix_.workloads.push_back(std::move(entry));
    return *this;
  }

  /// The whole program: reads the flags (`--help` lists them), measures, prints, writes the results
  /// file. Returns the exit status: 0; 1 if a cell failed; 2 for a bad value, with a sentence on
  /// standard error; 130 when interrupted, after what was measured has been written. Blocks.
  int main(int argc, char** argv) { return detail::suite_main(matrix_, argc, argv); }

  /// The same without flags, for programs that read their own. Throws UsageError for a bad value.
  int run(const Options& options, const std::string& executable = "") {
    return detail::run_suite(matrix_, options, executable);
  }

 private:
  void take_name(const std::string& name) {
    detail::check_name("executor", name);
    for (const std::string& taken : matrix_.executors) {
      if (taken == name) {
        throw std::invalid_argument("there is already an executor '" + name +
                                    "': give yours a name of its own");
      }
    }
    matrix_.executors.push_back(name);
  }

  std::tuple<ExecutorUnderTest<Own>...> own_;
  detail::Matrix matrix_;
};

}  // namespace poolmark::harness
