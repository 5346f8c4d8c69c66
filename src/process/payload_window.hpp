#pragma once

#include <sys/types.h>

#include <cstdint>
#include <list>

#include "poolmark/detail/shared_block.hpp"
#include "process/payload_store.hpp"
#include "process/shared_memory.hpp"

namespace poolmark::detail {

/// A worker's view of the files that its pool lends it with tasks. The file of a call serves for
/// the answer too, where that is allowed and it fits.
class PayloadWindow final : public SharedBlocks {
 public:
  explicit PayloadWindow(pid_t main_process) : main_process_(main_process) {}

  /// Maps the file, unless it is mapped still. Null where the system does not let this process open
  /// what another one has open.
  SharedBlock* open(const PayloadName& name) noexcept;
  /// The file that the next answer may overwrite; null: none.
  void lend_for_answer(SharedBlock* block) noexcept { lent_ = block; }

  /// That file, once.
  SharedBlock* obtain(std::size_t least) noexcept override;
  void give_back(SharedBlock* block) noexcept override { static_cast<void>(block); }

 private:
  struct View : SharedBlock {
    View(std::uint64_t name, int file, std::size_t size);
    std::uint64_t id;
    SharedMapping mapping;
  };

  pid_t main_process_;
  std::list<View> views_;  // the last used first
  SharedBlock* lent_ = nullptr;
};

}  // namespace poolmark::detail
