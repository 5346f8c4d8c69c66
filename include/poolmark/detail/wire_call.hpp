#pragma once

#include <exception>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "poolmark/wire.hpp"

// A call as bytes: the address of a thunk, which is the same in every process forked from one
// image, and the bytes of the callable and its arguments.
namespace poolmark::detail {

enum class CallOutcome : std::uint32_t {
  kReturned,
  kThrew,
  kUnreadable,  // the worker could not map the file that the call is in, and has not made it
};

/// Reads a call, makes it, and writes its value or its exception. Throws nothing but the
/// cancellation of the calling thread.
using CallThunk = CallOutcome (*)(WireReader& call, Bytes& answer);

/// Throws std::logic_error if a word of a closure points into the calling thread's stack: it was
/// captured by reference in disguise, and means nothing in the worker.
void refuse_stack_pointers(const void* closure, std::size_t size);

template <class Result, class F, class... Args>
void call_and_put(WireReader& call, WireWriter& to) {
  // Braces evaluate from left to right, the order of put_call. The tuple dies before the answer is
  // sent, so arguments are gone when the caller has the result.
  std::tuple<F, Args...> parts{get_value<F>(call), get_value<Args>(call)...};
  const auto invoke = [](F& function, Args&... args) -> decltype(auto) {
    return std::invoke(std::move(function), std::move(args)...);
  };
  if constexpr (std::is_void_v<Result>) {
    std::apply(invoke, parts);
  } else {
    put_value<Result>(to, std::apply(invoke, parts));
  }
}

template <class Result, class F, class... Args>
CallOutcome run_call(WireReader& call, Bytes& answer) {
  const std::size_t start = answer.size();
  try {
    WireWriter to(answer, true);
    call_and_put<Result, F, Args...>(call, to);
    return CallOutcome::kReturned;
  } catch (...) {
    const std::exception_ptr error = std::current_exception();
    if (!error) throw;  // pthread_exit(): no exception of C++, and swallowing it would abort
    answer.set_size(start);
    WireWriter to(answer);
    put_exception(to, error);
    return CallOutcome::kThrew;
  }
}

/// Writes the call; returns what reads and makes it. Throws what a put() throws.
template <class Result, class F, class... Args>
CallThunk put_call(WireWriter& to, const F& function, const Args&... args) {
  require_transportable_callable<F>();
  (require_transportable<Args>(), ...);
  require_transportable<Result>();
#ifndef NDEBUG
  if constexpr (std::is_class_v<F> && kTriviallyCopyable<F> && !std::is_empty_v<F>) {
    refuse_stack_pointers(&function, sizeof function);
  }
#endif
  put_value<F>(to, function);
  (put_value<Args>(to, args), ...);
  return &run_call<Result, F, Args...>;
}

}  // namespace poolmark::detail
