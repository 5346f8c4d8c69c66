#include "poolmark/future.hpp"

#include <atomic>
#include <cstdio>
#include <ostream>

#include "poolmark/detail/type_name.hpp"

namespace poolmark {
namespace {

void print_callback_error(const AnyFuture& future, std::exception_ptr error) noexcept {
  try {
    fmt::print(stderr, "poolmark: a done-callback of {} threw {}\n", to_string(future),
               detail::describe_exception(error));
  } catch (...) {
    std::fputs("poolmark: a done-callback threw, and there is no memory to say what\n", stderr);
  }
}

// Acquire/release: whoever calls the handler sees what its author prepared before setting it.
std::atomic<CallbackErrorHandler> callback_error_handler{&print_callback_error};

std::string describe_state(const detail::FutureState& state) {
  using detail::Phase;
  switch (state.observed_phase()) {
    case Phase::kPending:
      return "pending";
    case Phase::kRunning:
    case Phase::kCompleting:
      return "running";
    case Phase::kCancelled:
      return "cancelled";
    case Phase::kValue:
      return "finished returned " + detail::type_name(state.value_type());
    case Phase::kError:
      return "finished raised " + detail::exception_type_name(state.error());
    case Phase::kTaken:
      return "finished returned " + detail::type_name(state.value_type()) + " (taken)";
  }
  return "unknown";
}

}  // namespace

AnyFutureSnapshot AnyFuture::snapshot_of(detail::Phase phase) const noexcept {
  using detail::Phase;
  switch (phase) {
    case Phase::kPending:
      return {.status = FutureStatus::Pending};
    case Phase::kRunning:
    case Phase::kCompleting:
      return {.status = FutureStatus::Running};
    case Phase::kCancelled:
      return {.status = FutureStatus::Cancelled};
    case Phase::kError:
      return {.status = FutureStatus::Finished, .exception = state_->error()};
    case Phase::kValue:
    case Phase::kTaken:
      break;
  }
  return {.status = FutureStatus::Finished};
}

void AnyFuture::await(const detail::Deadline& deadline) const {
  if (!state_->wait_done(deadline)) throw TimeoutError(1, 1);
  if (state_->phase() == detail::Phase::kCancelled) throw CancelledError();
}

void AnyFuture::await_value(const detail::Deadline& deadline) const {
  await(deadline);
  switch (state_->phase()) {
    case detail::Phase::kError:
      std::rethrow_exception(state_->error());
    case detail::Phase::kTaken:
      throw InvalidStateError(
          "the value was taken before by take(); result() has nothing to return");
    default:
      return;
  }
}

std::exception_ptr AnyFuture::exception_by(const detail::Deadline& deadline) const {
  await(deadline);
  return state_->phase() == detail::Phase::kError ? state_->error() : nullptr;
}

CallbackErrorHandler set_callback_error_handler(CallbackErrorHandler handler) noexcept {
  if (handler == nullptr) handler = &print_callback_error;
  return callback_error_handler.exchange(handler, std::memory_order_acq_rel);
}

std::string to_string(const AnyFuture& future) {
  if (!future.valid()) return "<Future of nothing>";
  return fmt::format("<Future at {} state={}>", static_cast<const void*>(future.state().get()),
                     describe_state(*future.state()));
}

std::ostream& operator<<(std::ostream& out, const AnyFuture& future) {
  return out << to_string(future);
}

void detail::report_callback_error(FutureState& done, std::exception_ptr error) noexcept {
  const auto handler = callback_error_handler.load(std::memory_order_acquire);
  handler(AnyFuture(IntrusivePtr<FutureState>(&done)), std::move(error));
}

}  // namespace poolmark
