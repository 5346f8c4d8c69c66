#pragma once

#include <csignal>

/// Ctrl-C and SIGTERM end a run early but in order: what was measured is written. A second one ends
/// the program at once.
namespace poolmark::harness::detail {

/// While it lives, SIGINT is ignored. Processes forked meanwhile keep ignoring it: a terminal sends
/// Ctrl-C to workers too, and they must live until the program has stopped them.
class InterruptsIgnored {
 public:
  InterruptsIgnored();
  ~InterruptsIgnored();
  InterruptsIgnored(const InterruptsIgnored&) = delete;
  InterruptsIgnored& operator=(const InterruptsIgnored&) = delete;

 private:
  struct sigaction before_ = {};
};

/// While it lives, SIGINT and SIGTERM make interrupted() true; a second one calls _exit(130). It
/// also ignores SIGPIPE: that a viewer of the output has gone must not cost minutes of measuring.
/// One at a time in a process.
class InterruptListener {
 public:
  InterruptListener();
  ~InterruptListener();
  InterruptListener(const InterruptListener&) = delete;
  InterruptListener& operator=(const InterruptListener&) = delete;

 private:
  struct sigaction interrupt_before_ = {};
  struct sigaction terminate_before_ = {};
  struct sigaction pipe_before_ = {};
};

/// While it lives, SIGINT and SIGTERM wait: for the moment in which a file is half-written.
class InterruptsHeld {
 public:
  InterruptsHeld();
  ~InterruptsHeld();
  InterruptsHeld(const InterruptsHeld&) = delete;
  InterruptsHeld& operator=(const InterruptsHeld&) = delete;

 private:
  sigset_t before_ = {};
};

inline constexpr int kInterruptedStatus = 130;  // 128 + SIGINT, as shells say it

}  // namespace poolmark::harness::detail
