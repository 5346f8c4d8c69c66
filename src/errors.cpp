#include "poolmark/errors.hpp"

#include <fmt/core.h>

#include <cstring>

namespace poolmark {
namespace {

std::string describe_death(int pid, std::optional<int> signal, std::optional<int> exit_code,
                           const std::string& doing) {
  std::string how = "for an unknown reason";
  if (signal) {
    how = fmt::format("by signal {} ({})", *signal,
                      strsignal(*signal));  // NOLINT(concurrency-mt-unsafe)
  } else if (exit_code) {
    how = fmt::format("with exit code {}", *exit_code);
  }
  return fmt::format("worker process {} ended {} while it was {}", pid, how, doing);
}

/// In the largest unit that leaves something before the point: "1.5 s", "50 ms".
std::string describe(std::chrono::nanoseconds time) {
  struct Unit {
    double nanoseconds;
    const char* name;
  };
  const auto count = static_cast<double>(time.count());
  for (const Unit unit : {Unit{1e9, "s"}, Unit{1e6, "ms"}, Unit{1e3, "us"}}) {
    if (count >= unit.nanoseconds)
      return fmt::format("{:g} {}", count / unit.nanoseconds, unit.name);
  }
  return fmt::format("{} ns", time.count());
}

}  // namespace

TimeoutError::TimeoutError(std::size_t unfinished_count, std::size_t total_count)
    : Error(fmt::format("{} (of {}) futures unfinished", unfinished_count, total_count)),
      unfinished(unfinished_count),
      total(total_count) {}

WorkerDied::WorkerDied(int worker_pid, std::optional<int> ended_by_signal,
                       std::optional<int> ended_with_code, const std::string& what_it_was_doing)
    : Error(describe_death(worker_pid, ended_by_signal, ended_with_code, what_it_was_doing)),
      pid(worker_pid),
      signal(ended_by_signal),
      exit_code(ended_with_code),
      doing(what_it_was_doing) {}

DeadlineExceeded::DeadlineExceeded(std::chrono::nanoseconds allowed, int worker_pid)
    : Error(fmt::format("the task ran longer than its deadline of {}, so its worker process {} was "
                        "killed",
                        describe(allowed), worker_pid)),
      deadline(allowed),
      pid(worker_pid) {}

RemoteError::RemoteError(const std::string& thrown_type, const std::string& thrown_message)
    : Error(thrown_type + ": " + thrown_message), type_name(thrown_type), message(thrown_message) {}

}  // namespace poolmark
