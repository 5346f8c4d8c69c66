#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "poolmark/harness/detail/checks.hpp"
#include "poolmark/harness/workload.hpp"

/// A function with its inputs, made into a workload.
namespace poolmark::harness {

/// What a task of a function that returns nothing has for a result. There is nothing to check then:
/// only what a task throws makes it fail.
struct Nothing {
  friend bool operator==(Nothing, Nothing) = default;
};

/// What calling F with an input gives: a value, or Nothing.
template <class F, class Input>
using function_result_t =
    std::conditional_t<std::is_void_v<std::invoke_result_t<const F&, const Input&>>, Nothing,
                       std::remove_cvref_t<std::invoke_result_t<const F&, const Input&>>>;

/// What may be said of a function to be measured, besides its name and its inputs.
template <class Input, class Result>
struct FunctionOptions {
  /// The right results, one for each input, in their order.
  std::vector<Result> expected = {};

  /// Whether a result is right: called for every task after every batch, outside the timing.
  /// With neither this nor `expected`, results must equal what the program computes itself.
  std::function<bool(const Input&, const Result&)> check = {};

  /// How many workers to measure it with; empty: worker_counts_for_cpu_work().
  std::vector<int> workers = {};
};

template <class Input>
struct FunctionOptions<Input, Nothing> {
  std::vector<int> workers = {};
};

namespace detail {

/// Calls F and returns a value: for what returns nothing, or a reference to something.
template <class F, class Input>
struct ValueOf {
  F function;

  function_result_t<F, Input> operator()(const Input& input) const {
    if constexpr (std::is_void_v<std::invoke_result_t<const F&, const Input&>>) {
      std::invoke(function, input);
      return {};
    } else {
      return std::invoke(function, input);
    }
  }
};

/// F itself where that will do: what the workers call is then what the user wrote.
template <class F, class Input>
using FunctionTask = std::conditional_t<
    std::same_as<std::invoke_result_t<const F&, const Input&>, function_result_t<F, Input>>, F,
    ValueOf<F, Input>>;

/// Throws std::invalid_argument unless there are as many results as inputs.
void check_number_of_expected(const std::string& workload, std::size_t inputs,
                              std::size_t expected);

template <class Input, class F>
auto function_workload(std::string name, std::vector<Input> inputs, F function,
                       FunctionOptions<Input, function_result_t<F, Input>> options) {
  using Result = function_result_t<F, Input>;
  using Task = FunctionTask<F, Input>;
  Workload<Input, Result, Task> workload{
      .name = name,
      .inputs = std::move(inputs),
      .task = Task{std::move(function)},
      .workers = std::move(options.workers),
  };
  if constexpr (std::same_as<Result, Nothing>) {
    // Calling it once more to compare nothing with nothing would only repeat its effects.
    workload.check = [](const std::vector<Input>&, const std::vector<Result>&) {};
  } else {
    if (!options.expected.empty()) {
      check_number_of_expected(name, workload.inputs.size(), options.expected.size());
    }
    if (options.check || !options.expected.empty()) {
      workload.check = check_each<Input, Result>(std::move(name), std::move(options.expected),
                                                 std::move(options.check));
    }
  }
  return workload;
}

}  // namespace detail
}  // namespace poolmark::harness
