#pragma once

#include <chrono>

namespace poolmark::detail {

/// Moves a worker off the core that it shares with its submitter while both are awake.
///
/// The kernel likes to wake a worker on the core of whoever woke it. That is the best place if the
/// submitter then sleeps, and a bad one if both stay awake: each of their turns costs a switch
/// (2.4 us a round trip here, 0.5 us on two cores), and the kernel's balancing takes milliseconds.
class SharedCore {
 public:
  /// A task came while the worker was awake and waited for it, pushed on `cpu`.
  void note_task_from(int cpu) noexcept;
  /// The worker slept: where it is now is the kernel's fresh choice.
  void forget() noexcept { in_a_row_ = 0; }

 private:
  void move_over() noexcept;

  using Clock = std::chrono::steady_clock;

  int in_a_row_ = 0;  // tasks from this very core
  Clock::time_point next_move_{};
  std::chrono::milliseconds between_moves_{10};
};

}  // namespace poolmark::detail
