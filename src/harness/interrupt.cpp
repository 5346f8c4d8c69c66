#include "harness/interrupt.hpp"

#include <pthread.h>
#include <unistd.h>

#include <atomic>

#include "poolmark/harness/detail/subject.hpp"

namespace poolmark::harness::detail {
namespace {

// Set by the signal handler, read by the measuring thread. Relaxed: it publishes nothing but
// itself.
std::atomic<bool> was_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may touch it");

void on_interrupt(int) {
  if (was_interrupted.exchange(true, std::memory_order_relaxed)) _exit(kInterruptedStatus);
}

struct sigaction action(void (*handler)(int)) {
  struct sigaction act = {};
  act.sa_handler = handler;
  act.sa_flags = SA_RESTART;  // a batch that is being measured is finished, not disturbed
  sigemptyset(&act.sa_mask);
  return act;
}

void install(int signal, void (*handler)(int), struct sigaction* before) {
  const struct sigaction act = action(handler);
  sigaction(signal, &act, before);
}

}  // namespace

bool interrupted() noexcept { return was_interrupted.load(std::memory_order_relaxed); }

InterruptsIgnored::InterruptsIgnored() { install(SIGINT, SIG_IGN, &before_); }
InterruptsIgnored::~InterruptsIgnored() { sigaction(SIGINT, &before_, nullptr); }

InterruptListener::InterruptListener() {
  was_interrupted.store(false, std::memory_order_relaxed);
  install(SIGINT, on_interrupt, &interrupt_before_);
  install(SIGTERM, on_interrupt, &terminate_before_);
  install(SIGPIPE, SIG_IGN, &pipe_before_);
}

InterruptListener::~InterruptListener() {
  sigaction(SIGINT, &interrupt_before_, nullptr);
  sigaction(SIGTERM, &terminate_before_, nullptr);
  sigaction(SIGPIPE, &pipe_before_, nullptr);
}

InterruptsHeld::InterruptsHeld() {
  sigset_t held;
  sigemptyset(&held);
  sigaddset(&held, SIGINT);
  sigaddset(&held, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &held, &before_);
}

InterruptsHeld::~InterruptsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

}  // namespace poolmark::harness::detail
