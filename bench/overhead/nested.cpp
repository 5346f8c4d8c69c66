// nested: tasks that submit tasks. A task submits two until the tree is deep enough; nobody blocks
// in a worker.

#include "overhead/pooled.hpp"
#include "peers/peers.hpp"

namespace bench {
namespace {

constexpr int kDepth = 15;
constexpr int kLeaves = 1 << kDepth;
constexpr int kTasks = 2 * kLeaves - 1;

struct Tree {
  std::atomic<int> leaves{0};
  Event complete;
};

template <Posts Peer>
void grow(Peer& pool, Tree& tree, int depth) {
  if (depth == 0) {
    if (++tree.leaves == kLeaves) tree.complete.set();
    return;
  }
  for (int child = 0; child < 2; ++child) {
    pool.post([&pool, &tree, depth] { grow(pool, tree, depth - 1); });
  }
}

template <Posts Peer>
void nested(Meter& meter, Peer& pool) {
  while (meter.next()) {
    Tree tree;
    meter.start();
    pool.post([&] { grow(pool, tree, kDepth); });
    tree.complete.wait();
    meter.stop();
    check_equal("the number of leaves", tree.leaves, kLeaves);
  }
}

}  // namespace

void add_nested_cases(Cases& cases) {
  for_each_peer([&]<class Peer>() {
    if constexpr (Posts<Peer>) {
      for (const int workers : worker_counts<Peer>({kFewWorkers, kWorkers})) {
        add_pooled<Peer>(cases, "nested/tree", kTasks, workers, nested<Peer>);
      }
    }
  });
}

}  // namespace bench
