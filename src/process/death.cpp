#include "process/death.hpp"

#include <sys/wait.h>

#include <algorithm>

#include "poolmark/errors.hpp"

namespace poolmark::detail {
namespace {

WorkerDied worker_died(const Death& death) {
  const int status = death.exited.status;
  std::optional<int> signal;
  std::optional<int> exit_code;
  if (WIFSIGNALED(status)) signal = WTERMSIG(status);
  if (WIFEXITED(status)) exit_code = WEXITSTATUS(status);
  return WorkerDied(
      {.pid = death.exited.pid,
       .signal = signal,
       .exit_code = exit_code,
       .doing = death.doing,
       .cpu_time = std::chrono::nanoseconds(death.exited.cpu_nanoseconds),
       .peak_memory = static_cast<std::size_t>(std::max<std::int64_t>(death.exited.peak_bytes, 0)),
       .ordered = death.ordered,
       .probably_out_of_memory = death.exited.out_of_memory && !death.ordered});
}

}  // namespace

std::string Death::describe() const { return worker_died(*this).what(); }

std::exception_ptr Death::error(std::chrono::nanoseconds deadline) const {
  if (by_deadline) return std::make_exception_ptr(DeadlineExceeded(deadline, exited.pid));
  return std::make_exception_ptr(worker_died(*this));
}

}  // namespace poolmark::detail
