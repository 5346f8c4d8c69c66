#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "poolmark/harness/detail/subject.hpp"
#include "poolmark/harness/workload.hpp"

// What is said of a task whose result is wrong, and the checks of functions.
namespace poolmark::harness::detail {

/// At most some tens of characters of it, in one line.
std::string shortened(std::string text);

/// The value as people read it, or "" if fmt does not know its type.
template <class T>
std::string text_of(const T& value) {
  if constexpr (fmt::is_formattable<T>::value) {
    return shortened(fmt::format("{}", value));
  } else {
    return "";
  }
}

/// "task 2 (input 7)", or without the input if that has no text.
std::string task_and_input(std::size_t task, const std::string& input);

/// Throws WrongResult: a task gave `got`, and `expected` is right ("" for what has no text).
[[noreturn]] void refuse_result(const std::string& workload, const std::string& task,
                                const std::string& got, const std::string& expected);
/// The same where the task gave another result when the program computed it itself.
[[noreturn]] void refuse_changed_result(const std::string& workload, const std::string& task,
                                        const std::string& got, const std::string& computed);

/// What is being handled, as a sentence. To be called in a handler.
std::string what_was_thrown();
/// The same, thrown on with the name of the task it came from.
[[noreturn]] void fail_task(const std::string& task);

/// ==, and a NaN is as good as another.
template <std::equality_comparable T>
bool is_same(const T& a, const T& b) {
  if constexpr (std::floating_point<T>) {
    return a == b || (a != a && b != b);
  } else {
    return a == b;
  }
}

template <class Input, class Result>
using BatchCheck = std::function<void(const std::vector<Input>&, const std::vector<Result>&)>;

/// Each result must be the expected one (none: any), and `is_right` (none: always) must say so.
template <class Input, class Result>
BatchCheck<Input, Result> check_each(std::string workload, std::vector<Result> expected,
                                     std::function<bool(const Input&, const Result&)> is_right) {
  return [=](const std::vector<Input>& inputs, const std::vector<Result>& results) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      const Result& got = results[i];  // a copy of vector<bool>'s
      const auto task = [&] { return task_and_input(i, text_of(inputs[i])); };
      if constexpr (std::equality_comparable<Result>) {
        if (!expected.empty() && !is_same<Result>(got, expected[i])) {
          refuse_result(workload, task(), text_of(got), text_of<Result>(expected[i]));
        }
      }
      if (is_right && !is_right(inputs[i], got)) refuse_result(workload, task(), text_of(got), "");
    }
  };
}

/// Each result must be what `task` gives for its input here and now: computed in sequence when the
/// first batch of these inputs is checked, and kept.
template <class Input, class Result, class Task>
BatchCheck<Input, Result> check_against_own(std::string workload, Task task) {
  // By list of inputs: --long has another one.
  using Computed = std::map<const std::vector<Input>*, std::vector<Result>>;
  return [workload = std::move(workload), task = std::move(task),
          computed = std::make_shared<Computed>()](const std::vector<Input>& inputs,
                                                   const std::vector<Result>& results) {
    std::vector<Result>& own = (*computed)[&inputs];
    while (own.size() < inputs.size()) {
      if (interrupted()) throw Interrupted();
      own.push_back(std::invoke(task, inputs[own.size()]));
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      const Result& got = results[i];
      const Result& again = own[i];
      if (is_same<Result>(got, again)) continue;
      refuse_changed_result(workload, task_and_input(i, text_of(inputs[i])), text_of(got),
                            text_of(again));
    }
  };
}

}  // namespace poolmark::harness::detail
