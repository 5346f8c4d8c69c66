#pragma once
#include <oneapi/tbb.h>

#include "peers/peer.hpp"

namespace bench {
/// oneTBB: an arena without a slot for the caller, in a process that may have one thread more. A
/// worker runs whole loops while the caller sleeps; in map_helping() the caller is one of the N.
class Tbb {
 public:
  static constexpr std::string_view kName = "tbb";
  explicit Tbb(int n) : allowed_(kThreads, static_cast<unsigned>(n) + 1), arena_(n, 0), team_(n) {}
  auto submit(auto f) {
    ConstCallable call{std::packaged_task<decltype(f())()>(std::move(f))};  // TBB calls it const
    auto future = call.task.get_future();
    arena_.enqueue(std::move(call));
    return future;
  }
  void post(auto f) { arena_.enqueue(std::move(f)); }
  void run_tasks(int n, auto f) {
    in_worker([&] {
      tbb::task_group group;
      for (int i = 0; i < n; ++i) group.run([&f, i] { f(i); });
      group.wait();
    });
  }
  void map(auto f, const Ints& in, Ints& out) { in_worker(loop(f, in, out)); }
  void map_helping(auto f, const Ints& in, Ints& out) { team_.execute(loop(f, in, out)); }

 private:
  static constexpr auto kThreads = tbb::global_control::max_allowed_parallelism;
  void in_worker(auto f) { submit(std::ref(f)).get(); }
  static auto loop(auto& f, const Ints& in, Ints& out) {
    const auto element = [&](std::size_t i) { out[i] = f(in[i]); };
    return [n = in.size(), element] { tbb::parallel_for(std::size_t{0}, n, element); };
  }
  tbb::global_control allowed_;
  tbb::task_arena arena_, team_;
};
}  // namespace bench
