#include "event.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace poolmark::test {
namespace {

[[noreturn]] void throw_system_error(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

class OwnedFd {
 public:
  OwnedFd(const PipeName& pipe, int flags) : fd_(open(pipe.path.data(), flags | O_CLOEXEC)) {
    if (fd_ < 0) throw_system_error("cannot open the test's pipe");
  }
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd() { close(fd_); }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// A directory of the process that first asks for it, removed with it.
class PipeDirectory {
 public:
  PipeDirectory() {
    std::string path = "/tmp/poolmark-test-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) throw_system_error("cannot make a directory in /tmp");
    path_ = path;
  }
  PipeDirectory(const PipeDirectory&) = delete;
  PipeDirectory& operator=(const PipeDirectory&) = delete;
  ~PipeDirectory() {
    // A forked child of the test must not take the directory from its parent.
    if (owner_ == getpid()) rmdir(path_.c_str());
  }

  PipeName next_pipe() {
    const std::string path = path_ + "/" + std::to_string(pipes_.fetch_add(1));
    PipeName name{};
    if (path.size() >= name.path.size()) throw std::length_error("pipe path too long: " + path);
    std::copy(path.begin(), path.end(), name.path.begin());
    return name;
  }

 private:
  std::string path_;
  pid_t owner_ = getpid();
  std::atomic<int> pipes_{0};
};

PipeName next_pipe() {
  static PipeDirectory directory;
  return directory.next_pipe();
}

void await_readable(int fd, const char* what) {
  pollfd waited{.fd = fd, .events = POLLIN, .revents = 0};
  const auto limit =
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kWatchdog).count());
  int ready = 0;
  do {
    ready = poll(&waited, 1, limit);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) throw_system_error("poll of the test's pipe");
  if (ready == 0) throw std::runtime_error(std::string("watchdog: nobody ") + what);
}

void write_int(const PipeName& pipe, int message) {
  const OwnedFd fd(pipe, O_WRONLY);
  // A pipe takes so few bytes at once or not at all.
  if (write(fd.get(), &message, sizeof message) != sizeof message) {
    throw_system_error("cannot write to the test's pipe");
  }
}

}  // namespace

OwnedPipe::OwnedPipe() : name_(next_pipe()) {
  if (mkfifo(name_.path.data(), 0600) != 0) throw_system_error("cannot make the test's pipe");
  // For both directions: neither this open nor that of a writer waits for the other end.
  fd_ = open(name_.path.data(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0) throw_system_error("cannot open the test's pipe");
}

OwnedPipe::~OwnedPipe() {
  unlink(name_.path.data());
  close(fd_);
}

// The byte that sets the event is never read, so that everybody sees it.
void EventName::set() const { write_int(pipe, 1); }

void EventName::wait() const {
  const OwnedFd fd(pipe, O_RDONLY | O_NONBLOCK);
  await_readable(fd.get(), "set the event");
}

bool EventName::is_set() const {
  const OwnedFd fd(pipe, O_RDONLY | O_NONBLOCK);
  pollfd waited{.fd = fd.get(), .events = POLLIN, .revents = 0};
  return poll(&waited, 1, 0) == 1;
}

void MailboxName::post(int message) const { write_int(pipe, message); }

int Mailbox::receive() const {
  await_readable(pipe_.fd(), "posted a message");
  int message = 0;
  if (read(pipe_.fd(), &message, sizeof message) != sizeof message) {
    throw_system_error("cannot read the test's pipe");
  }
  return message;
}

std::vector<int> Mailbox::receive(int count) const {
  std::vector<int> messages;
  for (int i = 0; i < count; ++i) messages.push_back(receive());
  return messages;
}

int Mailbox::size() const {
  int bytes = 0;
  if (ioctl(pipe_.fd(), FIONREAD, &bytes) != 0) throw_system_error("FIONREAD");
  return bytes / static_cast<int>(sizeof(int));
}

namespace {

/// Until the line that /proc has in `file` of a thread of this process satisfies `is_so`.
template <class Predicate>
void await_line_of(int thread, const std::string& file, Predicate is_so, const std::string& what) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/" + file;
  const auto give_up = std::chrono::steady_clock::now() + kWatchdog;
  while (std::chrono::steady_clock::now() < give_up) {
    std::ifstream opened(path);
    std::string line;
    std::getline(opened, line);
    if (is_so(line)) return;
    std::this_thread::yield();
  }
  throw std::runtime_error("watchdog: thread " + std::to_string(thread) + " did not " + what);
}

}  // namespace

void await_sleep_of(int thread) {
  const auto sleeps = [](const std::string& line) {
    // The state stands behind the name, which is in brackets and may hold anything.
    const auto bracket = line.rfind(')');
    return bracket != std::string::npos && line.compare(bracket, 4, ") S ") == 0;
  };
  await_line_of(thread, "stat", sleeps, "go to sleep");
}

void await_sound_sleep_of(int thread) {
  const auto sleeps_soundly = [](const std::string& line) {
    // The number of the call and its arguments: address, operation, value, timeout, ...
    std::istringstream words(line);
    std::string call, address, operation, value, timeout;
    if (!(words >> call)) return true;  // the kernel does not tell
    if (call != std::to_string(SYS_futex)) return false;
    return static_cast<bool>(words >> address >> operation >> value >> timeout) && timeout == "0x0";
  };
  await_line_of(thread, "syscall", sleeps_soundly, "go to sleep without a timeout");
}

int this_thread_id() { return gettid(); }

}  // namespace poolmark::test
