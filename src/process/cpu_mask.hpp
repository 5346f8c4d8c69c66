#pragma once

#include <array>
#include <string>

namespace poolmark::detail {

/// The CPUs that a thread may run on.
class CpuMask {
 public:
  /// Of the calling thread; holds nothing if the system does not tell.
  static CpuMask of_this_thread() noexcept;
  static CpuMask of_one(int cpu) noexcept;

  bool holds(int cpu) const noexcept;
  /// "0, 2, 3"
  std::string list() const;
  /// Binds the calling thread; false, and errno set, if the system refuses.
  bool bind_this_thread() const noexcept;

 private:
  // More than the kernel can be built for; a mask smaller than its own it would refuse.
  static constexpr int kCpus = 1 << 16;
  alignas(long) std::array<unsigned char, kCpus / 8> bits_{};
};

}  // namespace poolmark::detail
