#include "harness/output_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_suite.hpp"
#include "poolmark/harness/options.hpp"

namespace poolmark::harness::detail {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string refusal(const std::string& path, const std::string& flag = "--benchmark_out") {
  try {
    OutputFile(path, flag);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(OutputFile, LeavesNothingBehindBeforeItIsWritten) {
  const TemporaryFolder folder;
  const OutputFile file((folder / "new.json").string());
  EXPECT_EQ(folder.count_files(), 0U);
}

TEST(OutputFile, KeepsTheOldFileUntilTheNewOneIsWhole) {
  const TemporaryFolder folder;
  folder.write("results.json", "old");
  const OutputFile file((folder / "results.json").string());
  EXPECT_EQ(text_of(folder / "results.json"), "old");
  file.write("new");
  EXPECT_EQ(text_of(folder / "results.json"), "new");
  EXPECT_EQ(folder.count_files(), 1U);
}

TEST(OutputFile, KeepsTheOldFileWhenTheNewOneCannotBeWritten) {
  const TemporaryFolder folder;
  folder.write("results.json", "old");
  const OutputFile file((folder / "results.json").string());
  // A folder in the way of the rename.
  fs::remove(folder / "results.json");
  folder.write("results.json/inside", "old");
  EXPECT_THROW(file.write("new"), UsageError);
  EXPECT_EQ(text_of(folder / "results.json" / "inside"), "old");
  EXPECT_EQ(folder.count_files(), 1U) << "the temporary file is gone";
}

TEST(OutputFile, WritesThroughALink) {
  const TemporaryFolder folder;
  folder.write("real.json", "old");
  fs::create_symlink("real.json", folder / "link.json");
  OutputFile((folder / "link.json").string()).write("new");
  EXPECT_TRUE(fs::is_symlink(folder / "link.json"));
  EXPECT_EQ(text_of(folder / "real.json"), "new");
}

TEST(OutputFile, WritesIntoAPipeInsteadOfReplacingIt) {
  const TemporaryFolder folder;
  const std::string path = (folder / "pipe").string();
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  OutputFile(path).write("text");
  char got[8] = "";
  EXPECT_EQ(::read(reader, got, sizeof got), 4);
  ::close(reader);
  EXPECT_STREQ(got, "text");
  EXPECT_TRUE(fs::is_fifo(path));
}

TEST(OutputFile, KnowsWhenItWouldTakeTheOthersPlace) {
  const TemporaryFolder folder;
  const std::string path = (folder / "one.json").string();
  folder.write("one.json", "old");
  fs::create_symlink("one.json", folder / "link.json");
  fs::create_directory(folder / "inner");
  const OutputFile one(path);
  EXPECT_TRUE(one.replaces(OutputFile((folder / "inner" / ".." / "one.json").string())));
  EXPECT_TRUE(one.replaces(OutputFile((folder / "link.json").string())));
  EXPECT_FALSE(one.replaces(OutputFile((folder / "two.json").string())));
  EXPECT_FALSE(OutputFile("/dev/null").replaces(OutputFile("/dev/null")));
}

TEST(OutputFile, RefusesWhatCannotBeWritten) {
  const TemporaryFolder folder;
  EXPECT_THAT(refusal((folder / "no" / "where.json").string()),
              testing::AllOf(HasSubstr("where.json"), HasSubstr("No such file"),
                             HasSubstr("a folder that exists")));
  EXPECT_THAT(refusal(folder.path().string()), HasSubstr("it is a folder"));
  EXPECT_THAT(refusal(folder.path().string(), "--trace"), testing::StartsWith("--trace: '"));
  folder.write("file", "");
  EXPECT_THAT(refusal((folder / "file" / "x.json").string()), HasSubstr("cannot be written"));
}

}  // namespace
}  // namespace poolmark::harness::detail
