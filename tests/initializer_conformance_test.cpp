#include "executors.hpp"

// The initializers of the pools, and how a pool whose initializer fails is broken.
namespace poolmark::test {
namespace {

template <class Case>
class InitializerConformance : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Case::kHasWorkers) SKIP_ROW(kHasNoWorkers);
  }
};
TYPED_TEST_SUITE(InitializerConformance, AllExecutors, ExecutorNames);

thread_local int initialized_with = 0;

void set_to_42() { initialized_with = 42; }

int wait_and_tell(MailboxName begun, EventName may_end) {
  begun.post(1);
  may_end.wait();
  return initialized_with;
}

void fail() { throw std::out_of_range("no such device"); }

TYPED_TEST(InitializerConformance, INI_01_runs_in_every_worker_before_its_first_task) {
  auto pool = TypeParam::make_with_initializer(3, set_to_42);
  Mailbox begun;
  Event may_end;
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) {
    futures.push_back(pool.submit(wait_and_tell, begun.name(), may_end.name()));
  }
  begun.receive(3);  // in three workers at once
  may_end.set();
  for (const auto& future : futures) EXPECT_EQ(future.result(), 42);
}

TYPED_TEST(InitializerConformance, INI_01_runs_once_a_worker) {
  Mailbox runs;
  {
    auto pool = TypeParam::make_with_initializer(1, [box = runs.name()] { box.post(1); });
    for (int i = 0; i < 20; ++i) pool.submit(square, i).result();
  }
  EXPECT_EQ(runs.size(), 1);
}

TYPED_TEST(InitializerConformance, INI_02_its_failure_breaks_the_pool) {
  using Broken = typename TypeParam::Broken;
  auto pool = TypeParam::make_with_initializer(2, fail);
  auto first = pool.submit(square, 1);
  EXPECT_THROW_WITH(first.result(), Broken, "std::out_of_range: no such device");
  EXPECT_THROW(pool.submit(square, 2), Broken);
}

// CPython logs it where the worker is; here whoever meets the broken pool is told.
TYPED_TEST(InitializerConformance, INI_03_what_it_threw_is_told_to_everyone) {
  using Broken = typename TypeParam::Broken;
  auto pool = TypeParam::make_with_initializer(1, fail);
  auto pending = pool.submit(square, 1);
  EXPECT_THROW_WITH(pending.result(), Broken, "std::out_of_range: no such device");
  EXPECT_THROW_WITH(pool.submit(square, 2), Broken, "std::out_of_range: no such device");
}

TYPED_TEST(InitializerConformance, EXE_11_a_broken_pool_refuses_with_the_error_of_its_kind) {
  using Broken = typename TypeParam::Broken;
  auto pool = TypeParam::make_with_initializer(2, fail);
  EXPECT_TRUE(pool.submit(square, 1).exception());
  EXPECT_THROW(pool.submit(square, 2), Broken);
  EXPECT_THROW(pool.map(square, std::vector{1, 2}), Broken);
  EXPECT_THROW(pool.map({.buffersize = 1}, square, std::vector{1, 2}), Broken);
  pool.shutdown();
  EXPECT_THROW(pool.submit(square, 2), Broken);  // and does not forget why
}

TYPED_TEST(InitializerConformance,
           ERR_05_each_pending_future_of_a_broken_pool_gets_an_error_of_its_own) {
  Event may_fail;
  auto pool = TypeParam::make_with_initializer(1, [event = may_fail.name()] {
    event.wait();
    throw std::out_of_range("no such device");
  });
  std::vector<Future<int>> pending;
  for (int i = 0; i < 3; ++i) pending.push_back(pool.submit(square, i));
  may_fail.set();
  wait(pending);
  std::vector<const void*> objects;
  for (const auto& future : pending) {
    try {
      future.result();
      ADD_FAILURE() << "no error";
    } catch (const typename TypeParam::Broken& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("no such device"));
      objects.push_back(&error);
    }
  }
  EXPECT_NE(objects[0], objects[1]);
  EXPECT_NE(objects[1], objects[2]);
}

TYPED_TEST(InitializerConformance, INI_02_a_broken_pool_shuts_down) {
  auto pool = TypeParam::make_with_initializer(2, fail);
  EXPECT_TRUE(pool.submit(square, 1).exception());
  pool.shutdown();
  EXPECT_THROW(pool.submit(square, 2), BrokenExecutor);
}

TYPED_TEST(InitializerConformance, INI_04_its_failure_leaks_no_thread_and_no_descriptor) {
  const auto use_a_pool = [] {
    auto pool = TypeParam::make_with_initializer(2, fail);
    EXPECT_TRUE(pool.submit(square, 1).exception());
    pool.shutdown();
  };
  use_a_pool();  // what is made once for the process is made now
  const NewThreads threads;
  const NewDescriptors descriptors;
  use_a_pool();
  EXPECT_TRUE(threads.come_to_an_end());
  EXPECT_EQ(descriptors.count(), 0);
}

}  // namespace
}  // namespace poolmark::test
