#include "overhead/partner.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>

#include "overhead/shared_memory.hpp"
#include "overhead/words.hpp"

namespace bench {
namespace {

/// Neither running nor waiting to be reaped.
bool is_gone(pid_t pid) {
  return waitpid(pid, nullptr, WNOHANG) == -1 && errno == ECHILD && kill(pid, 0) == -1;
}

TEST(Partner, AnswersThroughSharedMemory) {
  const Shared<Word> word;
  const Partner partner([&word] {
    word->store(7, std::memory_order_release);
    wake_up<Between::kProcesses>(*word);
  });
  sleep_while<Between::kProcesses>(*word, 0);
  EXPECT_EQ(word->load(), 7U);
}

TEST(Partner, IsGoneWhenItsScopeEndsWhateverItDoes) {
  pid_t pid = 0;
  {
    const Partner partner([] {
      for (;;) pause();
    });
    pid = partner.pid();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_TRUE(is_gone(pid));
}

TEST(Partner, IsGoneWhenItsScopeIsLeftByAnException) {
  pid_t pid = 0;
  try {
    const Partner partner([] {
      for (;;) pause();
    });
    pid = partner.pid();
    throw std::runtime_error("as a limit does whose answer is wrong");
  } catch (const std::runtime_error&) {
  }
  EXPECT_TRUE(is_gone(pid));
}

TEST(Partner, ThatThrowsEndsWithStatusOneAndNotInItsParentsCode) {
  const Partner partner([] { throw WrongResult("in the child"); });
  siginfo_t ended{};
  // Looked at, and left for the destructor to reap.
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(partner.pid()), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(ended.si_code, CLD_EXITED);
  EXPECT_EQ(ended.si_status, 1);
}

}  // namespace
}  // namespace bench
