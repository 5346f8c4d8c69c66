#include "shared_core.hpp"

#include <sched.h>

#include <algorithm>

namespace poolmark::detail {
namespace {

// Twice the work that moving costs (about 20 us) is lost by then.
constexpr int kInARowBeforeMoving = 16;

// Who is put back on the shared core soon after is not wanted elsewhere: the other cores are busy.
constexpr std::chrono::milliseconds kLongestBetweenMoves{1000};

}  // namespace

void SharedCore::note_task_from(int cpu) noexcept {
  if (cpu != sched_getcpu()) {
    in_a_row_ = 0;
  } else if (++in_a_row_ >= kInARowBeforeMoving) {
    in_a_row_ = 0;
    move_over();
  }
}

void SharedCore::move_over() noexcept {
  const auto now = Clock::now();
  if (now < next_move_) return;
  between_moves_ = now < next_move_ + 2 * between_moves_
                       ? std::min(2 * between_moves_, kLongestBetweenMoves)
                       : std::chrono::milliseconds(10);
  next_move_ = now + between_moves_;
  // Narrowing the mask moves the thread at once; widening it again leaves it there.
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t others = allowed;
  CPU_CLR(static_cast<unsigned>(sched_getcpu()), &others);
  if (CPU_COUNT(&others) == 0) return;
  if (sched_setaffinity(0, sizeof others, &others) == 0) {
    sched_setaffinity(0, sizeof allowed, &allowed);
  }
}

}  // namespace poolmark::detail
