// limit/shared_memcpy: what must be copied at least when 64 MiB go to another process and come back
// through memory that both have.

#include <cstring>
#include <memory>

#include "overhead/partner.hpp"
#include "overhead/process_pooled.hpp"
#include "overhead/shared_memory.hpp"
#include "overhead/words.hpp"

namespace bench {
namespace {

constexpr std::size_t kBytes = std::size_t{64} << 20;

/// Whose turn it is; counts up. Odd: the partner's.
struct Turn {
  Word word{0};

  void pass() {
    // Release: the other side sees the bytes.
    word.fetch_add(1, std::memory_order_release);
    wake_up<Between::kProcesses>(word);
  }
  void await_end_of(std::uint32_t turn) { sleep_while<Between::kProcesses>(word, turn); }
};

/// Memory of this process alone, each page of which has been touched.
std::unique_ptr<char[]> touched_memory(char value) {
  auto memory = std::make_unique_for_overwrite<char[]>(kBytes);
  std::memset(memory.get(), value, kBytes);
  return memory;
}

/// Into the shared memory, out of it in the partner, back in there, out of it here.
void shared_memcpy(Meter& meter) {
  note_few_cpus(meter);
  const SharedMemory between(kBytes);
  const Shared<Turn> turn;
  const auto source = touched_memory(1);
  const auto target = touched_memory(0);
  // Made before the fork: the partner must not allocate. It touches its own copy by writing it.
  const auto partners = touched_memory(0);
  const Partner partner([&] {
    std::memset(partners.get(), 0, kBytes);
    for (std::uint32_t now = 0;; now += 2) {
      sleep_long_while<Between::kProcesses>(turn->word, now);
      std::memcpy(partners.get(), between.start(), kBytes);
      std::memcpy(between.start(), partners.get(), kBytes);
      turn->pass();
    }
  });
  meter.count_bytes(2 * static_cast<std::int64_t>(kBytes));
  std::uint32_t now = 0;
  const auto there_and_back = [&] {
    std::memcpy(between.start(), source.get(), kBytes);
    turn->pass();
    turn->await_end_of(now + 1);
    std::memcpy(target.get(), between.start(), kBytes);
    now += 2;
  };
  there_and_back();  // warm: all pages are mapped on both sides
  char value = 1;
  while (meter.next()) {
    source[0] = source[kBytes - 1] = ++value;
    meter.start();
    there_and_back();
    meter.stop();
    check_equal("the first byte", target[0], value);
    check_equal("the last byte", target[kBytes - 1], value);
  }
}

}  // namespace

void add_process_memcpy_cases(Cases& cases) {
  constexpr std::int64_t kFew = 3;
  cases.push_back({.name = case_name("limit/shared_memcpy", "hardware", 1, 1),
                   .tasks = 1,
                   .run = shared_memcpy,
                   .iterations = kFew});
}

}  // namespace bench
