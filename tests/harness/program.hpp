#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace poolmark::harness::detail {

/// A run of a harness program in a process group of its own, with --progress-fd going to a pipe.
class Program {
 public:
  /// What it says on standard error goes to the file `words`.
  explicit Program(const std::string& path, std::vector<std::string> arguments,
                   const std::string& words = "/dev/null") {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    arguments.insert(arguments.begin(), path);
    arguments.push_back("--progress-fd=3");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);

    guardian_ = ::fork();
    if (guardian_ == 0) ::_exit(guard(pointers, ends[1], words));
    ::setpgid(guardian_, guardian_);  // whichever of the two comes first
    ::close(ends[1]);
    progress_ = ::fdopen(ends[0], "r");
  }
  ~Program() {
    std::fclose(progress_);
    if (guardian_ > 0) wait();
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// The next progress event; null at the end of the run.
  nlohmann::json next_event() {
    std::string line;
    for (int c = std::getc(progress_); c != EOF; c = std::getc(progress_)) {
      if (c == '\n') return nlohmann::json::parse(line);
      line.push_back(static_cast<char>(c));
    }
    return nullptr;
  }

  /// To the whole group, as a terminal does with Ctrl-C.
  void interrupt_group() const { ::kill(-guardian_, SIGINT); }

  /// Blocks until the program *and every process it has started* have ended: one that stays is
  /// seen as the time-out of this test. The program's exit status, or 99 if a signal ended it.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(guardian_, 0), &status, 0);
    return WEXITSTATUS(status);
  }

 private:
  /// Runs the program below a process that inherits its orphans and reaps them all.
  static int guard(const std::vector<char*>& arguments, int progress_fd, const std::string& words) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::signal(SIGINT, [](int) {});  // not SIG_IGN, which the program would inherit
    const pid_t program = ::fork();
    if (program == 0) {
      const int silence = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      ::dup2(silence, STDOUT_FILENO);
      ::dup2(::open(words.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), STDERR_FILENO);
      if (progress_fd == 3) {
        ::fcntl(3, F_SETFD, 0);
      } else {
        ::dup2(progress_fd, 3);
      }
      ::execv(arguments.front(), arguments.data());
      ::_exit(127);
    }
    ::close(progress_fd);
    int exit_status = 0;
    for (;;) {
      int status = 0;
      const pid_t ended = ::waitpid(-1, &status, 0);
      if (ended == program) exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 99;
      if (ended == -1 && errno != EINTR) return exit_status;
    }
  }

  pid_t guardian_ = 0;
  std::FILE* progress_ = nullptr;
};

}  // namespace poolmark::harness::detail
