#include "granularity/sweep.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <latch>
#include <numeric>
#include <thread>

#include "overhead/meter.hpp"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kFirstTasks = 2'000;  // enough to see what a task costs
constexpr int kSizesOfEmpty = 4;
constexpr std::uint32_t kStretch = 1'000'000;  // steps; about a millisecond
constexpr int kStretches = 150;

std::int64_t ns_since(Clock::time_point begun) {
  return std::chrono::nanoseconds(Clock::now() - begun).count();
}

class Sweep {
 public:
  Sweep(const Subject& subject, const Plan& plan)
      : subject_(subject), plan_(plan), run_(subject.start()) {}

  std::vector<Point> points() {
    warm_up();
    std::vector<Point> all;
    for (const double grain : plan_.grains) all.push_back(measure(grain, tasks_for(grain)));
    const std::int64_t most = tasks_for(0);
    for (int size = 1; size <= kSizesOfEmpty; ++size) {
      all.push_back(measure(0, most * size / kSizesOfEmpty));
    }
    return all;
  }

 private:
  void warm_up() {
    const double finest = plan_.grains.back();
    measure(finest, std::min<std::int64_t>(kFirstTasks, most_tasks()));
    measure(finest, tasks_for(finest));
    ns_per_task_ = 0;
  }

  std::int64_t most_tasks() const { return static_cast<std::int64_t>(subject_.most_tasks); }

  std::int64_t tasks_for(double grain) const {
    // An empty task has no computing time to fill a batch with: its overhead does.
    double tasks = grain > 0 ? plan_.batch_ns / grain : plan_.batch_ns / ns_per_task_;
    // ns_per_task_ is that of a longer task, so this errs on the side of too few.
    if (ns_per_task_ > 0) tasks = std::min(tasks, plan_.longest_ns / ns_per_task_);
    const double least = static_cast<double>(plan_.tasks_per_worker) * subject_.workers;
    const auto wanted = static_cast<std::int64_t>(std::max(tasks, least));
    return std::min(wanted, most_tasks());
  }

  Point measure(double grain, std::int64_t tasks) {
    const auto steps = grain > 0 ? std::max(1.0, std::round(grain / plan_.ns_per_step)) : 0.0;
    const Burn task{static_cast<std::uint32_t>(steps)};
    Ints seeds(static_cast<std::size_t>(tasks));
    std::iota(seeds.begin(), seeds.end(), 0);
    Ints results(seeds.size());
    const auto begun = Clock::now();
    run_({task, seeds, results});
    const std::int64_t elapsed = ns_since(begun);
    const auto sum = std::accumulate(results.begin(), results.end(), std::uint32_t{0});
    check_equal("the sum of the results", sum,
                sum_of_burns(static_cast<std::uint32_t>(tasks), task.steps));
    ns_per_task_ =
        static_cast<double>(std::max<std::int64_t>(elapsed, 1)) / static_cast<double>(tasks);
    return {grain, task.steps, tasks, elapsed};
  }

  const Subject& subject_;
  const Plan& plan_;
  RunBatch run_;
  double ns_per_task_ = 0;  // wall time, of the latest batch; 0: not known yet
};

}  // namespace

std::vector<Point> sweep(const Subject& subject, const Plan& plan) {
  return Sweep(subject, plan).points();
}

double calibrate(int threads) {
  std::vector<std::vector<double>> of_threads(static_cast<std::size_t>(threads));
  std::latch all_are_there(threads);
  {
    std::vector<std::jthread> running;
    for (auto& stretches : of_threads) {
      running.emplace_back([&all_are_there, &stretches] {
        all_are_there.arrive_and_wait();
        int seed = 0;
        for (int i = 0; i < kStretches; ++i) {
          const auto begun = Clock::now();
          seed = burn(seed, kStretch);
          stretches.push_back(static_cast<double>(ns_since(begun)) / kStretch);
        }
        benchmark::DoNotOptimize(seed);
      });
    }
  }
  std::vector<double> all;
  for (const auto& stretches : of_threads)
    all.insert(all.end(), stretches.begin(), stretches.end());
  const auto quartile = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 4);
  std::ranges::nth_element(all, quartile);
  return *quartile;
}

}  // namespace bench
