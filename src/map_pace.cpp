#include "map_pace.hpp"

#include <algorithm>

namespace poolmark::detail {

std::size_t MapPace::next_size(std::size_t unclaimed, std::size_t runners) const noexcept {
  // Half of an even share, so that runners that begin late or are interrupted still find work. But
  // a rest that is worth so little is not cut any finer.
  const std::size_t share = std::max(unclaimed / (2 * runners), fitting(kLeast));
  return std::max(std::min(next_, share), std::size_t{1});
}

void MapPace::begin(std::size_t size) noexcept {
  size_ = size;
  begun_ = Clock::now();
}

bool MapPace::end() noexcept {
  took_ = Clock::now() - begun_;
  was_long_ = took_ > kLongElement * static_cast<Nanoseconds::rep>(size_);
  next_ = was_long_ ? 1 : std::clamp(fitting(kEnough), std::size_t{1}, size_);
  return was_long_;
}

std::size_t MapPace::fitting(Nanoseconds into) const noexcept {
  const auto took = static_cast<double>(std::max(took_, Nanoseconds(1)).count());
  const double elements = static_cast<double>(size_) * static_cast<double>(into.count()) / took;
  return static_cast<std::size_t>(std::min(elements, static_cast<double>(kMost)));
}

void MapPace::grow() noexcept {
  const std::size_t factor = is_cautious() ? 2 : 8;
  next_ = std::min({factor * size_, fitting(kEnough), kMost});
}

}  // namespace poolmark::detail
