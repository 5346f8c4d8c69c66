#pragma once
#include "overhead/host_thread.hpp"
#include "peers/peer.hpp"

namespace bench {

/// OpenMP. A team counts the thread that opens it, so a thread of ours opens teams of N while the
/// caller sleeps: N workers and the caller. (A runtime may run a task at once in the thread that
/// makes it, as libgomp does when 64 a thread are waiting.) In map_helping() the caller opens them.
class OpenMp {
 public:
  static constexpr std::string_view kName = "openmp";

  explicit OpenMp(int workers) : workers_(workers) {}

  void run_tasks(int n, auto f) {
    host_.run([&] {
#pragma omp parallel num_threads(workers_)
#pragma omp single
      for (int i = 0; i < n; ++i) {
#pragma omp task firstprivate(i) shared(f)
        f(i);
      }
    });
  }
  void map(auto f, const Ints& in, Ints& out) {
    host_.run([&] { map_helping(f, in, out); });
  }
  void map_helping(auto f, const Ints& in, Ints& out) {
#pragma omp parallel for num_threads(workers_)
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = f(in[i]);
  }

 private:
  int workers_;
  HostThread host_;
};

}  // namespace bench
