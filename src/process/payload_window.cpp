#include "process/payload_window.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace poolmark::detail {
namespace {

// A view costs address space, and page tables for what has been touched; the memory is the pool's.
constexpr std::size_t kMostViews = 8;

}  // namespace

PayloadWindow::View::View(std::uint64_t name, int file, std::size_t size)
    : id(name), mapping(file, size) {
  data = mapping.data();
  capacity = size;
}

SharedBlock* PayloadWindow::open(const PayloadName& name) noexcept {
  try {
    const auto known = std::ranges::find(views_, name.id, &View::id);
    if (known != views_.end()) {
      views_.splice(views_.begin(), views_, known);
      return &views_.front();
    }
    // It is open over there as long as the task is in flight.
    const OwnedFd file = open_file_of(main_process_, name.descriptor);
    if (!file) return nullptr;
    views_.emplace_front(name.id, file.get(), name.capacity);
    if (views_.size() > kMostViews) views_.pop_back();
    return &views_.front();
  } catch (const std::exception&) {
    return nullptr;
  }
}

SharedBlock* PayloadWindow::obtain(std::size_t least) noexcept {
  if (lent_ == nullptr || lent_->capacity < least) return nullptr;
  return std::exchange(lent_, nullptr);
}

}  // namespace poolmark::detail
