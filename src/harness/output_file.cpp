#include "harness/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "harness/interrupt.hpp"
#include "poolmark/harness/options.hpp"

namespace poolmark::harness::detail {
namespace {

namespace fs = std::filesystem;

/// Closes on every way out.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

constexpr mode_t kMode = 0666;  // less what the user's umask takes

int make_temporary(const fs::path& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kMode);
}

}  // namespace

OutputFile::OutputFile(const std::string& path, std::string flag)
    : flag_(std::move(flag)), path_(path) {
  std::error_code error;
  // The file behind a link is replaced, not the link.
  if (fs::is_symlink(path_, error)) path_ = fs::weakly_canonical(path_, error);
  const fs::file_status status = fs::status(path_, error);
  if (fs::is_directory(status)) refuse("it is a folder");
  if (fs::exists(status) && ::access(path_.c_str(), W_OK) != 0) refuse(std::strerror(errno));
  if (fs::exists(status) && !fs::is_regular_file(status)) return;

  temporary_ = path_;
  temporary_ += fmt::format(".{}.tmp", ::getpid());
  const InterruptsHeld held;
  const Descriptor trial(make_temporary(temporary_));
  if (trial.get() < 0) refuse(std::strerror(errno));
  ::unlink(temporary_.c_str());
}

void OutputFile::refuse(const std::string& why) const {
  throw UsageError(
      fmt::format("{}: '{}' cannot be written: {}; give a file in a folder that exists and that "
                  "you may write to.",
                  flag_, path_.string(), why));
}

bool OutputFile::replaces(const OutputFile& other) const {
  std::error_code error;
  return !temporary_.empty() && !other.temporary_.empty() &&
         fs::weakly_canonical(path_, error) == fs::weakly_canonical(other.path_, error);
}

void OutputFile::write(const std::string& text) const {
  const InterruptsHeld held;
  if (temporary_.empty()) {
    const Descriptor device(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
    if (device.get() < 0 || !write_all(device.get(), text)) refuse(std::strerror(errno));
    return;
  }
  const Descriptor file(make_temporary(temporary_));
  if (file.get() < 0) refuse(std::strerror(errno));
  // Without the fsync a crash of the machine after the rename could leave an empty file.
  if (!write_all(file.get(), text) || ::fsync(file.get()) != 0 ||
      ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    ::unlink(temporary_.c_str());
    refuse(why);
  }
}

}  // namespace poolmark::harness::detail
