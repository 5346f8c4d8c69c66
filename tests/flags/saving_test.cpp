#include "flags/saving.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <system_error>
#include <vector>

#include "fake_suite.hpp"
#include "files.hpp"
#include "poolmark/futures.hpp"

namespace bench::test {
namespace {

using poolmark::harness::detail::TemporaryFolder;
using testing::HasSubstr;

TEST(Saving, WritesTheWholeFileAndNothingElse) {
  const TemporaryFolder folder;
  const std::string bytes("GIF\0\n\xff", 6);
  flags::save(bytes, folder / "BR.gif");
  EXPECT_EQ(content_of(folder / "BR.gif"), bytes);
  flags::save("another", folder / "BR.gif");
  EXPECT_EQ(content_of(folder / "BR.gif"), "another");
  EXPECT_EQ(folder.count_files(), 1U);
}

TEST(Saving, LetsTheUserSayWhoMayRead) {
  const TemporaryFolder folder;
  const mode_t before = umask(0077);
  flags::save("bytes", folder / "BR.gif");
  umask(before);
  EXPECT_EQ(std::filesystem::status(folder / "BR.gif").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Saving, NamesTheFileThatCannotBeWritten) {
  const TemporaryFolder folder;
  try {
    flags::save("bytes", folder / "none" / "BR.gif");
    FAIL() << "it was written";
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("none/BR.gif' cannot be written"));
  }
}

TEST(Saving, LeavesNothingHalfWritten) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "BR.gif" / "full");  // no file can take its place
  EXPECT_THROW(flags::save("bytes", folder / "BR.gif"), std::system_error);
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    left.push_back(entry.path().filename());
  }
  EXPECT_THAT(left, testing::ElementsAre("BR.gif"));
}

TEST(Saving, MayBeDoneByManyAtOnceForOneName) {
  const TemporaryFolder folder;
  const std::string path = folder / "BR.gif";
  {
    poolmark::ThreadPoolExecutor executor(4);
    for (int i = 0; i < 100; ++i) {
      executor.submit([path] { flags::save(std::string(10'000, 'x'), path); });
    }
  }
  EXPECT_EQ(content_of(path), std::string(10'000, 'x'));
  EXPECT_EQ(folder.count_files(), 1U);
}

}  // namespace
}  // namespace bench::test
