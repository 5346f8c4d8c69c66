#pragma once

#include <chrono>

#include "poolmark/detail/futex.hpp"

namespace poolmark {

/// How long an operation may take, from any std::chrono::duration; the default is for ever. Zero or
/// less asks without waiting; NaN throws std::invalid_argument.
class Timeout {
 public:
  Timeout() = default;
  template <class Rep, class Period>
  Timeout(std::chrono::duration<Rep, Period> limit)  // NOLINT: reads as {.timeout = 7s}
      : limit_(detail::checked_limit(limit)) {}

  /// The duration; none means for ever.
  const std::optional<std::chrono::nanoseconds>& limit() const noexcept { return limit_; }
  /// The moment it is over if it starts now; none means never.
  detail::Deadline deadline() const {
    return limit_ ? detail::deadline_after(*limit_) : std::nullopt;
  }

 private:
  std::optional<std::chrono::nanoseconds> limit_;
};

}  // namespace poolmark
