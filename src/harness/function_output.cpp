#include "harness/function_output.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <string_view>
#include <system_error>

namespace poolmark::harness::detail {
namespace {

constexpr std::size_t kShownBytes = 200;

/// What is buffered belongs to where descriptor 1 leads now.
void flush_standard_output() noexcept {
  std::cout.flush();
  std::fflush(stdout);
}

int checked(int fd, const char* what) {
  if (fd >= 0) return fd;
  throw std::system_error(errno, std::generic_category(), what);
}

/// The program may have been started with descriptor 1 closed; nothing else may get its number.
int keep_standard_output() {
  flush_standard_output();
  if (::fcntl(STDOUT_FILENO, F_GETFD) < 0) {
    const int nowhere = checked(::open("/dev/null", O_WRONLY), "/dev/null");
    if (nowhere != STDOUT_FILENO) {
      ::dup2(nowhere, STDOUT_FILENO);
      ::close(nowhere);
    }
  }
  return checked(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), "standard output");
}

int redirect_standard_output() {
  const int memory = checked(::memfd_create("poolmark-stdout", MFD_CLOEXEC), "memfd_create");
  // The offset is the writers', and there are several: each write goes to the end.
  ::fcntl(memory, F_SETFL, O_APPEND);
  ::dup2(memory, STDOUT_FILENO);
  return memory;
}

}  // namespace

std::streambuf::int_type DescriptorStream::Buffer::overflow(int_type c) {
  if (!traits_type::eq_int_type(c, traits_type::eof())) {
    text_.push_back(traits_type::to_char_type(c));
  }
  return traits_type::not_eof(c);
}

std::streamsize DescriptorStream::Buffer::xsputn(const char* text, std::streamsize size) {
  text_.append(text, static_cast<std::size_t>(size));
  return size;
}

int DescriptorStream::Buffer::sync() {
  for (std::string_view rest = text_; !rest.empty();) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      break;
    }
  }
  text_.clear();
  return 0;
}

FunctionOutput::FunctionOutput()
    : report_fd_(keep_standard_output()),
      memory_(redirect_standard_output()),
      report_(report_fd_) {}

FunctionOutput::~FunctionOutput() {
  give_back();
  ::close(memory_);
  ::close(report_fd_);
}

void FunctionOutput::give_back() noexcept {
  if (given_back_) return;
  given_back_ = true;
  flush_standard_output();
  report_.flush();
  ::dup2(report_fd_, STDOUT_FILENO);
}

std::uint64_t FunctionOutput::take() {
  flush_standard_output();
  struct stat file {};
  if (::fstat(memory_, &file) != 0 || file.st_size == 0) return 0;
  const auto size = static_cast<std::uint64_t>(file.st_size);
  if (total_ == 0) {
    beginning_.resize(kShownBytes);
    const ssize_t got = ::pread(memory_, beginning_.data(), beginning_.size(), 0);
    beginning_.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  }
  total_ += size;
  ::ftruncate(memory_, 0);
  return size;
}

}  // namespace poolmark::harness::detail
