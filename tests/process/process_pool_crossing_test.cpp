#include <csignal>
#include <cstdlib>
#include <type_traits>

#include "process_pools.hpp"

// What crosses between the processes, and what goes wrong on the way there and back. Each failure
// costs the one task, in a pool that serves on.
namespace poolmark::test {
namespace {

class Crossing : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(pool.submit(increment, 1).result(), 2); }
  ProcessPoolExecutor pool{with_workers(1)};
};

TEST_F(Crossing, TakesAClosureThatAThreadPoolHadBefore) {
  // g++ 12 then no longer calls it trivially copyable.
  const auto multiplied = [factor = 3](int x) { return factor * x; };
  ThreadPoolExecutor threads(1);
  EXPECT_EQ(threads.submit(multiplied, 5).result(), 15);
  EXPECT_EQ(pool.submit(multiplied, 5).result(), 15);
}

// ---- types that fail ------------------------------------------------------------------

struct RefusesToBeWritten {
  int value = 0;
  RefusesToBeWritten() = default;
  RefusesToBeWritten(const RefusesToBeWritten& other) : value(other.value) {}
  template <class Archive>
  void save(Archive&) const {
    throw std::length_error("not writable");
  }
  template <class Archive>
  void load(Archive&) {}
};

struct RefusesToBeRead {
  std::string text;
  template <class Archive>
  void save(Archive& archive) const {
    archive(text);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(text);
    throw std::length_error("not readable");
  }
};
struct ReadsHalfOfItself {
  std::string text;
  template <class Archive>
  void save(Archive& archive) const {
    archive(text, text);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(text);
  }
};
/// Does something when the worker reads it.
template <int (*kAct)()>
struct ActsWhenRead {
  std::string text;
  template <class Archive>
  void save(Archive& archive) const {
    archive(text);
  }
  template <class Archive>
  void load(Archive&) {
    kAct();
  }
};

/// Does something when the worker writes it.
template <int (*kAct)()>
struct ActsWhenWritten {
  std::string text;
  template <class Archive>
  void save(Archive&) const {
    kAct();
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(text);
  }
};

int die() { return kill_self(SIGKILL); }
int leave_with_0() { std::exit(0); }
int leave_with_3() { std::exit(3); }

template <int (*kAct)()>
Future<int> submit_reader(ProcessPoolExecutor& pool) {
  const auto task = [](const ActsWhenRead<kAct>& x) { return static_cast<int>(x.text.size()); };
  return pool.submit(task, ActsWhenRead<kAct>{"text"});
}

template <int (*kAct)()>
Future<ActsWhenWritten<kAct>> submit_writer(ProcessPoolExecutor& pool) {
  return pool.submit([] { return ActsWhenWritten<kAct>{"text"}; });
}

// ---- arguments ------------------------------------------------------------------------

TEST_F(Crossing, DLK_01_an_argument_that_cannot_be_written_is_thrown_by_submit) {
  const auto task = [](const RefusesToBeWritten& x) { return x.value; };
  EXPECT_THROW(pool.submit(task, RefusesToBeWritten()), std::length_error);
}

TEST_F(Crossing, SHU_13_a_failure_to_cross_is_told_though_the_pool_was_shut_down_at_once) {
  Event begun;
  Event may_end;
  Future<RefusesToBeWritten> unwritable;
  Future<int> behind;
  {
    ProcessPoolExecutor ending(with_workers(1));
    const auto running = ending.submit(hold, begun.name(), may_end.name());
    begun.wait();
    // What cannot go there is refused before the pool can forget it.
    EXPECT_THROW(
        ending.submit([](const RefusesToBeWritten& x) { return x.value; }, RefusesToBeWritten()),
        std::length_error);
    unwritable = ending.submit([] { return RefusesToBeWritten(); });
    behind = ending.submit(increment, 1);
    ending.shutdown({.wait = false});
  }
  may_end.set();
  EXPECT_THROW(unwritable.result(), std::length_error);
  EXPECT_EQ(behind.result(), 2);
}

TEST_F(Crossing, DLK_02_a_death_while_the_worker_reads_its_arguments_fails_that_task_only) {
  const auto crashed = submit_reader<die>(pool);
  const auto behind = pool.submit(increment, 5);
  EXPECT_EQ(death_of(crashed).signal, SIGKILL);
  EXPECT_EQ(death_of(submit_reader<leave_with_3>(pool)).exit_code, 3);
  EXPECT_EQ(death_of(submit_reader<leave_with_0>(pool)).exit_code, 0);
  EXPECT_EQ(behind.result(), 6);
}

TEST_F(Crossing, DLK_03_an_error_while_the_worker_reads_its_arguments_fails_that_task_only) {
  const pid_t worker = pool.submit(own_pid).result();
  const auto task = [](const RefusesToBeRead& x) { return x.text; };
  EXPECT_THROW(pool.submit(task, RefusesToBeRead{"x"}).result(), std::length_error);
  EXPECT_EQ(pool.submit(own_pid).result(), worker);
}

/// Tells when it ends in a process that did not make it.
class TellsItsEnd {
 public:
  explicit TellsItsEnd(EventName ended, pid_t maker = getpid()) : ended_(ended), maker_(maker) {}
  TellsItsEnd(const TellsItsEnd& other) = default;
  // What was moved from has nothing to tell.
  TellsItsEnd(TellsItsEnd&& other) noexcept
      : ended_(other.ended_), maker_(std::exchange(other.maker_, getpid())) {}
  TellsItsEnd& operator=(const TellsItsEnd&) = delete;
  ~TellsItsEnd() {
    if (getpid() != maker_ && !ended_.is_set()) ended_.set();
  }
  EventName event() const { return ended_; }
  pid_t maker() const { return maker_; }

 private:
  EventName ended_;
  pid_t maker_;
};

}  // namespace
}  // namespace poolmark::test

template <>
struct poolmark::Wire<poolmark::test::TellsItsEnd> {
  using Value = poolmark::test::TellsItsEnd;
  static void put(WireWriter& to, const Value& value) {
    to.put_raw(value.event());
    to.put_raw(value.maker());
  }
  static Value get(WireReader& from) {
    const auto event = from.get_raw<poolmark::test::EventName>();
    return Value(event, from.get_raw<pid_t>());
  }
};

namespace poolmark::test {
namespace {

TEST_F(Crossing, PPE_05_arguments_are_destroyed_in_the_worker_before_the_caller_has_the_result) {
  Event ended;
  const auto task = [](const TellsItsEnd& argument) { return argument.event().is_set(); };
  EXPECT_FALSE(pool.submit(task, TellsItsEnd(ended.name())).result());
  EXPECT_TRUE(ended.is_set());
}

TEST_F(Crossing, PPE_12_what_can_cross_is_known_when_it_is_compiled) {
  // What the compiler says to the others is tested in refusals/.
  static_assert(Transportable<std::vector<std::string>> && Transportable<TellsItsEnd>);
  static_assert(!Transportable<int*> && !Transportable<std::string_view>);
}

struct Scale {
  int factor;
  int of(int x) const { return factor * x; }
};

TEST_F(Crossing, PPE_12_any_function_of_this_program_can_be_called_without_being_imported) {
  EXPECT_EQ(pool.submit(increment, 1).result(), 2);
  EXPECT_EQ(pool.submit([offset = 7](int x) { return x + offset; }, 1).result(), 8);
  EXPECT_EQ(pool.submit(&Scale::of, Scale{3}, 5).result(), 15);
}

// ---- results --------------------------------------------------------------------------

TEST_F(Crossing, DLK_07_a_death_while_the_result_is_written_fails_that_task_only) {
  const auto crashed = submit_writer<die>(pool);
  const auto behind = pool.submit(increment, 5);
  EXPECT_EQ(death_of(crashed).signal, SIGKILL);
  EXPECT_EQ(behind.result(), 6);
}

TEST_F(Crossing, DLK_08_an_error_while_the_result_is_written_fails_that_task_only) {
  const pid_t worker = pool.submit(own_pid).result();
  EXPECT_THROW(pool.submit([] { return RefusesToBeWritten(); }).result(), std::length_error);
  EXPECT_EQ(pool.submit(own_pid).result(), worker);
}

TEST_F(Crossing, DLK_08_an_exit_while_the_result_is_written_is_reported_with_its_code) {
  EXPECT_EQ(death_of(submit_writer<leave_with_3>(pool)).exit_code, 3);
  EXPECT_EQ(death_of(submit_writer<leave_with_0>(pool)).exit_code, 0);
}

/// Whom a result asks while it is read; null in the workers.
ProcessPoolExecutor* asked_pool = nullptr;

struct AsksThePoolAgain {
  int value = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(value);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(value);
    if (asked_pool != nullptr) value = asked_pool->submit(increment, value).result();
  }
  AsksThePoolAgain() = default;
  explicit AsksThePoolAgain(int given) : value(given) {}
  AsksThePoolAgain(const AsksThePoolAgain& other) : value(other.value) {}
};

TEST_F(Crossing, a_result_may_wait_for_another_task_of_its_pool_while_it_is_read) {
  const auto make = [](int value) { return AsksThePoolAgain(value); };
  EXPECT_EQ(pool.submit(increment, 1).result(), 2);  // the worker is there: it has no asked_pool
  asked_pool = &pool;
  EXPECT_EQ(pool.submit(make, 5).result().value, 6);
  asked_pool = nullptr;
}

TEST_F(Crossing, DLK_09_a_result_that_cannot_be_read_fails_that_task_only) {
  const pid_t worker = pool.submit(own_pid).result();
  const auto failed = pool.submit([] { return RefusesToBeRead{"x"}; });
  const auto behind = pool.submit(increment, 5);
  EXPECT_THROW(failed.result(), std::length_error);
  EXPECT_EQ(behind.result(), 6);
  EXPECT_EQ(pool.submit(own_pid).result(), worker);
}

TEST_F(Crossing, DLK_09_a_result_that_leaves_bytes_unread_fails_that_task_only) {
  const auto failed = pool.submit([] { return ReadsHalfOfItself{"x"}; });
  const auto behind = pool.submit(increment, 5);
  EXPECT_THAT([&] { failed.result(); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("more bytes than get()")));
  EXPECT_EQ(behind.result(), 6);
}

// ---- exceptions -----------------------------------------------------------------------

struct OwnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

TEST_F(Crossing, DLK_06_an_error_of_the_task_is_delivered_and_the_worker_serves_on) {
  const pid_t worker = pool.submit(own_pid).result();
  const auto failed =
      pool.submit([](int x) -> int { throw std::out_of_range(std::to_string(x)); }, 7);
  try {
    failed.result();
    FAIL() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), "7");
  }
  EXPECT_EQ(pool.submit(own_pid).result(), worker);
}

TEST_F(Crossing, PPE_04_type_and_text_of_an_error_survive) {
  const auto refused = pool.submit(
      []() -> int { throw std::system_error(ENOSPC, std::generic_category(), "writing it"); });
  try {
    refused.result();
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOSPC);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("writing it"));
  }
}

TEST_F(Crossing, PPE_04_an_error_of_a_type_unknown_here_says_its_name_and_text) {
  const auto future = pool.submit([]() -> int { throw OwnError("told"); });
  try {
    future.result();
    FAIL() << "nothing was thrown";
  } catch (const RemoteError& error) {
    EXPECT_THAT(error.type_name, ::testing::HasSubstr("OwnError"));
    EXPECT_EQ(error.message, "told");
  }
}

// ---- CPython's rule -------------------------------------------------------------------

template <class T>
void expect_the_strict_pool_breaks(Future<T> (*submit)(ProcessPoolExecutor&)) {
  ProcessPoolExecutor pool(strict_with_workers(1));
  EXPECT_THROW(submit(pool).result(), BrokenProcessPool);
  EXPECT_THROW(pool.submit(increment, 1), BrokenProcessPool);
}

TEST(StrictPool, DLK_02_breaks_when_a_worker_dies_while_it_reads_its_arguments) {
  expect_the_strict_pool_breaks(submit_reader<die>);
  expect_the_strict_pool_breaks(submit_reader<leave_with_3>);
}

TEST(StrictPool, DLK_07_breaks_when_a_worker_dies_while_it_writes_a_result) {
  expect_the_strict_pool_breaks(submit_writer<die>);
}

}  // namespace
}  // namespace poolmark::test
