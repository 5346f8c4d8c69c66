#include <fmt/core.h>
#include <sys/mman.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <deque>
#include <random>
#include <set>
#include <thread>

#include "descendants.hpp"
#include "process_pools.hpp"

// A stream of tasks while workers are killed at random moments. Every future resolves exactly once,
// with its value or WorkerDied; no task runs more often than it may; nothing is left behind.
//
//   process_pool_soak --seconds=5
//   process_pool_soak --kills=10000 --seed=7
namespace poolmark::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kKillsAPool = 250;
constexpr std::size_t kTasksAPool = std::size_t{1} << 17;
constexpr std::size_t kTasksAhead = 300;
constexpr std::size_t kLarge = std::size_t{1} << 20;
constexpr int kLongestSpin = 1 << 20;  // between two kills: a few milliseconds
// A pool gives up when five workers in a row have ended before they served, which they do on a busy
// machine if nobody lets them.
constexpr int kKillsBetweenValues = 2;

struct Options {
  std::optional<long> kills;
  std::optional<long> seconds;
  unsigned long seed = std::random_device()();
};

/// What workers are called, and nobody else on this machine.
std::string worker_name() {
  static const std::string kName = "soak-" + std::to_string(getpid());
  return kName;
}

/// How often each task of a pool has run, in memory that the workers share.
std::atomic<std::uint8_t>* runs = nullptr;

void share_memory() {
  void* memory =
      mmap(nullptr, kTasksAPool, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
  runs = static_cast<std::atomic<std::uint8_t>*>(memory);
}

void spin(int rounds) {
  for (volatile int i = 0; i < rounds;) i = i + 1;
}

// Relaxed: the result that follows says that it has run.
int small_task(int id, int rounds) {
  runs[id].fetch_add(1, std::memory_order_relaxed);
  spin(rounds);
  return id + 1;
}
std::string large_task(int id) {
  runs[id].fetch_add(1, std::memory_order_relaxed);
  return std::string(kLarge, static_cast<char>('a' + id % 26));
}

struct Figures {
  long kills = 0;
  long pools = 0;
  long values = 0;
  long deaths = 0;
  long wrong = 0;  // in words on standard error

  void expect(bool right, const char* what, long where) {
    if (right) return;
    if (++wrong <= 20) fmt::print(stderr, "wrong: {} ({})\n", what, where);
  }
};

// ---- processes ------------------------------------------------------------------------

/// Kills a worker, and nobody who has its number by now. True for one that nobody has reaped yet.
bool kill_worker(pid_t pid) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return false;
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  const bool killed =
      name == worker_name() && syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0) == 0;
  close(fd);
  return killed;
}

// ---- one pool -------------------------------------------------------------------------

/// Kills random workers after random spins, as long as values come between, until it is told to
/// end.
class Killer {
 public:
  Killer(ProcessPoolExecutor& pool, unsigned long seed, const std::atomic<long>& values,
         std::atomic<long>& kills)
      : thread_([this, &pool, seed, &values, &kills] {
          std::mt19937_64 random(seed);
          std::set<pid_t> killed;
          long values_seen = 0;
          int kills_since = 0;
          while (!may_end_.load(std::memory_order_relaxed)) {
            spin(static_cast<int>(random() % kLongestSpin));
            const long now = values.load(std::memory_order_relaxed);
            if (std::exchange(values_seen, now) != now) kills_since = 0;
            if (kills_since == kKillsBetweenValues) continue;
            const auto pids = pool.worker_pids();
            if (pids.empty()) continue;
            const pid_t pid = pids[random() % pids.size()];
            if (kill_worker(pid) && killed.insert(pid).second) {
              kills.fetch_add(1, std::memory_order_relaxed);
              ++kills_since;
            }
          }
        }) {}
  Killer(const Killer&) = delete;
  Killer& operator=(const Killer&) = delete;
  ~Killer() {
    may_end_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

 private:
  std::atomic<bool> may_end_{false};  // relaxed: nothing comes with it
  std::thread thread_;
};

/// What a pool has been given, and how it came back.
class Stream {
 public:
  Stream(const ProcessPoolOptions& options, unsigned long seed, Figures& figures)
      : options_(options), random_(seed), figures_(figures), resolved_(kTasksAPool) {
    std::fill_n(runs, kTasksAPool, std::uint8_t{0});
  }

  /// Submits and collects until `go_on` says no, then shuts down while workers are still killed.
  template <class GoOn>
  void run(GoOn go_on, std::atomic<long>& kills) {
    const NewHoldings left;
    {
      ProcessPoolExecutor pool(options_);
      const Killer killer(pool, random_(), values_, kills);
      while (go_on() && tasks_ < static_cast<int>(kTasksAPool)) {
        submit_one(pool);
        while (small_.size() + large_.size() > kTasksAhead) collect_one();
      }
      pool.shutdown({.wait = random_() % 2 == 0});
      while (!small_.empty() || !large_.empty()) collect_one();
      pool.shutdown();
    }
    figures_.expect(left.count() == kNothing, "descriptors or mappings were left", tasks_);
    for (int id = 0; id < tasks_; ++id) {
      figures_.expect(resolved_[static_cast<std::size_t>(id)] == 1, "resolved so often", id);
      figures_.expect(runs[id] <= 1 + options_.retries_after_worker_death, "ran too often", id);
    }
  }

 private:
  void submit_one(ProcessPoolExecutor& pool) {
    const int id = tasks_++;
    const auto count = [this, &times = resolved_[static_cast<std::size_t>(id)]](const auto& done) {
      ++times;
      if (!done.exception()) values_.fetch_add(1, std::memory_order_relaxed);
    };
    if (random_() % 64 == 0) {
      large_.emplace_back(id, pool.submit(large_task, id));
      large_.back().second.add_done_callback(count);
    } else {
      small_.emplace_back(id, pool.submit(small_task, id, static_cast<int>(random_() % 20'000)));
      small_.back().second.add_done_callback(count);
    }
  }

  void collect_one() {
    if (!large_.empty() && (small_.empty() || random_() % 64 == 0)) {
      collect(large_, [](int id, const std::string& text) {
        return text == std::string(kLarge, static_cast<char>('a' + id % 26));
      });
    } else {
      collect(small_, [](int id, int value) { return value == id + 1; });
    }
  }

  template <class T, class Right>
  void collect(std::deque<std::pair<int, Future<T>>>& futures, Right right) {
    const auto [id, future] = futures.front();
    futures.pop_front();
    try {
      figures_.expect(right(id, future.result(kWatchdog)), "wrong value", id);
      figures_.expect(runs[id] != 0, "never ran", id);
      ++figures_.values;
    } catch (const WorkerDied& died) {
      figures_.expect(died.signal == SIGKILL, died.what(), id);
      ++figures_.deaths;
    } catch (const TimeoutError&) {
      fmt::print(stderr, "task {} hangs\n", id);
      std::_Exit(EXIT_FAILURE);
    } catch (const std::exception& error) {
      figures_.expect(false, error.what(), id);
    }
  }

  ProcessPoolOptions options_;
  std::mt19937_64 random_;
  Figures& figures_;
  int tasks_ = 0;
  std::atomic<long> values_{0};  // relaxed: a count
  std::deque<std::pair<int, Future<int>>> small_;
  std::deque<std::pair<int, Future<std::string>>> large_;
  std::vector<std::atomic<int>> resolved_;  // by callbacks, which have run when the pool is gone
};

// ---- all pools ------------------------------------------------------------------------

ProcessPoolOptions random_options(std::mt19937_64& random) {
  ProcessPoolOptions options = with_workers(2 + static_cast<int>(random() % 3));
  options.process_name_prefix = worker_name();
  options.retries_after_worker_death = static_cast<int>(random() % 3);
  if (random() % 3 == 0) options.max_tasks_per_child = 1 + static_cast<int>(random() % 100);
  return options;
}

int soak(const Options& options) {
  const auto start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::mt19937_64 random(options.seed);
  std::atomic<long> kills{0};  // relaxed: a count
  Figures figures;
  const auto go_on = [&] {
    return options.kills ? kills.load(std::memory_order_relaxed) < *options.kills
                         : seconds() < static_cast<double>(options.seconds.value_or(5));
  };
  while (go_on() && figures.wrong == 0) {
    const long kills_before = kills;
    Stream stream(random_options(random), random(), figures);
    stream.run([&] { return go_on() && kills - kills_before < kKillsAPool; }, kills);
    ++figures.pools;
    const auto left = descendants_and(worker_name());
    // The zygote of main() stays.
    figures.expect(left.size() == 1, left.empty() ? "" : left.back().name.c_str(),
                   static_cast<long>(left.size()));
  }
  fmt::print(
      "seed {}: {} kills in {} pools and {:.1f} s; {} values, {} tasks lost with their worker; "
      "{}\n",
      options.seed, kills.load(), figures.pools, seconds(), figures.values, figures.deaths,
      figures.wrong == 0 ? "nothing wrong, nothing left" : "SOMETHING IS WRONG");
  return figures.wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

std::optional<long> number_after(std::string_view argument, std::string_view name) {
  if (!argument.starts_with(name)) return std::nullopt;
  long value = 0;
  const char* const end = argument.data() + argument.size();
  const auto read = std::from_chars(argument.data() + name.size(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

}  // namespace
}  // namespace poolmark::test

int main(int argc, char** argv) {
  using namespace poolmark::test;
  Options options;
  for (int i = 1; i < argc; ++i) {
    const auto kills = number_after(argv[i], "--kills=");
    const auto seconds = number_after(argv[i], "--seconds=");
    const auto seed = number_after(argv[i], "--seed=");
    if (!kills && !seconds && !seed) {
      fmt::print(stderr, "usage: {} [--kills=N | --seconds=N] [--seed=N]\n", argv[0]);
      return 2;
    }
    if (kills) options.kills = kills;
    if (seconds) options.seconds = seconds;
    if (seed) options.seed = static_cast<unsigned long>(*seed);
  }
  share_memory();  // before the workers' ancestor is born
  poolmark::start_zygote();
  return soak(options);
}
