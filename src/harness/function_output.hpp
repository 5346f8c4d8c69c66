#pragma once

#include <cstdint>
#include <ostream>
#include <streambuf>
#include <string>

namespace poolmark::harness::detail {

/// A stream into a descriptor that writes when it is flushed. What cannot be written is dropped:
/// that a viewer of the output has gone must not cost minutes of measuring.
class DescriptorStream final : public std::ostream {
 public:
  explicit DescriptorStream(int fd) : std::ostream(nullptr), buffer_(fd) { rdbuf(&buffer_); }
  ~DescriptorStream() override { flush(); }

 private:
  class Buffer final : public std::streambuf {
   public:
    explicit Buffer(int fd) : fd_(fd) {}

   private:
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* text, std::streamsize size) override;
    int sync() override;

    int fd_;
    std::string text_;
  };

  Buffer buffer_;
};

/// Keeps what measured functions print out of what the program reports. While it lives, descriptor
/// 1 of this process, and of every process forked meanwhile, is a file in memory; the report has a
/// descriptor of its own. One at a time, used by one thread.
class FunctionOutput {
 public:
  /// Throws std::system_error if the system refuses a file.
  FunctionOutput();
  FunctionOutput(const FunctionOutput&) = delete;
  FunctionOutput& operator=(const FunctionOutput&) = delete;
  ~FunctionOutput();

  /// Makes descriptor 1 again what it was. For this process alone.
  void give_back() noexcept;

  /// The program's standard output.
  std::ostream& report() noexcept { return report_; }
  int report_fd() const noexcept { return report_fd_; }

  /// How many bytes have come since it was called last. Forgets them, so that a function that
  /// prints does not fill the memory.
  std::uint64_t take();

  /// Of all that came: how much, and how it began.
  std::uint64_t total() const noexcept { return total_; }
  const std::string& beginning() const noexcept { return beginning_; }

 private:
  int report_fd_;
  int memory_;
  bool given_back_ = false;
  std::uint64_t total_ = 0;
  std::string beginning_;
  DescriptorStream report_;
};

}  // namespace poolmark::harness::detail
