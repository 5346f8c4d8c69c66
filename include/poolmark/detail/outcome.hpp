#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "poolmark/detail/typed_state.hpp"

namespace poolmark::detail {

/// The value of one call, or what it threw: one element of a map.
template <class R>
class Outcome {
  static_assert(!std::is_reference_v<R>,
                "poolmark: a mapped function may not return a reference, which could dangle in the "
                "caller's hands: return a value, a pointer or a std::reference_wrapper");

 public:
  static Outcome of_value(Stored<R> value) {
    Outcome outcome;
    outcome.value_.emplace(std::move(value));
    return outcome;
  }
  static Outcome of_error(std::exception_ptr error) {
    Outcome outcome;
    outcome.error_ = std::move(error);
    return outcome;
  }

  /// Calls and keeps what comes of it.
  template <class Call>
  static Outcome of(Call&& call) {
    try {
      if constexpr (std::is_void_v<R>) {
        call();
        return of_value({});
      } else {
        return of_value(call());
      }
    } catch (...) {
      std::exception_ptr error = std::current_exception();
      if (!error) throw;  // the end of the thread, no exception of C++: see CallTask::run()
      return of_error(std::move(error));
    }
  }

  bool has_value() const noexcept { return value_.has_value(); }
  Stored<R>& value() noexcept { return *value_; }
  const Stored<R>& value() const noexcept { return *value_; }
  const std::exception_ptr& error() const noexcept { return error_; }

 private:
  Outcome() = default;

  std::optional<Stored<R>> value_;
  std::exception_ptr error_;  // read only if there is no value
};

}  // namespace poolmark::detail
