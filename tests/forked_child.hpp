#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace poolmark::test {

/// Runs `body` in a forked child that ends without cleaning up, and returns its exit code. Where
/// the child allocates, no other thread may: a sanitizer's allocator does not survive a fork in
/// mid-allocation.
template <class F>
int exit_code_of_child(F body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace poolmark::test
