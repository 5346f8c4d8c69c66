// cancel: pending tasks are cancelled one by one. callbacks: futures with a done-callback each.

#include "overhead/pooled.hpp"
#include "peers/poolmark.hpp"

namespace bench {
namespace {

constexpr int kFutures = 100'000;

void cancel_pending(Meter& meter, Poolmark& pool) {
  meter.count_cpu_of(CpuOf::kRegions);
  while (meter.next()) {
    Event release;
    auto busy = pool.submit([&release] {
      release.wait();
      return 0;
    });
    std::vector<poolmark::Future<int>> pending;
    for (int i = 0; i < kFutures; ++i) {
      pending.push_back(pool.submit([i] { return kIncrement(i); }));
    }
    int cancelled = 0;
    meter.start();
    for (const auto& future : pending) cancelled += future.cancel() ? 1 : 0;
    meter.stop();
    release.set();
    busy.result();
    check_equal("the number of cancelled futures", cancelled, kFutures);
  }
}

void callbacks(Meter& meter) {
  meter.count_cpu_of(CpuOf::kRegions);
  while (meter.next()) {
    std::vector<poolmark::Promise<int>> promises(kFutures);
    std::int64_t sum = 0;
    meter.start();
    for (auto& promise : promises) {
      promise.get_future().add_done_callback(
          [&sum](const poolmark::Future<int>& future) { sum += future.result(); });
    }
    for (int i = 0; i < kFutures; ++i) promises[static_cast<std::size_t>(i)].set_result(i + 1);
    meter.stop();
    check_equal("the sum of what the callbacks saw", sum, sum_to(kFutures));
  }
}

}  // namespace

void add_cancel_cases(Cases& cases) {
  add_pooled<Poolmark>(cases, "cancel/pending", kFutures, kFewWorkers, cancel_pending);
  cases.push_back({.name = case_name("callbacks/done", Poolmark::kName, kFutures, 0),
                   .tasks = kFutures,
                   .run = callbacks});
}

}  // namespace bench
