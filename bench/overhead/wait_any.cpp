// wait_any: "take the next that is done" over n futures, one of which is completed before each
// step. No pool: the caller completes them through promises, so that a step is a completion and a
// take.

#include "overhead/cases.hpp"
#include "overhead/pooled.hpp"
#include "poolmark/futures.hpp"

namespace bench {
namespace {

namespace pm = poolmark;

struct Futures {
  explicit Futures(int n) : promises(static_cast<std::size_t>(n)) {
    for (const auto& promise : promises) futures.push_back(promise.get_future());
  }
  void complete(int i) { promises[static_cast<std::size_t>(i)].set_result(i + 1); }

  std::vector<pm::Promise<int>> promises;
  std::vector<pm::Future<int>> futures;
};

/// `take_all(made)` completes each of `made` in order, takes it, and returns the sum of the
/// results; what it prepares is timed too.
void wait_any(Meter& meter, int n, auto take_all) {
  meter.count_cpu_of(CpuOf::kRegions);
  while (meter.next()) {
    Futures made(n);
    meter.start();
    const std::int64_t sum = take_all(made);
    meter.stop();
    check_equal("the sum of the results", sum, sum_to(n));
  }
}

std::int64_t by_completion_set(Futures& made, int n) {
  pm::CompletionSet<pm::Future<int>> set;
  for (const auto& future : made.futures) set.add(future);
  std::int64_t sum = 0;
  for (int i = 0; i < n; ++i) {
    made.complete(i);
    sum += set.next()->result();
  }
  return sum;
}

std::int64_t by_as_completed(Futures& made, int n) {
  auto completed = pm::as_completed(made.futures);
  std::int64_t sum = 0;
  made.complete(0);
  auto it = completed.begin();
  for (int i = 0; i < n; ++i) {
    sum += it->result();
    // Before the step: ++ waits for the next one.
    if (i + 1 < n) made.complete(i + 1);
    ++it;
  }
  return sum;
}

std::int64_t by_wait_first_completed(Futures& made, int n) {
  std::vector<pm::Future<int>> pending = made.futures;
  std::int64_t sum = 0;
  for (int i = 0; i < n; ++i) {
    made.complete(i);
    auto waited = pm::wait(pending, {.return_when = pm::ReturnWhen::FirstCompleted});
    for (const auto& future : waited.done) sum += future.result();
    pending = std::move(waited.not_done);
  }
  return sum;
}

template <class TakeAll>
void add(Cases& cases, const char* variant, int n, TakeAll take_all, HowOften how_often = {}) {
  cases.push_back({.name = case_name(variant, "poolmark", n, 0),
                   .tasks = n,
                   .run =
                       [=](Meter& meter) {
                         wait_any(meter, n, [=](Futures& made) { return take_all(made, n); });
                       },
                   .iterations = how_often.iterations,
                   .repetitions = how_often.repetitions});
}

}  // namespace

void add_wait_any_cases(Cases& cases) {
  for (const int n : {1000, 10'000, 100'000}) {
    add(cases, "wait_any/completion_set", n, by_completion_set);
    add(cases, "wait_any/as_completed", n, by_as_completed);
  }
  // Quadratic, which is what it is here to show: ten times the futures take a hundred times as
  // long.
  add(cases, "wait_any/wait_first_completed", 1000, by_wait_first_completed);
  add(cases, "wait_any/wait_first_completed", 10'000, by_wait_first_completed,
      {.iterations = 1, .repetitions = 3});
}

}  // namespace bench
