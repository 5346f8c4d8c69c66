#pragma once

#include <functional>

namespace poolmark {

class EventLoop;

namespace detail {

/// Calls a user's callback on the loop's thread: what it throws goes to standard error, and how
/// long it took to the loop.
void call_back(EventLoop& loop, const std::function<void()>& callback) noexcept;

}  // namespace detail
}  // namespace poolmark
