#include <fmt/core.h>

#include <cstdlib>

#include "executors.hpp"

// What becomes of tasks that are submitted while the program ends, on every executor.
namespace poolmark::test {
namespace {

template <class Case>
class ProgramEndConformanceDeathTest : public ::testing::Test {};
TYPED_TEST_SUITE(ProgramEndConformanceDeathTest, AllExecutors, ExecutorNames);

/// Prints what becomes of a task, for the test that reads it from standard error.
template <class Executor>
void print_what_comes_of_a_task(Executor& pool) {
  try {
    fmt::print(stderr, "got {}\n", pool.submit(square, 3).result());
  } catch (const ShutdownError& refused) {
    fmt::print(stderr, "refused: {}\n", refused.what());
  }
}

// Still there when everything else has gone, like a pool that is never destroyed.
template <class Case>
typename Case::Executor* left_behind = nullptr;

TYPED_TEST(ProgramEndConformanceDeathTest, EXE_10_what_is_older_than_all_executors_is_refused) {
  const auto end = [] {
    std::atexit([] {
      print_what_comes_of_a_task(*left_behind<TypeParam>);
      try {
        left_behind<TypeParam>->map(square, std::vector{1, 2});
      } catch (const ShutdownError&) {
        fmt::print(stderr, "so is a map\n");
      }
      auto late = TypeParam::make();
      print_what_comes_of_a_task(late);
      fmt::print(stderr, "and the end comes\n");
    });
    left_behind<TypeParam> = new auto(TypeParam::make());
    EXPECT_EQ(left_behind<TypeParam>->submit(square, 2).result(), 4);
    std::exit(0);  // NOLINT(concurrency-mt-unsafe): the end of the program is what is tested
  };
  EXPECT_EXIT(end(), ::testing::ExitedWithCode(0),
              "refused: submit\\(\\) while the program ends.*\nso is a map\nrefused: .*\n"
              "and the end comes");
}

TYPED_TEST(ProgramEndConformanceDeathTest, EXE_10_what_is_younger_may_use_its_executor_to_the_end) {
  const auto end = [] {
    left_behind<TypeParam> = new auto(TypeParam::make());
    std::atexit([] { print_what_comes_of_a_task(*left_behind<TypeParam>); });
    std::exit(0);  // NOLINT(concurrency-mt-unsafe): the end of the program is what is tested
  };
  EXPECT_EXIT(end(), ::testing::ExitedWithCode(0), "got 9");
}

}  // namespace
}  // namespace poolmark::test
