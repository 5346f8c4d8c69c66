#pragma once

#include <thread>

#include "process/fault_hooks.hpp"
#include "process_pools.hpp"

// Work that brings a worker to the point where a test wants it, and what became of it.
namespace poolmark::test {

/// What a pool is given to do, so that workers come to a point.
enum class Work {
  kSmallTasks,
  kLargeArguments,    // larger than a ring of a pool of very many workers: they come in pieces
  kLargeResults,      // the same
  kFiles,             // so large, both ways, that they go through memory files
  kForOneWhoWaits,    // an answer that a sleeping caller waits for
  kForNobodyWaiting,  // an answer that the sleeping service thread has to fetch
};

/// Returns when the process is in this state, or gone.
inline void await_state(pid_t pid, char state) {
  const auto give_up = std::chrono::steady_clock::now() + kWatchdog;
  for (char now = state_of(pid); now != state && now != '\0'; now = state_of(pid)) {
    if (std::chrono::steady_clock::now() > give_up) throw std::runtime_error("watchdog");
    std::this_thread::yield();
  }
}

/// Sends a signal to whoever the plan has stopped.
class Reviver {
 public:
  explicit Reviver(int signal)
      : thread_([signal] {
          const pid_t pid = detail::fault_plan().await();
          if (pid == 0) return;
          await_state(pid, 'T');
          kill(pid, signal);
        }) {}
  Reviver(const Reviver&) = delete;
  Reviver& operator=(const Reviver&) = delete;
  ~Reviver() { thread_.join(); }

 private:
  std::thread thread_;
};

inline constexpr std::size_t kLargerThanARing = 100 << 10;
inline constexpr std::size_t kWorthAFile = 1 << 20;

inline std::size_t size_of(const std::string& text) { return text.size(); }
inline std::string text_of(char letter) { return std::string(kLargerThanARing, letter); }
inline std::string same_text(const std::string& text) { return text; }
inline int return_when(EventName event, int value) {
  event.wait();
  return value;
}

/// Rounds of work in a pool, and how they ended.
class Rounds {
 public:
  explicit Rounds(ProcessPoolExecutor& pool) : pool_(pool) {}

  int tasks_lost() const { return tasks_lost_; }

  void run(Work work) {
    switch (work) {
      case Work::kSmallTasks:
        small_tasks();
        break;
      case Work::kLargeArguments:
        large_arguments();
        break;
      case Work::kLargeResults:
        large_results();
        break;
      case Work::kFiles:
        files();
        break;
      case Work::kForOneWhoWaits:
        for_one_who_waits();
        break;
      case Work::kForNobodyWaiting:
        for_nobody_waiting();
        break;
    }
  }

 private:
  template <class T>
  void expect(const Future<T>& future, const T& value) {
    try {
      EXPECT_EQ(future.result(), value);
    } catch (const WorkerDied& died) {
      EXPECT_EQ(died.signal, SIGKILL);
      EXPECT_EQ(died.pid, detail::fault_plan().await());
      ++tasks_lost_;
    }
  }

  void small_tasks() {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 30; ++i) futures.push_back(pool_.submit(increment, i));
    for (int i = 0; i < 30; ++i) expect(futures[static_cast<std::size_t>(i)], i + 1);
    // So that the next round has somebody to wake.
    for (const pid_t pid : pool_.worker_pids()) await_state(pid, 'S');
  }

  void large_arguments() {
    std::vector<Future<std::size_t>> futures;
    for (int i = 0; i < 3; ++i) futures.push_back(pool_.submit(size_of, text_of('a')));
    for (const auto& future : futures) expect(future, kLargerThanARing);
  }

  void large_results() {
    std::vector<Future<std::string>> futures;
    for (char letter = 'a'; letter < 'd'; ++letter) {
      futures.push_back(pool_.submit(text_of, letter));
    }
    for (char letter = 'a'; letter < 'd'; ++letter) {
      expect(futures[static_cast<std::size_t>(letter - 'a')], text_of(letter));
    }
  }

  void files() {
    std::vector<Future<std::string>> futures;
    for (char letter = 'a'; letter < 'd'; ++letter) {
      futures.push_back(pool_.submit(same_text, std::string(kWorthAFile, letter)));
    }
    for (char letter = 'a'; letter < 'd'; ++letter) {
      expect(futures[static_cast<std::size_t>(letter - 'a')], std::string(kWorthAFile, letter));
    }
  }

  void for_one_who_waits() {
    Event may_end;
    const auto future = pool_.submit(return_when, may_end.name(), 7);
    std::thread helper([&may_end, caller = this_thread_id()] {
      await_sleep_of(caller);
      may_end.set();
    });
    expect(future, 7);
    helper.join();
  }

  void for_nobody_waiting() {
    Event may_end;
    Event done;
    auto future = pool_.submit(return_when, may_end.name(), 7);
    future.add_done_callback([name = done.name()](const Future<int>&) { name.set(); });
    await_sleep_of(service_thread());
    may_end.set();
    done.wait();
    expect(future, 7);
  }

  /// It gives itself its name, a moment after the first submit().
  static int service_thread() {
    const auto give_up = std::chrono::steady_clock::now() + kWatchdog;
    while (std::chrono::steady_clock::now() < give_up) {
      for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(thread.path() / "comm");
        std::string name;
        std::getline(file, name);
        if (name == "poolmark-serve") return std::stoi(thread.path().filename());
      }
    }
    throw std::runtime_error("watchdog: the pool has no service thread");
  }

  ProcessPoolExecutor& pool_;
  int tasks_lost_ = 0;
};

}  // namespace poolmark::test
