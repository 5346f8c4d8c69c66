#pragma once

#include "poolmark/detail/outcome.hpp"
#include "poolmark/wire.hpp"

/// One element of a map's chunk: a value, or what the call threw.
template <class R>
struct poolmark::Wire<poolmark::detail::Outcome<R>> {
  using Outcome = poolmark::detail::Outcome<R>;
  using Value = poolmark::detail::Stored<R>;

  static void put(WireWriter& to, const Outcome& outcome) {
    detail::require_transportable<Value>();
    to.put_raw(outcome.has_value());
    if (outcome.has_value()) {
      Wire<Value>::put(to, outcome.value());
    } else {
      detail::put_exception(to, outcome.error());
    }
  }

  static Outcome get(WireReader& from) {
    // Not bool: its bytes come from another process, and 2 would be no bool.
    if (from.get_raw<unsigned char>() != 0) return Outcome::of_value(Wire<Value>::get(from));
    return Outcome::of_error(detail::get_exception(from));
  }
};
