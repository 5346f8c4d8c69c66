#pragma once

#include <sys/types.h>
#include <unistd.h>

namespace bench {

/// A child that answers this process while a limit is measured. When the Partner is gone so is the
/// child, killed and reaped, whatever it was doing; it does not survive this process either.
class Partner {
 public:
  /// Forks a child that calls `life()` and ends when that returns or throws. The process may have
  /// threads, so `life` must not allocate: it is another thread's lock it would wait for.
  /// std::system_error if there can be no child.
  template <class Life>
  explicit Partner(Life life) : pid_(fork_child()) {
    if (pid_ != 0) return;
    try {
      life();
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }
  Partner(const Partner&) = delete;
  Partner& operator=(const Partner&) = delete;
  ~Partner();

  pid_t pid() const noexcept { return pid_; }

 private:
  /// fork() that throws; the child is killed when its parent ends.
  static pid_t fork_child();

  pid_t pid_;
};

}  // namespace bench
