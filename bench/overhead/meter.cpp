#include "overhead/meter.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <thread>

namespace bench {
namespace {

// A thread that has gone to sleep is accounted to the nanosecond, one that runs on another CPU up
// to its last tick (4 ms and less). Threads of a pool go to sleep in this time, after both readings
// alike; what they burn before they do belongs to the cost of the pool.
constexpr std::chrono::milliseconds kUntilWorkersSleep{2};

std::int64_t time_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Usage used_between(const Usage& begin, const Usage& end) {
  return {end.cpu_ns - begin.cpu_ns, end.switches - begin.switches};
}

}  // namespace

Usage Usage::now() {
  rusage all{};
  getrusage(RUSAGE_SELF, &all);
  return {time_of(CLOCK_PROCESS_CPUTIME_ID), all.ru_nvcsw + all.ru_nivcsw};
}

void check_equal(const char* what, std::int64_t got, std::int64_t expected) {
  if (got != expected) {
    throw WrongResult(fmt::format("{} is {}, expected {}", what, got, expected));
  }
}

Meter::Meter(benchmark::State& state, std::int64_t tasks) : state_(state), tasks_(tasks) {}

Usage Meter::usage_now() const {
  Usage used = Usage::now();
  if (cpu_of_workers_) used.cpu_ns += cpu_of_workers_().count();
  return used;
}

bool Meter::next() {
  if (!begun_) {
    begun_ = true;
    if (cpu_of_ == CpuOf::kWholeLoop) {
      std::this_thread::sleep_for(kUntilWorkersSleep);
      usage_began_ = usage_now();
      pause_began_cpu_ns_ = time_of(CLOCK_THREAD_CPUTIME_ID);
    }
  } else {
    end_iteration();
  }
  if (state_.KeepRunning()) return true;
  ended_ = true;
  write_counters();
  return false;
}

void Meter::start() {
  if (cpu_of_ == CpuOf::kRegions) {
    usage_began_ = usage_now();
  } else {
    callers_pauses_cpu_ns_ += time_of(CLOCK_THREAD_CPUTIME_ID) - pause_began_cpu_ns_;
  }
  region_began_ = Clock::now();
}

void Meter::stop() {
  iteration_ += Clock::now() - region_began_;
  if (cpu_of_ == CpuOf::kWholeLoop) {
    pause_began_cpu_ns_ = time_of(CLOCK_THREAD_CPUTIME_ID);
    return;
  }
  const Usage used = used_between(usage_began_, usage_now());
  used_.cpu_ns += used.cpu_ns;
  used_.switches += used.switches;
}

void Meter::end_iteration() {
  state_.SetIterationTime(std::chrono::duration<double>(iteration_).count());
  total_ += iteration_;
  if (each_) each_->push_back(iteration_);
  iteration_ = std::chrono::nanoseconds{0};
}

std::chrono::nanoseconds Meter::usual_iteration() {
  if (!each_) return total_ / state_.iterations();
  const auto middle = each_->begin() + static_cast<std::ptrdiff_t>(each_->size() / 2);
  std::ranges::nth_element(*each_, middle);
  return *middle;
}

void Meter::write_counters() {
  if (own_counters_) return;
  if (cpu_of_ == CpuOf::kWholeLoop) {
    std::this_thread::sleep_for(kUntilWorkersSleep);
    used_ = used_between(usage_began_, usage_now());
    callers_pauses_cpu_ns_ += time_of(CLOCK_THREAD_CPUTIME_ID) - pause_began_cpu_ns_;
    used_.cpu_ns -= callers_pauses_cpu_ns_;
  }
  const auto tasks = static_cast<double>(tasks_) * static_cast<double>(state_.iterations());
  state_.counters["ns_per_task"] =
      static_cast<double>(usual_iteration().count()) / static_cast<double>(tasks_);
  state_.counters["cpu_ns_per_task"] = static_cast<double>(used_.cpu_ns) / tasks;
  state_.counters["switches_per_task"] = static_cast<double>(used_.switches) / tasks;
  if (bytes_ > 0) {
    const double bytes = static_cast<double>(bytes_) * static_cast<double>(state_.iterations());
    state_.counters["bytes_per_second"] = bytes * 1e9 / static_cast<double>(total_.count());
  }
}

void Meter::report(const std::string& counter, double value) {
  own_counters_ = true;
  state_.counters[counter] = value;
}

void Meter::abandon() {
  if (ended_) return;
  ended_ = true;
  // A long time each, or the library would ask for more iterations of what fails. SkipWithError()
  // instead would write 0 ns, which reads as infinitely fast.
  constexpr double kLongEnough = 1.0;
  if (begun_) state_.SetIterationTime(kLongEnough);
  while (state_.KeepRunning()) state_.SetIterationTime(kLongEnough);
}

}  // namespace bench
