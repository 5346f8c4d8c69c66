#pragma once

#include <type_traits>

#include "poolmark/detail/map_batch.hpp"
#include "poolmark/wire.hpp"

/// The outcomes of a map's batch: the errors first, then the values, packed.
template <class R>
struct poolmark::Wire<poolmark::detail::Batch<R>> {
  using Batch = poolmark::detail::Batch<R>;
  using Value = poolmark::detail::Stored<R>;

  static void put(WireWriter& to, const Batch& batch) {
    detail::require_transportable<Value>();
    to.put_raw(Counts{batch.size_, batch.values_, batch.errors_.size(), batch.run_time_.count()});
    for (const auto& failed : batch.errors_) {
      to.put_raw(failed.first);
      to.put_raw(failed.count);
      detail::put_exception(to, failed.error);
    }
    if constexpr (detail::CopiedAsBytes<Value>) {
      std::byte* next = to.claim_bytes(batch.values_ * sizeof(Value));
      for (std::size_t i = 0; i < batch.values_; ++i, next += sizeof(Value)) {
        std::memcpy(next, batch.cells_[i].bytes, sizeof(Value));
      }
    } else {
      for (std::size_t i = 0; i < batch.values_; ++i) {
        to.put_raw(kValueFollows);
        Wire<Value>::put(to, batch.cells_[i].value());
      }
    }
  }

  static Batch get(WireReader& from) {
    const auto counts = from.get_raw<Counts>();
    // The bytes may be nonsense: no memory for values that cannot follow.
    if (counts.values > from.remaining() / kLeastBytes) throw_nonsense();
    Batch batch(counts.values);
    batch.run_time_ = std::chrono::nanoseconds(counts.run_time);
    for (std::size_t i = 0; i < counts.errors; ++i) get_errors(from, counts.size, batch);
    if (counts.size != batch.size_ + counts.values) throw_nonsense();
    get_values(from, counts.values, batch);
    return batch;
  }

 private:
  struct Counts {
    std::size_t size;
    std::size_t values;
    std::size_t errors;
    std::int64_t run_time;  // nanoseconds
  };

  // Before each value that is not just its bytes: so that one takes a byte at least.
  static constexpr std::byte kValueFollows{1};
  static constexpr std::size_t kLeastBytes = detail::CopiedAsBytes<Value> ? sizeof(Value) : 1;

  /// `batch.size_` counts the failed elements alone until the values come.
  static void get_errors(WireReader& from, std::size_t size, Batch& batch) {
    const auto first = from.get_raw<std::size_t>();
    const auto count = from.get_raw<std::size_t>();
    const std::size_t end_before =
        batch.errors_.empty() ? 0 : batch.errors_.back().first + batch.errors_.back().count;
    if (first < end_before || count == 0 || first >= size || count > size - first) throw_nonsense();
    batch.errors_.push_back({first, count, detail::get_exception(from)});
    batch.size_ += count;
  }

  /// Counts each value as soon as it is there: what follows may be nonsense.
  static void get_values(WireReader& from, std::size_t count, Batch& batch) {
    if constexpr (detail::CopiedAsBytes<Value>) {
      const std::byte* next = from.skip_bytes(count * sizeof(Value));
      for (std::size_t i = 0; i < count; ++i, next += sizeof(Value)) {
        std::memcpy(batch.cells_[i].bytes, next, sizeof(Value));
      }
      batch.values_ = count;
      batch.size_ += count;
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        from.get_raw<std::byte>();
        ::new (batch.cells_[i].bytes) Value(Wire<Value>::get(from));
        ++batch.values_;
        ++batch.size_;
      }
    }
  }

  [[noreturn]] static void throw_nonsense() {
    throw Error("the answer of a map's task makes no sense: its counts contradict each other");
  }
};

template <class R>
inline constexpr bool poolmark::detail::kDecodesPlainly<poolmark::detail::Batch<R>> =
    CopiedAsBytes<poolmark::detail::Stored<R>>;
