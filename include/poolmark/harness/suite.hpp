#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/futures.hpp"
#include "poolmark/harness/detail/checks.hpp"
#include "poolmark/harness/detail/subject.hpp"
#include "poolmark/harness/detail/workload_on_executor.hpp"
#include "poolmark/harness/function.hpp"
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
/// a member `std::chrono::nanoseconds worker_cpu_time() const`, right also after shutdown(); and by
/// a member `traffic() const`, how many `sent_bytes` and `received_bytes` it has exchanged with
/// them.
template <class F>
auto executor_under_test(std::string name, F make) {
  using E = typename std::invoke_result_t<F, int>::element_type;
  return ExecutorUnderTest<E>{std::move(name), std::move(make)};
}

/// The same for an executor that is made from its number of workers.
template <Executor E>
  requires std::constructible_from<E, int>
ExecutorUnderTest<E> executor_under_test(std::string name) {
  return {std::move(name), [](int workers) { return std::make_unique<E>(workers); }};
}

/// Workloads, and the executors to measure them on: poolmark's `sequential`, `thread` and
/// `process`, `async` where a workload has a coroutine, and those given to the constructor.
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
    matrix_.executors = {std::string(detail::kSequential), "thread", "process",
                         std::string(detail::kAsync)};
    std::apply([this](const auto&... executor) { (take_name(executor.name), ...); }, own_);
  }

  /// Adds a function: each of `inputs` is a task, `function(input)` its result.
  ///
  ///     suite.add("collatz", {15'000, 10'000, 5'000}, longest_collatz);
  ///     suite.add("collatz", limits, longest_collatz, {.expected = {13255, 6171, 3711}});
  ///     suite.add("root", numbers, [](double x) { return std::sqrt(x); },
  ///               {.check = [](double x, double root) { return root * root <= x * 1.001; },
  ///                .workers = {1, 2, 4}});
  ///
  /// Throws std::invalid_argument as add(Workload) does, and if there are not as many expected
  /// results as inputs.
  template <std::ranges::input_range Inputs, class F,
            class Input = std::ranges::range_value_t<Inputs>>
  Suite& add(
      std::string name, Inputs&& inputs, F function,
      std::type_identity_t<FunctionOptions<Input, function_result_t<F, Input>>> options = {}) {
    std::vector<Input> list;
    for (auto&& input : inputs) list.emplace_back(std::forward<decltype(input)>(input));
    return add(detail::function_workload(std::move(name), std::move(list), std::move(function),
                                         std::move(options)));
  }
  template <class Input, class F>
  Suite& add(
      std::string name, std::initializer_list<Input> inputs, F function,
      std::type_identity_t<FunctionOptions<Input, function_result_t<F, Input>>> options = {}) {
    return add(detail::function_workload(std::move(name), std::vector<Input>(inputs),
                                         std::move(function), std::move(options)));
  }

  /// Adds a workload. Throws std::invalid_argument if its name is taken or cannot be part of a
  /// cell's name, if it has no inputs or task, if it has no check and its results cannot be
  /// compared, or if a worker count is not 1 to 1024.
  template <class Input, class Result, class Task>
  Suite& add(Workload<Input, Result, Task> workload) {
    if (workload.workers.empty()) workload.workers = worker_counts_for_cpu_work();
    bool has_task = true;
    if constexpr (std::is_pointer_v<Task>) has_task = workload.task != nullptr;
    if constexpr (std::equality_comparable<Result>) {
      if (!workload.check) {
        workload.check = detail::check_against_own<Input, Result>(workload.name, workload.task);
      }
    }
    detail::check_workload(matrix_, workload.name, !workload.inputs.empty(), has_task,
                           static_cast<bool>(workload.check), workload.workers);
    const auto shared = std::make_shared<const Workload<Input, Result, Task>>(std::move(workload));
    detail::WorkloadEntry entry{shared->name, shared->workers, shared->self_check, {}};
    entry.set_up = shared->set_up;
    const auto on = [&]<class E>(const ExecutorUnderTest<E>& executor) {
      using Subject = detail::WorkloadOnExecutor<Input, Result, Task, E>;
      entry.subjects.push_back({executor.name, std::make_unique<Subject>(shared, executor.make)});
    };
    on(executor_under_test(std::string(detail::kSequential),
                           [](int) { return std::make_unique<SequentialExecutor>(); }));
    on(executor_under_test(
        "thread", [](int workers) { return std::make_unique<ThreadPoolExecutor>(workers); }));
    if constexpr (detail::why_not_in_processes<Input, Result, Task>().empty()) {
      on(executor_under_test("process", [](int workers) {
        return std::make_unique<ProcessPoolExecutor>(
            ProcessPoolOptions{.max_workers = workers, .start_method = StartMethod::ProcessZygote});
      }));
    } else {
      const auto why = detail::why_not_in_processes<Input, Result, Task>();
      entry.left_out.push_back({"process", std::string(why)});
    }
    if (shared->coroutine != nullptr) {
      entry.subjects.push_back(
          {std::string(detail::kAsync), detail::subject_on_event_loop(*shared)});
    } else {
      entry.left_out.push_back(
          {std::string(detail::kAsync),
           "it has no coroutine: give Workload::coroutine one that does its task", true});
    }
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
