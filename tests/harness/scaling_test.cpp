#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fake_suite.hpp"
#include "trace_rules.hpp"

// The real program, bench/scaling, as a user runs it.
namespace poolmark::harness::detail {
namespace {

using nlohmann::json;

/// A run of the program in a process group of its own, with --progress-fd going to a pipe.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    arguments.insert(arguments.begin(), POOLMARK_SCALING);
    arguments.push_back("--progress-fd=3");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);

    guardian_ = ::fork();
    if (guardian_ == 0) ::_exit(guard(pointers, ends[1]));
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
  json next_event() {
    std::string line;
    for (int c = std::getc(progress_); c != EOF; c = std::getc(progress_)) {
      if (c == '\n') return json::parse(line);
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
  static int guard(const std::vector<char*>& arguments, int progress_fd) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::signal(SIGINT, [](int) {});  // not SIG_IGN, which the program would inherit
    const pid_t program = ::fork();
    if (program == 0) {
      const int silence = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      ::dup2(silence, STDOUT_FILENO);
      ::dup2(silence, STDERR_FILENO);
      if (progress_fd == 3) {
        ::fcntl(3, F_SETFD, 0);
      } else {
        ::dup2(progress_fd, 3);
      }
      ::execv(POOLMARK_SCALING, arguments.data());
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

TEST(Scaling, MeasuresATinyGridOfEveryExecutorAndPattern) {
  const TemporaryFolder folder;
  Program program({"--workloads=sum", "--workers=2", "--benchmark_repetitions=2",
                   "--benchmark_out=" + (folder / "out.json").string()});
  EXPECT_EQ(program.next_event()["event"], "plan");
  EXPECT_EQ(program.wait(), 0);

  const json report = json_of(folder / "out.json");
  EXPECT_EQ(report["failures"], json::array());
  EXPECT_EQ(report["partial"], false);
  EXPECT_EQ(report["tasks"]["sum"].size(), 4U);
  std::set<std::string> names;
  for (const json& entry : report["benchmarks"]) names.insert(entry["name"]);
  EXPECT_THAT(names, testing::UnorderedElementsAre(
                         "sum/sequential/map/workers:1", "sum/thread/map/workers:2",
                         "sum/thread/as_completed/workers:2", "sum/thread/wait/workers:2",
                         "sum/process/map/workers:2", "sum/process/as_completed/workers:2",
                         "sum/process/wait/workers:2"));
  EXPECT_EQ(report["benchmarks"].size(), 7U * 2U);
}

class InterruptedScaling : public testing::TestWithParam<const char*> {};

TEST_P(InterruptedScaling, WritesAPartialFileAndLeavesNoProcess) {
  const TemporaryFolder folder;
  Program program({"--workloads=sleep", std::string("--executors=") + GetParam(), "--workers=16",
                   "--no-baseline", "--benchmark_repetitions=10000",
                   "--benchmark_out=" + (folder / "out.json").string()});
  while (program.next_event()["event"] != "sample") {
  }
  program.interrupt_group();
  EXPECT_EQ(program.wait(), 130);

  const json report = json_of(folder / "out.json");
  EXPECT_EQ(report["partial"], true);
  EXPECT_EQ(report["failures"], json::array());
  EXPECT_GE(report["benchmarks"].size(), 1U);
  EXPECT_LT(report["benchmarks"].size(), 10000U);
  EXPECT_EQ(folder.count_files(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Executors, InterruptedScaling, testing::Values("thread", "process"),
                         [](const auto& test) { return std::string(test.param); });

/// When the first task was submitted, and when the last result was held, in us.
std::pair<double, double> span_of(const std::vector<json>& tasks) {
  double from = tasks.front()["args"]["submitted_us"];
  double to = from;
  for (const json& task : tasks) {
    from = std::min<double>(from, task["args"]["submitted_us"]);
    to = std::max<double>(to, task["args"]["held_us"]);
  }
  return {from, to};
}

TEST(Scaling, TracesTheLastBatchOfACell) {
  const TemporaryFolder folder;
  Program program({"--workloads=primes", "--executors=process", "--patterns=as_completed",
                   "--workers=2", "--no-baseline", "--benchmark_repetitions=2",
                   "--trace=" + (folder / "trace.json").string(),
                   "--benchmark_out=" + (folder / "out.json").string()});
  EXPECT_EQ(program.wait(), 0);

  const json trace = json_of(folder / "trace.json");
  EXPECT_THAT(TraceRules::broken(trace), testing::IsEmpty()) << "two workers, and no overlap";
  const std::vector<json> tasks = events(trace, "X", "task");
  std::set<int> numbers;
  std::set<RowOfEvent> workers;
  for (const json& task : tasks) {
    numbers.insert(task["args"]["task"].get<int>());
    workers.insert(row_of(task));
  }
  EXPECT_EQ(tasks.size(), 20U);
  EXPECT_EQ(numbers.size(), 20U);
  EXPECT_EQ(workers.size(), 2U);

  // Of the last iteration, and of all of it: within 1 % is what docs/measuring.md promises.
  const json last = json_of(folder / "out.json")["benchmarks"].back();
  const json& cell = trace["otherData"]["cells"].at(0);
  EXPECT_EQ(cell["name"], last["name"]);
  EXPECT_EQ(cell["real_time_ns"], last["real_time"]);
  EXPECT_EQ(cell["busy_ns"], last["busy_ns"]);
  const json batch = events(trace, "X", "batch").at(0);
  EXPECT_DOUBLE_EQ(batch["dur"].get<double>() * 1000, last["real_time"]);
  const auto [from, to] = span_of(tasks);
  EXPECT_GT((to - from) * 1000, 0.99 * last["real_time"].get<double>());
  EXPECT_LE((to - from) * 1000, last["real_time"]);
}

TEST(Scaling, WritesTheTraceOfAnInterruptedRun) {
  const TemporaryFolder folder;
  Program program({"--workloads=sleep", "--executors=thread", "--workers=16", "--no-baseline",
                   "--benchmark_repetitions=10000", "--trace=" + (folder / "trace.json").string()});
  json event = program.next_event();
  while (!event.is_null() && event["event"] != "sample") event = program.next_event();
  program.interrupt_group();
  EXPECT_EQ(program.wait(), 130);
  const json trace = json_of(folder / "trace.json");
  EXPECT_THAT(TraceRules::broken(trace), testing::IsEmpty());
  EXPECT_EQ(trace["otherData"]["partial"], true);
  EXPECT_GE(trace["otherData"]["cells"].size(), 1U);
  EXPECT_EQ(folder.count_files(), 1U);
}

TEST(Scaling, EndsWithStatus2ForABadValueAndWritesNothing) {
  const TemporaryFolder folder;
  Program program({"--workers=0", "--benchmark_out=" + (folder / "out.json").string()});
  EXPECT_EQ(program.next_event(), nullptr);
  EXPECT_EQ(program.wait(), 2);
  EXPECT_EQ(folder.count_files(), 0U);
}

TEST(Scaling, RefusesAFileForTheTraceBeforeItMeasures) {
  const TemporaryFolder folder;
  Program program({"--trace=" + (folder / "no" / "trace.json").string(),
                   "--benchmark_out=" + (folder / "out.json").string()});
  EXPECT_EQ(program.next_event(), nullptr);
  EXPECT_EQ(program.wait(), 2);
  EXPECT_EQ(folder.count_files(), 0U);
}

}  // namespace
}  // namespace poolmark::harness::detail
