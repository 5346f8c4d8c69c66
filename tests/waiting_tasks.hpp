#pragma once

#include <string>

#include "executors.hpp"

// What the tests of workers that wait for each other have in common.
namespace poolmark::test {

inline ThreadPoolOptions without_run_in_place(int workers, std::string prefix = {}) {
  return {.max_workers = workers, .thread_name_prefix = std::move(prefix), .run_in_place = false};
}

/// Tells the test which thread is about to sleep.
inline void announce(MailboxName box) { box.post(this_thread_id()); }

/// Waits in one of several ways for three tasks of `pool` and adds them up.
inline int sum_in(ThreadPoolExecutor& pool, int way) {
  const std::vector futures{pool.submit(identity, 1), pool.submit(identity, 2),
                            pool.submit(identity, 3)};
  int sum = 0;
  switch (way % 4) {
    case 0:
      wait(futures);
      break;
    case 1:
      wait(futures, {.return_when = ReturnWhen::FirstException});
      break;
    case 2:
      for (const auto& done : as_completed(futures)) EXPECT_GT(done.result(), 0);
      break;
    default:
      break;
  }
  for (const auto& future : futures) sum += future.result();
  return sum;
}

}  // namespace poolmark::test
