#include "flags/saving.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

namespace bench::flags {
namespace {

constexpr mode_t kMode = 0666;  // less what the user's umask takes

/// No other thread or process gives a file that name: several may save the same one.
std::string name_of_its_own(const std::filesystem::path& file) {
  static std::atomic<unsigned> count = 0;  // relaxed: only to be another one each time
  return fmt::format("{}.{}.{}.tmp", file.string(), getpid(),
                     count.fetch_add(1, std::memory_order_relaxed));
}

/// A file under a name of its own, which is gone unless it is given its right one.
class Unfinished {
 public:
  explicit Unfinished(const std::filesystem::path& file)
      : file_(file),
        name_(name_of_its_own(file)),
        descriptor_(open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode)) {
    if (descriptor_ < 0) fail();
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    close(descriptor_);
    if (!is_finished_) unlink(name_.c_str());
  }

  void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail();
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void finish() {
    if (std::rename(name_.c_str(), file_.c_str()) != 0) fail();
    is_finished_ = true;
  }

 private:
  [[noreturn]] void fail() const {
    throw std::system_error(errno, std::generic_category(),
                            "'" + file_.string() + "' cannot be written");
  }

  const std::filesystem::path& file_;
  std::string name_;
  int descriptor_;
  bool is_finished_ = false;
};

}  // namespace

void save(std::string_view bytes, const std::filesystem::path& file) {
  Unfinished unfinished(file);
  unfinished.write_all(bytes);
  unfinished.finish();
}

}  // namespace bench::flags
