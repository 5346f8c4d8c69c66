#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

#include "poolmark/detail/coroutine_chain.hpp"
#include "poolmark/detail/loop_message.hpp"
#include "poolmark/future.hpp"

namespace poolmark::detail {

/// A coroutine's wait for a future, which any thread completes.
class FutureSuspensionBase : public Suspension, private Observer, private LoopMessage {
 protected:
  explicit FutureSuspensionBase(AnyFuture future) noexcept : awaited_(std::move(future)) {
    notify = &FutureSuspensionBase::tell_loop;
  }

 private:
  bool begin() final;
  /// Cancels the future, too, if it has not started: nobody wants it any more.
  bool stop() noexcept final;
  void deliver() noexcept final { go_on(); }

  static const std::atomic<std::uint32_t>* tell_loop(Observer& observer, Phase outcome) noexcept;

  AnyFuture awaited_;
  bool is_told_ = false;  // guarded by the lock of the future's observers
};

/// What becomes of the value in an awaited future.
enum class FutureValue {
  kStays,    // the future has a name: the coroutine gets a reference
  kIsTaken,  // it was a temporary: the coroutine gets a copy, or what only moves itself
};

template <class T, FutureValue kValue>
class FutureSuspension final : public FutureSuspensionBase {
 public:
  explicit FutureSuspension(Future<T> future)
      : FutureSuspensionBase(future), future_(std::move(future)) {}

  decltype(auto) await_resume() {
    Suspension::await_resume();
    if constexpr (kValue == FutureValue::kStays) {
      return std::as_const(future_).result();
    } else if constexpr (std::is_void_v<T> || std::is_copy_constructible_v<T>) {
      return std::move(future_).result();
    } else {
      return std::move(future_).take();
    }
  }

 private:
  Future<T> future_;
};

}  // namespace poolmark::detail
