#include "process/fault_hooks.hpp"

#include "fault_rounds.hpp"

// A worker or the zygote dies or stops at every place where it matters. What it has said by then is
// kept, what it has taken and not answered is lost (or tried again), and nothing else is.
namespace poolmark::test {
namespace {

using detail::fault_plan;
using detail::FaultAction;
using detail::FaultPoint;

struct Fault {
  const char* name;
  FaultPoint point;
  int passage;
  Work work;
  int tasks_lost;  // if the worker dies there
};

void PrintTo(const Fault& fault, std::ostream* to) { *to << fault.name; }

/// Very many workers have small rings. They start on demand, so no more than three of them.
ProcessPoolOptions options_for(Work work) {
  const bool in_pieces = work == Work::kLargeArguments || work == Work::kLargeResults;
  return with_workers(in_pieces ? kMaxWorkersLimit : 2);
}

class FaultTest : public ::testing::TestWithParam<Fault> {
 protected:
  ~FaultTest() override { fault_plan().clear(); }

  /// How many tasks are lost when the worker comes to its point.
  static int tasks_lost(const ProcessPoolOptions& options, FaultAction action) {
    constexpr int kRoundsAtMost = 200;
    constexpr int kRoundsAfter = 3;
    const Fault& fault = GetParam();
    const NewHoldings left;
    std::vector<pid_t> processes;
    int lost = 0;
    {
      fault_plan().set(fault.point, action, fault.passage);
      ProcessPoolExecutor pool(options);
      Rounds rounds(pool);
      for (int i = 0; i < kRoundsAtMost && !fault_plan().has_happened(); ++i) {
        rounds.run(fault.work);
      }
      if (!fault_plan().has_happened()) {
        ADD_FAILURE() << "no worker came there";
        return 0;
      }
      for (int i = 0; i < kRoundsAfter; ++i) rounds.run(fault.work);
      lost = rounds.tasks_lost();
      processes = pool.worker_pids();
      processes.push_back(fault_plan().await());
      processes.push_back(pool.submit(parents_pid).result());
    }
    for (const pid_t pid : processes) EXPECT_FALSE(exists(pid));
    EXPECT_EQ(left.count(), kNothing);
    return lost;
  }
};

TEST_P(FaultTest, ADeathThereCostsTheTaskThatWasTakenAndNothingElse) {
  EXPECT_EQ(tasks_lost(options_for(GetParam().work), FaultAction::kDie), GetParam().tasks_lost);
}

TEST_P(FaultTest, ADeathThereCostsNothingIfTheTaskMayBeRetried) {
  ProcessPoolOptions options = options_for(GetParam().work);
  options.retries_after_worker_death = 1;
  EXPECT_EQ(tasks_lost(options, FaultAction::kDie), 0);
}

TEST_P(FaultTest, APauseThereCostsNothing) {
  const Reviver reviver(SIGCONT);
  EXPECT_EQ(tasks_lost(options_for(GetParam().work), FaultAction::kStop), 0);
}

TEST_P(FaultTest, ADeathAfterAPauseThereCostsNoMore) {
  const Reviver killer(SIGKILL);
  EXPECT_EQ(tasks_lost(options_for(GetParam().work), FaultAction::kStop), GetParam().tasks_lost);
}

INSTANTIATE_TEST_SUITE_P(
    AtEveryPoint, FaultTest,
    ::testing::Values(
        Fault{"starting", FaultPoint::kStarting, 1, Work::kSmallTasks, 0},
        Fault{"starting_again", FaultPoint::kStarting, 2, Work::kLargeArguments, 0},
        Fault{"before_taking", FaultPoint::kBeforeTaking, 50, Work::kSmallTasks, 0},
        Fault{"after_taking", FaultPoint::kAfterTaking, 50, Work::kSmallTasks, 1},
        Fault{"reading_arguments", FaultPoint::kReadingMore, 1, Work::kLargeArguments, 1},
        Fault{"reading_more_arguments", FaultPoint::kReadingMore, 4, Work::kLargeArguments, 1},
        Fault{"before_publishing", FaultPoint::kBeforePublish, 50, Work::kSmallTasks, 1},
        Fault{"before_publishing_a_piece", FaultPoint::kBeforePublish, 1, Work::kLargeResults, 1},
        Fault{"after_publishing", FaultPoint::kAfterPublish, 50, Work::kSmallTasks, 0},
        Fault{"after_publishing_a_piece", FaultPoint::kAfterPublish, 1, Work::kLargeResults, 1},
        Fault{"writing_a_large_result", FaultPoint::kWritingMore, 1, Work::kLargeResults, 1},
        Fault{"after_taking_a_file", FaultPoint::kAfterTaking, 1, Work::kFiles, 1},
        Fault{"before_publishing_a_file", FaultPoint::kBeforePublish, 4, Work::kFiles, 1},
        Fault{"after_publishing_a_file", FaultPoint::kAfterPublish, 4, Work::kFiles, 0},
        Fault{"about_to_wake_a_caller", FaultPoint::kBellCleared, 1, Work::kForOneWhoWaits, 0},
        Fault{"about_to_wake_the_service_thread", FaultPoint::kBellCleared, 1,
              Work::kForNobodyWaiting, 0},
        Fault{"about_to_sleep", FaultPoint::kAboutToSleep, 2, Work::kSmallTasks, 0},
        Fault{"woken", FaultPoint::kAfterWake, 2, Work::kSmallTasks, 0}),
    [](const auto& fault) { return fault.param.name; });

class Faults : public ::testing::Test {
 protected:
  ~Faults() override {
    fault_plan().clear();
    EXPECT_EQ(left_.count(), kNothing);
  }

 private:
  NewHoldings left_;
};

TEST_F(Faults, WorkersThatDieAsSoonAsTheyStartBreakThePoolInTheEnd) {
  fault_plan().set(FaultPoint::kStarting, FaultAction::kDieEachTime);
  ProcessPoolExecutor pool(with_workers(1));
  EXPECT_THROW(pool.submit(increment, 1).result(), BrokenProcessPool);
}

TEST_F(Faults, ADeathInSleepCostsNothing) {
  ProcessPoolExecutor pool(with_workers(1));
  fault_plan().set(FaultPoint::kAboutToSleep, FaultAction::kTell);
  EXPECT_EQ(pool.submit(increment, 1).result(), 2);
  const pid_t worker = fault_plan().await();
  await_state(worker, 'S');
  kill(worker, SIGKILL);
  EXPECT_NE(pool.submit(own_pid).result(), worker);
}

TEST_F(Faults, ADeathIsToldWithWhatTheWorkerDidThen) {
  ProcessPoolExecutor pool(with_workers(1));
  for (const auto& [point, doing] :
       {std::pair(FaultPoint::kAfterTaking, "reading the arguments of a task"),
        std::pair(FaultPoint::kBeforePublish, "writing the result of a task")}) {
    fault_plan().set(point, FaultAction::kDie);
    EXPECT_EQ(death_of(pool.submit(increment, 1)).doing, doing);
  }
}

// The result is there, the worker has said that it will wake whoever waits for it, and does not.
TEST_F(Faults, AnAnswerIsFoundThoughItsWorkerStopsBeforeItWakesAnybody) {
  for (const Work work : {Work::kForOneWhoWaits, Work::kForNobodyWaiting}) {
    ProcessPoolExecutor pool(with_workers(1));
    Rounds rounds(pool);
    rounds.run(Work::kSmallTasks);
    fault_plan().set(FaultPoint::kBellCleared, FaultAction::kStop);
    while (!fault_plan().has_happened()) rounds.run(work);
    const pid_t worker = fault_plan().await();
    await_state(worker, 'T');
    kill(worker, SIGCONT);
    EXPECT_EQ(pool.submit(own_pid).result(), worker);
    EXPECT_EQ(rounds.tasks_lost(), 0);
  }
}

void do_nothing() {}

// The second worker's: the first one serves by then.
TEST_F(Faults, ADeathInAnInitializerBreaksThePoolForEverybody) {
  ProcessPoolOptions options = with_workers(2);
  options.initializer = do_nothing;
  ProcessPoolExecutor pool(options);
  fault_plan().set(FaultPoint::kInitializing, FaultAction::kDie, 2);
  Event begun;
  const auto running = pool.submit(hang, begun.name());
  begun.wait();
  const auto second = pool.submit(increment, 1);
  for (const auto& future : {running, second}) {
    EXPECT_THAT([&] { future.result(); },
                ::testing::Throws<BrokenProcessPool>(::testing::Property(
                    &BrokenProcessPool::what, ::testing::HasSubstr("initializer"))));
  }
  EXPECT_THROW(pool.submit(increment, 1), BrokenProcessPool);
}

TEST_F(Faults, ADeathOfTheZygoteBeforeItReportsAStartBreaksThePool) {
  ProcessPoolExecutor pool(with_workers(2));
  fault_plan().set(FaultPoint::kZygoteReportsStart, FaultAction::kDie);
  Event begun;
  EXPECT_THROW(pool.submit(hang, begun.name()).result(), BrokenProcessPool);
  EXPECT_THROW(pool.submit(increment, 1), BrokenProcessPool);
}

TEST_F(Faults, ADeathOfTheZygoteBeforeItReportsADeathBreaksThePool) {
  Event begun;
  ProcessPoolExecutor pool(with_workers(2));
  fault_plan().set(FaultPoint::kZygoteReportsEnd, FaultAction::kDie);
  const auto running = pool.submit(hang, begun.name());
  begun.wait();
  const auto killed = pool.submit(kill_self, SIGKILL);
  EXPECT_THROW(killed.result(), BrokenProcessPool);
  EXPECT_THROW(running.result(), BrokenProcessPool);
}

TEST_F(Faults, APauseOfTheZygoteCostsNothing) {
  for (const auto point : {FaultPoint::kZygoteReportsStart, FaultPoint::kZygoteReportsEnd}) {
    fault_plan().set(point, FaultAction::kStop);
    const Reviver reviver(SIGCONT);
    ProcessPoolExecutor pool(with_workers(2));
    const auto first = pool.submit(increment, 1);
    const auto killed = pool.submit(kill_self, SIGKILL);
    const auto last = pool.submit(increment, 2);
    EXPECT_EQ(first.result(), 2);
    EXPECT_EQ(death_of(killed).signal, SIGKILL);
    EXPECT_EQ(last.result(), 3);
  }
}

}  // namespace
}  // namespace poolmark::test
