#include "poolmark/harness/detail/checks.hpp"

#include <stdexcept>

#include "poolmark/harness/function.hpp"

namespace poolmark::harness::detail {
namespace {

// Enough to recognise a value; a result of a megabyte must not fill the screen.
constexpr std::size_t kLongestText = 80;

}  // namespace

std::string shortened(std::string text) {
  const bool is_long = text.size() > kLongestText;
  if (is_long) text.resize(kLongestText);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return is_long ? text + " ..." : text;
}

std::string task_and_input(std::size_t task, const std::string& input) {
  return input.empty() ? fmt::format("task {}", task)
                       : fmt::format("task {} (input {})", task, input);
}

void refuse_result(const std::string& workload, const std::string& task, const std::string& got,
                   const std::string& expected) {
  std::string sentence = fmt::format("wrong result of {}, {}", workload, task);
  if (!got.empty()) sentence += ": got " + got;
  if (!expected.empty()) sentence += ", expected " + expected;
  throw WrongResult(sentence);
}

void refuse_changed_result(const std::string& workload, const std::string& task,
                           const std::string& got, const std::string& computed) {
  const bool has_text = !got.empty() && !computed.empty();
  throw WrongResult(fmt::format(
      "wrong result of {}, {}: it returned {} in this batch and {} when the program computed it in "
      "sequence; a function without a check must return equal results for equal inputs: give "
      "`.check`, or make it do so",
      workload, task, has_text ? got : "one value", has_text ? computed : "another"));
}

std::string what_was_thrown() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something that is no std::exception was thrown";
  }
}

void fail_task(const std::string& task) {
  throw Error(fmt::format("{}: {}", task, what_was_thrown()));
}

void check_number_of_expected(const std::string& workload, std::size_t inputs,
                              std::size_t expected) {
  if (inputs == expected) return;
  throw std::invalid_argument(
      fmt::format("the workload '{}' has {} inputs and {} expected results: give one for each",
                  workload, inputs, expected));
}

}  // namespace poolmark::harness::detail
