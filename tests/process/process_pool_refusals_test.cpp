#include <sys/resource.h>

#include "process_pools.hpp"
#include "refused_calls.hpp"

// What the system refuses: calls, threads, processes. Each in a forked child, because it cannot be
// undone.
namespace poolmark::test {
namespace {

constexpr const char* kNoSeccomp = "no seccomp filter can be installed here";

class Refused : public ::testing::Test {
 protected:
  void SetUp() override {
    SKIP_UNDER_TSAN("a child forked from a process with threads may not start threads");
    if (in_forked_child([] { return refuse_calls({}) ? "" : "refused"; }) != "") {
      GTEST_SKIP() << kNoSeccomp;
    }
  }
};

/// What is wrong with a pool that shall serve tasks, survive a death and leave nothing behind.
std::string wrong_with_a_pool() {
  const NewHoldings left;
  {
    ProcessPoolExecutor pool({.max_workers = 2});
    if (pool.submit(increment, 1).result() != 2) return "wrong result";
    const auto died = pool.submit(kill_self, SIGKILL);
    if (death_of(died).signal != SIGKILL) return "no death was reported";
    if (pool.submit(increment, 2).result() != 3) return "wrong result after a death";
  }
  if (left.count() != kNothing) return "it left something behind";
  return waitpid(-1, nullptr, WNOHANG) == -1 ? "" : "it left a child behind";
}

TEST_F(Refused, PPE_09_pidfds_and_close_range_are_missed_by_nobody) {
  for (const int error : {ENOSYS, EPERM}) {
    EXPECT_EQ(in_forked_child([error] {
                refuse_calls({{.number = SYS_pidfd_open, .error = error},
                              {.number = SYS_pidfd_send_signal, .error = error},
                              {.number = SYS_close_range, .error = error}});
                return wrong_with_a_pool();
              }),
              "");
  }
}

TEST_F(Refused, PPE_09_memory_files_are_missed_with_a_sentence) {
  EXPECT_THAT(in_forked_child([] {
                refuse_calls({{.number = SYS_memfd_create, .error = ENOSYS}});
                return wrong_with_a_pool();
              }),
              ::testing::HasSubstr("memfd_create"));
}

TEST_F(Refused, PPE_10_a_service_thread_that_cannot_start_fails_submit_and_hangs_nobody) {
  EXPECT_EQ(in_forked_child([]() -> std::string {
              ProcessPoolExecutor pool({.max_workers = 1});
              refuse_threads();
              for (int i = 0; i < 2; ++i) {
                try {
                  pool.submit(increment, 1);
                  return "submit() did not throw";
                } catch (const std::system_error& error) {
                  if (std::string(error.what()).find("service thread") == std::string::npos) {
                    return error.what();
                  }
                }
              }
              return "";
            }),
            "");
}

TEST_F(Refused, PPE_10_without_a_thread_for_them_callbacks_run_all_the_same) {
  EXPECT_EQ(
      in_forked_child([]() -> std::string {
        ProcessPoolExecutor pool({.max_workers = 1});
        if (pool.submit(increment, 1).result() != 2) return "wrong result";
        refuse_threads();
        const Event called;
        const Event may_end;  // not before it has its callback, which would run here otherwise
        auto future = pool.submit([](EventName event) { event.wait(); }, may_end.name());
        future.add_done_callback([name = called.name()](const AnyFuture&) { name.set(); });
        may_end.set();
        called.wait();
        return "";
      }),
      "");
}

/// Lets process `pid`, of the same user, have so many processes. For an ordinary user only: the
/// limit does not bind root.
bool limit_processes(pid_t pid, rlim_t count) {
  rlimit limit{};
  if (prlimit(pid, RLIMIT_NPROC, nullptr, &limit) != 0) return false;
  limit.rlim_cur = std::min(count, limit.rlim_max);
  return prlimit(pid, RLIMIT_NPROC, &limit, nullptr) == 0;
}

bool become_an_ordinary_user() {
  constexpr uid_t kNobody = 65534;
  return geteuid() != 0 || setresuid(kNobody, kNobody, kNobody) == 0;
}

/// Until its zygote may fork again. Returns the zygote; throws if that cannot be done.
pid_t forbid_replacements(ProcessPoolExecutor& pool) {
  const pid_t zygote = pool.submit(parents_pid).result();
  if (!limit_processes(zygote, 0)) throw std::runtime_error("no limit could be set");
  return zygote;
}

pid_t parent_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (status >> word && word != "PPid:") {
  }
  pid_t parent = 0;
  status >> parent;
  return parent;
}

TEST_F(Refused, AZygoteThatCannotBeForkedByThatOfTheProcessFailsThePoolWithTheReason) {
  EXPECT_EQ(in_forked_child([]() -> std::string {
              if (!become_an_ordinary_user()) return "";
              start_zygote();
              ProcessPoolExecutor first(with_workers(1));
              const pid_t its_zygote = first.submit(parents_pid).result();
              if (!limit_processes(parent_of(its_zygote), 0)) return "no limit could be set";
              try {
                ProcessPoolExecutor pool(with_workers(1));
              } catch (const std::system_error& error) {
                const std::string said = error.what();
                return said.find("cannot fork the zygote of a process pool") != said.npos ? ""
                                                                                          : said;
              }
              return "the limit did not bind";
            }),
            "");
}

TEST_F(Refused, MTC_07_a_replacement_that_cannot_be_started_breaks_the_pool_with_the_reason) {
  EXPECT_EQ(in_forked_child([]() -> std::string {
              if (!become_an_ordinary_user()) return "";
              ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 1});
              forbid_replacements(pool);
              const auto first = pool.submit(increment, 1);
              const auto second = pool.submit(increment, 2);
              for (const auto& future : {first, second}) {
                try {
                  future.result();
                  return "the limit did not bind";
                } catch (const BrokenProcessPool& error) {
                  const std::string said = error.what();
                  if (said.find("could not start a worker: Resource") == said.npos) return said;
                }
              }
              return "";
            }),
            "");
}

TEST_F(Refused, MTC_07_a_replacement_that_cannot_be_started_at_once_is_started_later) {
  EXPECT_EQ(in_forked_child([]() -> std::string {
              if (!become_an_ordinary_user()) return "";
              ProcessPoolExecutor pool({.max_workers = 1, .max_tasks_per_child = 1});
              const pid_t zygote = forbid_replacements(pool);
              const auto future = pool.submit(increment, 1);
              try {
                future.result(std::chrono::milliseconds(30));  // so that it is refused once
                return "the limit did not bind";
              } catch (const TimeoutError&) {
              }
              limit_processes(zygote, RLIM_INFINITY);
              return future.result() == 2 ? "" : "wrong result";
            }),
            "");
}

}  // namespace
}  // namespace poolmark::test
