// limit, between two processes: what the machine itself takes. No pool of processes that hands a
// task to another core and takes its result back can beat a cache line's round trip, none that
// sleeps a futex's.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>

#include "overhead/partner.hpp"
#include "overhead/process_pooled.hpp"
#include "overhead/shared_memory.hpp"
#include "overhead/small_process.hpp"
#include "overhead/words.hpp"

namespace bench {
namespace {

constexpr int kTrips = 1000;
// Few: where other programs keep the CPUs busy, each trip waits for a time slice.
constexpr int kSpunTrips = 100;
constexpr HowOften kSpunRegions{.iterations = 100};
constexpr int kColdTries = 60;
constexpr HowOften kForks{.iterations = 20};

void cache_line_round_trip(Meter& meter) {
  note_few_cpus(meter);
  const Shared<Word> word;
  // Answers every odd value with the even one behind it.
  const Partner partner([&word] {
    for (;;) {
      const std::uint32_t seen = word->load(std::memory_order_acquire);
      if (seen % 2 == 1) word->store(seen + 1, std::memory_order_release);
    }
  });
  std::uint32_t sent = 0;
  meter.use_median();
  while (meter.next()) {
    meter.start();
    for (int i = 0; i < kSpunTrips; ++i, sent += 2) {
      word->store(sent + 1, std::memory_order_release);
      spin_until(*word, sent + 2);
    }
    meter.stop();
  }
}

/// Two words, each written by one side, on which the other one sleeps.
struct Futexes {
  Word there{0};
  alignas(64) Word back{0};

  void answer_for_ever() {
    for (std::uint32_t seen = 0;;) {
      sleep_long_while<Between::kProcesses>(there, seen);
      seen = there.load(std::memory_order_acquire);
      back.store(seen, std::memory_order_release);
      wake_up<Between::kProcesses>(back);
    }
  }
  void trip(std::uint32_t sent) {
    there.store(sent + 1, std::memory_order_release);
    wake_up<Between::kProcesses>(there);
    sleep_while<Between::kProcesses>(back, sent);
  }
};

void futex_round_trip(Meter& meter) {
  note_few_cpus(meter);
  const Shared<Futexes> futexes;
  const Partner partner([&futexes] { futexes->answer_for_ever(); });
  std::uint32_t sent = 0;
  while (meter.next()) {
    meter.start();
    for (int i = 0; i < kTrips; ++i) futexes->trip(sent++);
    meter.stop();
  }
  check_equal("the last answer", futexes->back.load(), sent);
}

void futex_round_trip_cold(Meter& meter) {
  note_few_cpus(meter);
  const Shared<Futexes> futexes;
  const Partner partner([&futexes] { futexes->answer_for_ever(); });
  std::uint32_t sent = 0;
  meter.use_median();
  while (meter.next()) {
    std::this_thread::sleep_for(kUntilProcessesSleep);
    meter.start();
    futexes->trip(sent++);
    meter.stop();
  }
  check_equal("the last answer", futexes->back.load(), sent);
}

/// A way of 8 bytes through the kernel.
class Way {
 public:
  enum class Kind { kEventFd, kPipe };

  explicit Way(Kind kind) {
    const bool made = kind == Kind::kPipe ? pipe2(ends_.data(), O_CLOEXEC) == 0
                                          : (ends_[0] = eventfd(0, EFD_CLOEXEC)) >= 0;
    if (!made) throw std::system_error(errno, std::generic_category(), "cannot make a way");
    if (kind == Kind::kEventFd) ends_[1] = ends_[0];
  }
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;
  ~Way() {
    close(ends_[0]);
    if (ends_[1] != ends_[0]) close(ends_[1]);
  }

  void send(std::uint64_t value) { check(write(ends_[1], &value, sizeof value)); }
  std::uint64_t receive() {
    std::uint64_t value = 0;
    check(read(ends_[0], &value, sizeof value));
    return value;
  }

 private:
  static void check(ssize_t moved) {
    if (moved != sizeof(std::uint64_t)) throw WrongResult("the other side is not there");
  }

  std::array<int, 2> ends_{-1, -1};
};

void kernel_round_trip(Meter& meter, Way::Kind kind) {
  note_few_cpus(meter);
  Way there(kind);
  Way back(kind);
  const Partner partner([&] {
    for (;;) back.send(there.receive() + 1);
  });
  while (meter.next()) {
    std::uint64_t seen = 1;  // an eventfd can send anything but 0
    meter.start();
    for (int i = 0; i < kTrips; ++i) {
      there.send(seen);
      seen = back.receive();
    }
    meter.stop();
    check_equal("what came back", static_cast<std::int64_t>(seen), kTrips + 1);
  }
}

/// Two children, as a pool of two workers has, one after the other. Its CPU time is another
/// process's, so it has no counter of that.
void fork_wait(Meter& meter) {
  std::chrono::nanoseconds total{0};
  int pairs = 0;
  while (meter.next()) {
    const auto took = fork_and_wait_in_small_process(kWorkers);
    meter.add(took);
    total += took;
    meter.report("ns_per_task", static_cast<double>(total.count()) / ++pairs);
  }
}

}  // namespace

void add_process_limit_cases(Cases& cases) {
  const auto add = [&cases](const char* what, const char* whose, int n, auto run,
                            HowOften how_often = {}) {
    cases.push_back({.name = case_name(what, whose, n, 1),
                     .tasks = n,
                     .run = run,
                     .iterations = how_often.iterations});
  };
  add("limit/process_cache_line_round_trip", "hardware", kSpunTrips, cache_line_round_trip,
      kSpunRegions);
  add("limit/process_futex_round_trip", "kernel", kTrips, futex_round_trip);
  add("limit/process_futex_round_trip_cold", "kernel", 1, futex_round_trip_cold,
      {.iterations = kColdTries});
  add("limit/eventfd_round_trip", "kernel", kTrips,
      [](Meter& meter) { kernel_round_trip(meter, Way::Kind::kEventFd); });
  add("limit/pipe_round_trip", "kernel", kTrips,
      [](Meter& meter) { kernel_round_trip(meter, Way::Kind::kPipe); });
  cases.push_back({.name = case_name("limit/fork_wait", "kernel", 1, kWorkers),
                   .tasks = 1,
                   .run = fork_wait,
                   .iterations = kForks.iterations});
}

}  // namespace bench
