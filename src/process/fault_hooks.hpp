#pragma once

#ifndef POOLMARK_FAULT_HOOKS

// In the library that users get, a hook is nothing.
#define POOLMARK_HOOK(point) static_cast<void>(0)

#else

#include <sys/types.h>

#include <atomic>
#include <cstdint>

// Places in the lives of workers and zygotes where a test makes them die or stop. Only in the
// second build of the library that tests/process makes for itself.
#define POOLMARK_HOOK(point) ::poolmark::detail::arrive_at(::poolmark::detail::FaultPoint::point)

namespace poolmark::detail {

enum class FaultPoint : std::uint32_t {
  kNowhere,
  kStarting,            // the worker has been forked and has not read anything
  kBeforeTaking,        // has read a task's header
  kAfterTaking,         // the task is its own now, its arguments are unread
  kReadingMore,         // has read a part of a task, the rest is not in the ring yet
  kInitializing,        // is about to call the initializer
  kBeforePublish,       // a result, or a piece of it, is in the ring and cannot be seen
  kAfterPublish,        // it can be seen, nobody has been rung for
  kWritingMore,         // a piece of a result is published, the rest has no room
  kBellCleared,         // has taken it upon itself to wake the pool, and has not done so
  kAboutToSleep,        // has said that it sleeps, and does not yet
  kAfterWake,           // was asleep
  kZygoteReportsStart,  // the zygote has forked a worker and has not told
  kZygoteReportsEnd,    // the zygote has reaped a worker and has not told
};

enum class FaultAction : std::uint32_t {
  kDie,          // by SIGKILL
  kDieEachTime,  // and whoever comes there later does too
  kStop,         // by SIGSTOP, until somebody sends SIGCONT
  kTell,         // goes on at once
};

/// What a test wants to happen, in memory that all processes of the program share. One at a time.
class FaultPlan {
 public:
  /// `action` at the `passage`th time (1: the first) that any process comes to `point` from now on.
  void set(FaultPoint point, FaultAction action, std::int32_t passage = 1) noexcept;
  /// Forgets it, and that it has happened.
  void clear() noexcept;
  /// Blocks until it has happened, and returns to whom; 0 if it has not within a minute.
  pid_t await() const noexcept;
  bool has_happened() const noexcept;

 private:
  friend void arrive_at(FaultPoint point) noexcept;

  // Release by the test when the others are stored; acquire by whoever comes to a point.
  std::atomic<FaultPoint> point_{FaultPoint::kNowhere};
  std::atomic<FaultAction> action_{FaultAction::kDie};
  std::atomic<std::int32_t> passages_left_{0};
  /// Who did it: release by that process before it does, acquire by the test, which sleeps on it.
  std::atomic<std::uint32_t> pid_{0};
};

FaultPlan& fault_plan() noexcept;

/// Does what the plan says, if it says anything about this point.
void arrive_at(FaultPoint point) noexcept;

}  // namespace poolmark::detail

#endif
