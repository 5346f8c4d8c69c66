#include "harness/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "fake_suite.hpp"
#include "harness/library_flags.hpp"

namespace poolmark::harness::detail {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

CommandLine read(std::vector<const char*> arguments) {
  FakeSuite suite;
  arguments.insert(arguments.begin(), "bin/program");
  return read_command_line(suite.matrix, static_cast<int>(arguments.size()), arguments.data());
}

TEST(CommandLine, HasDefaultsFitForMeasuring) {
  const Options options = read({}).options;
  EXPECT_EQ(options.repetitions, 10);
  EXPECT_EQ(options.min_time_s, 0);
  EXPECT_EQ(options.batches, 0);
  EXPECT_TRUE(options.interleave);
  EXPECT_TRUE(options.baseline);
  EXPECT_FALSE(options.long_inputs);
  EXPECT_EQ(options.pool, PoolMode::Warm);
  EXPECT_THAT(options.chunksizes, testing::IsEmpty());
  EXPECT_EQ(options.progress_fd, -1);
  EXPECT_FALSE(options.timeline);
  EXPECT_EQ(options.trace, "");
}

TEST(CommandLine, ReadsOwnFlags) {
  const Options options = read({"--workloads=a,b", "--executors", "thread", "--patterns=map,wait",
                                "--workers=1,1024", "--pool=cold", "--long", "--no-baseline",
                                "--progress-fd=3", "--timeline", "--trace=trace.json"})
                              .options;
  EXPECT_THAT(options.workloads, ElementsAre("a", "b"));
  EXPECT_THAT(options.executors, ElementsAre("thread"));
  EXPECT_THAT(options.patterns, ElementsAre(Pattern::Map, Pattern::Wait));
  EXPECT_THAT(options.workers, ElementsAre(1, 1024));
  EXPECT_EQ(options.pool, PoolMode::Cold);
  EXPECT_TRUE(options.long_inputs);
  EXPECT_FALSE(options.baseline);
  EXPECT_TRUE(options.self_check);
  EXPECT_FALSE(read({"--no-self-check"}).options.self_check);
  EXPECT_EQ(options.progress_fd, 3);
  EXPECT_TRUE(options.timeline);
  EXPECT_EQ(options.trace, "trace.json");
}

TEST(CommandLine, ReadsChunkSizesAndBothPools) {
  const Options options =
      read({"--pool=both", "--chunksize=1,auto,1000000", "--batches=3"}).options;
  EXPECT_EQ(options.batches, 3);
  EXPECT_EQ(options.pool, PoolMode::Both);
  EXPECT_THAT(options.chunksizes,
              ElementsAre(testing::Optional(1), std::nullopt, testing::Optional(1'000'000)));
}

TEST(CommandLine, ReadsEveryFlagOfGoogleBenchmark) {
  const Options options =
      read({"--benchmark_filter=-x", "--benchmark_list_tests", "--benchmark_repetitions=7",
            "--benchmark_min_time=0.25", "--benchmark_min_warmup_time=1",
            "--benchmark_enable_random_interleaving=false", "--benchmark_out=f",
            "--benchmark_out_format=json", "--benchmark_format=csv",
            "--benchmark_report_aggregates_only=true", "--benchmark_color=true",
            "--benchmark_counters_tabular", "--benchmark_perf_counters=",
            "--benchmark_context=a=b,c=d=e", "--benchmark_time_unit=us", "--v=1"})
          .options;
  EXPECT_EQ(options.filter, "-x");
  EXPECT_TRUE(options.list);
  EXPECT_EQ(options.repetitions, 7);
  EXPECT_EQ(options.min_time_s, 0.25);
  EXPECT_EQ(options.min_warmup_time_s, 1);
  EXPECT_FALSE(options.interleave);
  EXPECT_EQ(options.out, "f");
  EXPECT_EQ(options.format, OutputFormat::Csv);
  EXPECT_EQ(options.detail, ConsoleDetail::Aggregates);
  EXPECT_EQ(options.colour, Colour::Yes);
  EXPECT_TRUE(options.counters_tabular);
  EXPECT_THAT(options.context, ElementsAre(testing::Pair("a", "b"), testing::Pair("c", "d=e")));
  EXPECT_EQ(options.time_unit, "us");
  EXPECT_EQ(options.verbosity, 1);
}

TEST(CommandLine, TakesTheLastOfARepeatedFlag) {
  EXPECT_EQ(read({"--benchmark_repetitions=3", "--benchmark_repetitions=4"}).options.repetitions,
            4);
}

TEST(CommandLine, TakesAnEmptyFilterForNone) {
  EXPECT_EQ(read({"--benchmark_filter=", "--long"}).options.filter, "");
  EXPECT_TRUE(read({"--benchmark_filter=", "--long"}).options.long_inputs);
}

TEST(CommandLine, ReadsTheEnvironmentBelowTheFlags) {
  ::setenv("BENCHMARK_REPETITIONS", "5", 1);
  ::setenv("BENCHMARK_FILTER", "map", 1);
  const Options options = read({"--benchmark_filter=wait"}).options;
  ::unsetenv("BENCHMARK_REPETITIONS");
  ::unsetenv("BENCHMARK_FILTER");
  EXPECT_EQ(options.repetitions, 5);
  EXPECT_EQ(options.filter, "wait");
}

TEST(CommandLine, RefusesABadEnvironmentByItsName) {
  ::setenv("BENCHMARK_MIN_TIME", "long", 1);
  std::string sentence = "accepted";
  try {
    read({});
  } catch (const UsageError& error) {
    sentence = error.what();
  }
  ::unsetenv("BENCHMARK_MIN_TIME");
  EXPECT_THAT(sentence, AllOf(HasSubstr("BENCHMARK_MIN_TIME"), HasSubstr("'long'")));
}

TEST(CommandLine, TeachesByExample) {
  const std::string help = read({"--help"}).answer.value();
  EXPECT_THAT(
      help, AllOf(HasSubstr("Examples:"), HasSubstr("--workloads=work"), HasSubstr("Exit status")));
  for (const LibraryFlag& flag : library_flags()) EXPECT_THAT(help, HasSubstr(flag.flag()));
}

TEST(CommandLine, TellsItsVersion) {
  EXPECT_THAT(read({"--version"}).answer.value(), HasSubstr("poolmark 0."));
}

struct Refusal {
  const char* argument;
  const char* value;    // as the sentence must quote it
  const char* allowed;  // what the sentence must offer
};

class BadValue : public testing::TestWithParam<Refusal> {};

TEST_P(BadValue, GetsASentence) {
  try {
    read({GetParam().argument});
    FAIL() << GetParam().argument << " was accepted";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(GetParam().value), HasSubstr(GetParam().allowed)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BadValue,
    testing::Values(
        Refusal{"--workers=0", "'0'", "1 to 1024"}, Refusal{"--workers=-1", "'-1'", "1 to 1024"},
        Refusal{"--workers=two", "'two'", "1 to 1024"},
        Refusal{"--workers=1e9", "'1e9'", "1 to 1024"},
        Refusal{"--workers=1000000000", "'1000000000'", "1 to 1024"},
        Refusal{"--workers=99999999999999999999", "out of range", "1 to 1024"},
        Refusal{"--workers=1,,2", "'1,,2'", "single commas"},
        Refusal{"--workers=", "--workers", "empty"}, Refusal{"--workers", "--workers", "--help"},
        Refusal{"--patterns=race", "'race'", "map or as_completed or wait"},
        Refusal{"--pool=hot", "'hot'", "warm or cold or both"},
        Refusal{"--batches=0", "'0'", "from 1"}, Refusal{"--batches=", "--batches", "empty"},
        Refusal{"--batches=many", "'many'", "--batches=5"},
        Refusal{"--chunksize=0", "'0'", "from 1"},
        Refusal{"--chunksize=4,", "'4,'", "single commas"},
        Refusal{"--chunksize=big", "'big'", "16,auto"},
        Refusal{"--chunksize=", "--chunksize", "empty"},
        Refusal{"--chunksize=1000001", "out of range", "to 1000000"},
        Refusal{"--long=maybe", "'maybe'", "true"}, Refusal{"--trace=", "--trace", "empty"},
        Refusal{"--timeline=often", "'often'", "true"},
        Refusal{"--progress-fd=out", "'out'", "whole number"},
        Refusal{"--progress-fd=0", "'0'", "from 1"},
        Refusal{"--benchmark_repetitions=0", "'0'", "from 1"},
        Refusal{"--benchmark_repetitions=2.5", "'2.5'", "whole number"},
        Refusal{"--benchmark_min_time=0.1s", "'0.1s'", "plain number"},
        Refusal{"--benchmark_min_time=-1", "'-1'", "0 or more"},
        Refusal{"--benchmark_min_warmup_time=nan", "'nan'", "plain number"},
        Refusal{"--benchmark_filter=(", "'('", "extended"},
        Refusal{"--benchmark_list_tests=perhaps", "'perhaps'", "true"},
        Refusal{"--benchmark_format=xml", "'xml'", "console or json or csv"},
        Refusal{"--benchmark_out_format=csv", "'csv'", "json"},
        Refusal{"--benchmark_color=pink", "'pink'", "true"},
        Refusal{"--benchmark_perf_counters=CYCLES", "'CYCLES'", "leave it out"},
        Refusal{"--benchmark_context=a", "'a'", "key=value"},
        Refusal{"--benchmark_time_unit=h", "'h'", "ns or us or ms or s"},
        Refusal{"--v=loud", "'loud'", "whole number"},
        Refusal{"--benchmark_dry_run", "'--benchmark_dry_run'", "--help"},
        Refusal{"--worker=2", "'--worker=2'", "--help"}, Refusal{"primes", "'primes'", "--help"}),
    [](const testing::TestParamInfo<Refusal>& test) { return std::to_string(test.index); });

TEST(LibraryArguments, SayEveryFlagSoThatNoVariableSpeaks) {
  const auto arguments = library_arguments(Options(), "program");
  for (const LibraryFlag& flag : library_flags()) {
    if (flag.name == "benchmark_context") continue;  // written by us, the library never hears of it
    EXPECT_THAT(arguments, testing::Contains(testing::StartsWith(flag.flag() + "=")));
  }
}

}  // namespace
}  // namespace poolmark::harness::detail
