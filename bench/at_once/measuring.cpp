#include "at_once/measuring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "at_once/process_status.hpp"
#include "descriptors.hpp"
#include "flags/downloads.hpp"
#include "flags/images.hpp"
#include "flags/server.hpp"
#include "poolmark/futures.hpp"
#include "workloads/workloads.hpp"

namespace bench::at_once {
namespace {

constexpr double kKibibyte = 1024;
constexpr unsigned long kOtherDescriptors = 64;  // beside those of connections
constexpr auto kLongestDownload = std::chrono::seconds(60);

/// One task of a batch in both ways, and a check of its result.
template <class Input, class Result>
struct Task {
  Input input;
  Result (*blocking)(Input);
  poolmark::Coroutine<Result> (*on_loop)(Input);
  void (*check)(const Input&, const Result&);
};

void check_nap(const std::int64_t& wanted, const std::int64_t& slept) {
  if (slept < wanted) throw std::runtime_error("a nap was too short");
}

void check_flag(const std::string& code, const std::string& flag) {
  if (flag != flags::find_image(code)->bytes) {
    throw std::runtime_error(fmt::format("the flag of {} has {}", code, flags::described(flag)));
  }
}

/// What the kernel keeps for this process beside its memory.
double kernel_memory() {
  return status_of_process("VmPTE") * kKibibyte + kernel_stacks_of_machine();
}

/// The most that there was at once.
struct Most {
  int threads = 0;
  double kernel_bytes = 0;

  void look() {
    threads = std::max(threads, static_cast<int>(status_of_process("Threads")));
    kernel_bytes = std::max(kernel_bytes, kernel_memory());
  }
};

template <class T, class Executor, class F>
Batch run_batch(const T& task, Executor& executor, F function, int count, Most& most) {
  std::vector<poolmark::Future<decltype(task.blocking(task.input))>> futures;
  futures.reserve(static_cast<std::size_t>(count));
  const auto cpu = cpu_time_of_process();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) futures.push_back(executor.submit(function, task.input));
  most.look();  // all that there will be, while they wait
  poolmark::wait(futures);
  const Batch batch{std::chrono::steady_clock::now() - start, cpu_time_of_process() - cpu};
  for (const auto& future : futures) task.check(task.input, future.result());
  return batch;
}

template <class T, class Executor, class F>
Seen run(const T& task, Executor& executor, F function, int count) {
  forget_peak_of_memory();
  const double resident = status_of_process("VmRSS");
  const double kernel = kernel_memory();
  Most most;
  Seen seen;
  seen.first = run_batch(task, executor, function, count, most);
  seen.second = run_batch(task, executor, function, count, most);
  seen.threads = most.threads;
  seen.memory_bytes = (status_of_process("VmHWM") - resident) * kKibibyte +
                      std::max(0.0, most.kernel_bytes - kernel);
  return seen;
}

template <class T>
Seen run_in(Way way, const T& task, int count) {
  if (way == Way::kThreads) {
    poolmark::ThreadPoolExecutor executor(std::min(count, poolmark::kMaxWorkersLimit));
    return run(task, executor, task.blocking, count);
  }
  poolmark::AsyncExecutor executor;
  return run(task, executor, task.on_loop, count);
}

void require_descriptors(int count) {
  const auto needed = static_cast<unsigned long>(count) + kOtherDescriptors;
  if (const unsigned long allowed = allow_more_descriptors(); allowed < needed) {
    throw std::invalid_argument(
        fmt::format("{} downloads at once need {} descriptors, and this process may have {}: allow "
                    "it more (ulimit -n), or ask for fewer at once",
                    count, needed, allowed));
  }
}

}  // namespace

Seen measure(const Wanted& wanted) {
  if (wanted.work == Work::kSleep) {
    const Task<std::int64_t, std::int64_t> task{std::chrono::nanoseconds(wanted.latency).count(),
                                                nap, nap_on_loop, check_nap};
    return run_in(wanted.way, task, wanted.count);
  }
  require_descriptors(wanted.count);
  const flags::Server server({wanted.latency, wanted.latency, 1});
  flags::settings() = {.base_url = server.base_url(), .timeout = kLongestDownload};
  const Task<std::string, std::string> task{"BR", flags::download, flags::download_on_loop,
                                            check_flag};
  return run_in(wanted.way, task, wanted.count);
}

}  // namespace bench::at_once
