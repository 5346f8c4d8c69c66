#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "poolmark/wait.hpp"

/// What a peer may offer. An adapter has kName, a constructor that takes the number of workers, and
/// those of the operations below that make sense for it; a case exists for the peers that have what
/// it needs.
///
///     submit(f)                  runs f() in a worker; a future of its result
///     post(f)                    the same without a future; may be called by a worker, never
///     blocks run_tasks(n, f)            a task for each f(0) ... f(n - 1), returns when all are
///     done map(f, in, out)            out[i] = f(in[i]) as one loop, returns when all is done
///     map_helping(f, in, out)    the same, the caller being one of the workers
namespace bench {

using Ints = std::vector<int>;

/// The task of every case that names none.
inline constexpr auto kIncrement = [](int x) { return x + 1; };

/// The result of a future, once: poolmark's or std's.
template <class F>
auto take(F& future) {
  if constexpr (requires { future.result(); }) {
    return future.result();
  } else {
    return future.get();
  }
}

template <class P>
concept Submits = requires(P& peer, int (*f)()) { peer.submit(f); };
template <Submits P>
using FutureOf = decltype(std::declval<P&>().submit(std::declval<int (*)()>()));
template <class P>
concept Posts = requires(P& peer) { peer.post([] {}); };
template <class P>
concept RunsTasks = requires(P& peer) { peer.run_tasks(1, [](int) {}); };
template <class P>
concept Maps = requires(P& peer, Ints& ints) { peer.map(kIncrement, ints, ints); };
template <class P>
concept MapsHelping = requires(P& peer, Ints& ints) { peer.map_helping(kIncrement, ints, ints); };
/// Its futures are those that poolmark::wait() and as_completed() take.
template <class P>
concept HasPoolmarkFutures = Submits<P> && poolmark::FutureRange<std::vector<FutureOf<P>>>;
/// It keeps threads for the next task: it can sleep, be woken, and be kept busy.
template <class P>
concept HasWorkers = !requires { P::kHasNoWorkers; };

/// A packaged task that may be called through a const reference.
template <class R>
struct ConstCallable {
  mutable std::packaged_task<R()> task;
  void operator()() const { task(); }
};
template <class R>
ConstCallable(std::packaged_task<R()>) -> ConstCallable<R>;

}  // namespace bench
