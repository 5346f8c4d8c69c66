#include "process/shared_memory.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

namespace poolmark::detail {

SharedMapping::SharedMapping(int memory_file, std::size_t size) : size_(size) {
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file, 0);
  if (mapped == MAP_FAILED) {
    throw_system_error(fmt::format("cannot map {} bytes of shared memory", size));
  }
  base_ = static_cast<std::byte*>(mapped);
}

SharedMapping::~SharedMapping() {
  if (base_ != nullptr) munmap(base_, size_);
}

std::size_t physical_memory() noexcept {
  static const auto kBytes = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                             static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return kBytes;
}

OwnedFd make_memory_file(const char* name, std::size_t size) {
  // The system would hand out page by page until the out-of-memory killer strikes.
  if (size > physical_memory()) {
    throw std::system_error(
        ENOMEM, std::generic_category(),
        fmt::format("cannot reserve {} bytes of shared memory: the machine has {}", size,
                    physical_memory()));
  }
  OwnedFd file(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) throw_system_error("cannot create a memory file (memfd_create)");
  if (const int error = posix_fallocate(file.get(), 0, static_cast<off_t>(size)); error != 0) {
    throw std::system_error(error, std::generic_category(),
                            fmt::format("cannot reserve {} bytes of shared memory", size));
  }
  // Nobody can shrink it under the other's feet, which would be SIGBUS.
  fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return file;
}

void free_memory_of(int memory_file, std::size_t size) noexcept {
  fallocate(memory_file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
}

OwnedFd open_file_of(pid_t process, int descriptor) {
  const std::string path = fmt::format("/proc/{}/fd/{}", process, descriptor);
  return OwnedFd(open(path.c_str(), O_RDWR | O_CLOEXEC));
}

}  // namespace poolmark::detail
