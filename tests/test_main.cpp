#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "poolmark/process_pool_executor.hpp"

int main(int argc, char** argv) {
  // 1. The zygote, while this process is small and has one thread.
  poolmark::start_zygote();
  // 2. The options.
  ::testing::InitGoogleMock(&argc, argv);
  // A death test forks; "threadsafe" starts the program anew instead of forking its threads.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // 3. The tests, which make threads.
  return RUN_ALL_TESTS();
}
