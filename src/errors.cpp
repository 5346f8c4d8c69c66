#include "poolmark/errors.hpp"

#include <fmt/core.h>

#include <cstring>
#include <ostream>

namespace poolmark {
namespace {

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

std::string describe_end(const WorkerDeath& death) {
  if (death.signal) {
    return fmt::format("by signal {} ({})", *death.signal,
                       strsignal(*death.signal));  // NOLINT(concurrency-mt-unsafe)
  }
  if (death.exit_code) return fmt::format("with exit code {}", *death.exit_code);
  return "for an unknown reason";
}

std::string describe(const WorkerDeath& death) {
  std::string text = fmt::format("worker process {} ended {} while it was {}", death.pid,
                                 describe_end(death), death.doing);
  if (death.ordered) text += ", because the pool was told to end its workers";
  if (death.cpu_time.count() != 0 || death.peak_memory != 0) {
    text += fmt::format("; it had used {} of CPU time and at most {:.0f} MiB of memory",
                        describe(death.cpu_time), static_cast<double>(death.peak_memory) / 0x1p20);
  }
  if (death.probably_out_of_memory) {
    text +=
        "; probably the kernel's out-of-memory killer ended it (a guess: it struck in this "
        "control group while the worker lived)";
  }
  return text;
}

}  // namespace

TimeoutError::TimeoutError(std::size_t unfinished_count, std::size_t total_count)
    : Error(fmt::format("{} (of {}) futures unfinished", unfinished_count, total_count)),
      unfinished(unfinished_count),
      total(total_count) {}

WorkerDied::WorkerDied(const WorkerDeath& death) : Error(describe(death)), WorkerDeath(death) {}

DeadlineExceeded::DeadlineExceeded(std::chrono::nanoseconds allowed, int worker_pid)
    : Error(fmt::format("the task ran longer than its deadline of {}, so its worker process {} was "
                        "killed",
                        describe(allowed), worker_pid)),
      deadline(allowed),
      pid(worker_pid) {}

RemoteError::RemoteError(const std::string& thrown_type, const std::string& thrown_message)
    : Error(thrown_type + ": " + thrown_message), type_name(thrown_type), message(thrown_message) {}

std::ostream& operator<<(std::ostream& out, const Error& error) { return out << error.what(); }

}  // namespace poolmark
