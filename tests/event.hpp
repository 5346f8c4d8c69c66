#pragma once

#include <array>
#include <chrono>
#include <string>
#include <vector>

/// What tests wait for instead of time: events and messages that a task can send from any thread or
/// process. Both are named pipes, so a worker process that was forked before the event was made
/// opens it by its name; the names are trivially copyable, and so may be arguments of a task.
namespace poolmark::test {

/// What must happen has happened long before; when this is over, the test calls it a hang.
inline constexpr std::chrono::seconds kWatchdog{60};

/// The path of a named pipe.
struct PipeName {
  std::array<char, 96> path;
};

/// Refers to an Event, from wherever.
struct EventName {
  PipeName pipe;

  void set() const;
  /// Blocks until the event is set, by whomever, before or after. std::runtime_error from the
  /// watchdog.
  void wait() const;
  bool is_set() const;
};

/// Refers to a Mailbox, from wherever.
struct MailboxName {
  PipeName pipe;

  void post(int message) const;
};

/// Makes a named pipe, keeps it open so that what was written stays, and removes it.
class OwnedPipe {
 public:
  OwnedPipe();
  OwnedPipe(const OwnedPipe&) = delete;
  OwnedPipe& operator=(const OwnedPipe&) = delete;
  ~OwnedPipe();

  const PipeName& name() const noexcept { return name_; }
  int fd() const noexcept { return fd_; }

 private:
  PipeName name_;
  int fd_;
};

/// Happens once and stays happened.
class Event {
 public:
  EventName name() const noexcept { return {pipe_.name()}; }
  void set() const { name().set(); }
  void wait() const { name().wait(); }
  bool is_set() const { return name().is_set(); }

 private:
  OwnedPipe pipe_;
};

/// Messages from tasks to the test, in the order they were posted.
class Mailbox {
 public:
  MailboxName name() const noexcept { return {pipe_.name()}; }
  /// Blocks until there is a message. std::runtime_error from the watchdog.
  int receive() const;
  std::vector<int> receive(int count) const;
  /// Messages that have been posted and not received.
  int size() const;

 private:
  OwnedPipe pipe_;
};

/// Returns when `thread` (a kernel thread id of this process) sleeps in the kernel, which is to say
/// that it has begun to wait for what the test will do next. std::runtime_error from the watchdog.
void await_sleep_of(int thread);

/// The same, and that nothing but a wake will end its wait: it waits for a futex, without a
/// timeout. At once where the kernel does not tell what threads wait for.
void await_sound_sleep_of(int thread);

/// The kernel's id of the calling thread.
int this_thread_id();

}  // namespace poolmark::test
