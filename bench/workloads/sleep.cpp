#include <sys/prctl.h>

#include <cerrno>
#include <cstddef>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "workloads/workloads.hpp"

namespace bench {
namespace {

constexpr std::size_t kNaps = 64;
constexpr std::int64_t kNap = 10'000'000;  // ns
constexpr int kMostWorkers = 32;
constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

}  // namespace

std::int64_t nap(std::int64_t nanoseconds) {
  // The kernel may wake a thread up to 50 us late to save power, its "timer slack"; 64 naps in a
  // row would show 3 ms of that as if a pool had lost it. I/O has no such slack. It is a property
  // of the thread, so it goes back to the default (0) for whatever the thread does next.
  prctl(PR_SET_TIMERSLACK, 1);
  const std::int64_t start = now();
  const std::int64_t end = start + nanoseconds;
  const timespec until{.tv_sec = end / kSecond, .tv_nsec = end % kSecond};
  // An absolute time: a signal in between does not make the nap longer.
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
  prctl(PR_SET_TIMERSLACK, 0);
  return now() - start;
}

poolmark::Coroutine<std::int64_t> nap_on_loop(std::int64_t nanoseconds) {
  const std::int64_t start = now();
  co_await poolmark::sleep(std::chrono::nanoseconds(nanoseconds));
  co_return now() - start;
}

std::function<void(const std::vector<std::int64_t>&, const std::vector<std::int64_t>&)>
slept_long_enough(std::string workload) {
  return [workload = std::move(workload)](const std::vector<std::int64_t>& wanted,
                                          const std::vector<std::int64_t>& slept) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (slept[i] < wanted[i]) {
        throw poolmark::harness::WrongResult(workload, i, slept[i], wanted[i]);
      }
    }
  };
}

poolmark::harness::Workload<std::int64_t, std::int64_t> sleep() {
  return {.name = "sleep",
          .inputs = std::vector<std::int64_t>(kNaps, kNap),
          .task = nap,
          .check = slept_long_enough("sleep"),
          .workers = poolmark::harness::powers_of_two_up_to(kMostWorkers),
          .coroutine = nap_on_loop};
}

}  // namespace bench
