#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "poolmark/detail/futex.hpp"
#include "poolmark/detail/intrusive_ptr.hpp"
#include "poolmark/detail/map_finished.hpp"
#include "poolmark/detail/map_stream.hpp"
#include "poolmark/detail/wake_moderation.hpp"
#include "poolmark/future.hpp"

namespace poolmark::detail {

/// A map over elements that every worker can index, as one job: runners, a task each, claim
/// elements until none are left, and one reader takes the outcomes, in the order of the elements or
/// in that in which they are done. "How a map works" in
/// src/README.md tells the protocol, and why no wake-up is lost.
class MapJob : public RefCounted {
 public:
  /// The elements [first, end).
  struct Claim {
    std::size_t first = 0;
    std::size_t end = 0;
    std::size_t size() const noexcept { return end - first; }
    explicit operator bool() const noexcept { return first != end; }
  };

  /// Consecutive elements that are done, all with values or all with the error in the first cell.
  class Piece {
   public:
    static constexpr std::size_t kMostElements = 0x7fff'ffff;

    Piece() = default;  // nothing is done yet
    explicit Piece(std::uint32_t word) noexcept : word_(word) {}
    static Piece of(std::size_t size, bool failed) noexcept {
      return Piece(static_cast<std::uint32_t>(size) | (failed ? kFailed : 0));
    }

    explicit operator bool() const noexcept { return word_ != 0; }
    std::size_t size() const noexcept { return word_ & kMostElements; }
    bool failed() const noexcept { return (word_ & kFailed) != 0; }
    std::uint32_t word() const noexcept { return word_; }

   private:
    static constexpr std::uint32_t kFailed = 0x8000'0000;
    std::uint32_t word_ = 0;
  };

  /// A piece and its place.
  struct Taken {
    std::size_t first = 0;
    Piece piece;
    explicit operator bool() const noexcept { return static_cast<bool>(piece); }
  };

  // ---- for the reader, one thread
  // ----------------------------------------------------------------

  std::size_t size() const noexcept { return size_; }

  /// Submits the runners, at most `max_workers`. Throws what submitting throws.
  void start(int max_workers);

  /// Blocks until the next piece is there, and takes it; none if the deadline passed before. Its
  /// values, or its error, are the reader's to destroy. DeadlockError in a forked child.
  Taken take_piece(const Deadline& deadline);

  /// No call begins any more, and nobody wants what was not taken. Does not block.
  void abandon() noexcept;

  /// Blocks until no call runs and none will, and destroys what was not taken. DeadlockError in a
  /// forked child.
  void await_calls();

  /// The last thing the reader does: the function and the ranges are destroyed when no call needs
  /// them, here or by a worker.
  void leave() noexcept;

  // ---- for runners
  // -------------------------------------------------------------------------------

  /// Runs elements until none are left to claim.
  void work();

  /// The runner's task is done, or never will be.
  void note_runner_is_gone(const AnyFuture& task, bool has_begun) noexcept;

 protected:
  /// Claims of `chunksize` elements each, or of as many as fill some microseconds. `cells` and what
  /// they hold belong to the derived class. Throws std::bad_alloc.
  MapJob(std::size_t size, std::optional<int> chunksize, MapOrder order);

  /// Whether nobody wants the results.
  bool is_abandoned() const noexcept { return abandoned_.load(std::memory_order_relaxed); }
  /// Whether a claim is left where it is when the rest is cancelled. One of a given size is not: it
  /// counts as begun, like a task.
  bool may_leave_claims() const noexcept { return !chunksize_; }

  /// The elements [first, end) have their values, or have failed with `error`. Once for each.
  void finish_values(std::size_t first, std::size_t end) noexcept;
  void finish_failed(std::size_t first, std::size_t end, const std::exception_ptr& error) noexcept;

  /// The rest of a claim, whose thread is being ended by an element. Another runner is sent.
  void finish_ended_thread(std::size_t first, std::size_t end) noexcept;

  /// Destroys what is done and was never taken.
  void destroy_untaken() noexcept;

 private:
  /// Calls the function on the elements and writes into the cells. Finishes those that failed, and
  /// all before them; gives the first of the elements that still are to be finished, with values.
  virtual std::size_t run_calls(const Claim& claim) = 0;
  /// Submits one runner.
  virtual AnyFuture submit_runner() = 0;
  /// Whether the executor cancels what has not started.
  virtual bool executor_cancels() const noexcept = 0;
  virtual std::exception_ptr* error_in_cell(std::size_t i) noexcept = 0;
  virtual void destroy_values(std::size_t first, std::size_t size) noexcept = 0;
  /// Destroys the function and the ranges: no call runs and none will.
  virtual void destroy_callables() noexcept = 0;

  AnyFuture send_runner();
  void work_by_size(std::size_t size);
  void work_by_time();
  bool are_done_up_to(std::size_t first, std::size_t& done) const noexcept;
  template <class Size>
  Claim claim_next(Size size_for) noexcept;
  Claim claim_rest() noexcept;
  void fail_unclaimed(const std::exception_ptr& error) noexcept;
  void settle(std::size_t calls) noexcept;
  void publish(std::size_t first, Piece piece) noexcept;

  bool is_next_done() const noexcept;
  bool wait_for_piece(const Deadline& deadline);
  bool sleep_unless_for_ever(const Deadline& deadline);
  bool sleep_for_piece(const Deadline& deadline) noexcept;
  Taken take_done_piece() noexcept;
  Taken take_piece_at_any_cost();
  void offer_to_run_in_place();
  void destroy_piece(std::size_t first, Piece piece) noexcept;
  bool is_inherited() const noexcept;

  static constexpr std::size_t kNothing = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t kAnything = kNothing - 1;

  const std::size_t size_;
  const std::optional<int> chunksize_;
  const std::uint32_t fork_generation_;
  std::size_t runners_ = 0;  // that start() sent; written before the first one is

  // The piece that begins with an element, zero as long as it is not done; nothing elsewhere.
  // Release: its cells go to the reader, who acquires. See also awaited_.
  const std::unique_ptr<std::atomic<std::uint32_t>[]> pieces_;
  // The first elements of the pieces, for a reader that takes them as they are done.
  std::optional<FinishedList> finished_;

  // ---- the reader's own
  std::vector<AnyFuture> tasks_;  // the runners that start() sent
  std::size_t taken_ = 0;         // elements; in the order of the input the first ones
  std::size_t last_size_ = 1;     // of the last piece taken, in elements
  WakeModeration moderation_;
  std::size_t end_;  // of those that have been or may be claimed

  // ---- written by runners, once a claim
  // The first element that nobody has claimed. Relaxed: a claim is the claimant's alone, and what
  // comes of it is told by pieces_.
  alignas(64) std::atomic<std::size_t> cursor_{0};
  // Calls that run or may still come, and one more until the reader leaves. Acquire and release:
  // whoever brings it to zero destroys what all calls have used.
  std::atomic<std::size_t> unsettled_;
  // Claims whose elements took long. Release, and before their pieces are published: whoever finds
  // those done finds them counted.
  std::atomic<std::uint32_t> long_claims_{0};
  // Runners whose tasks are not done. Relaxed: only a count.
  std::atomic<int> runners_left_{0};

  // ---- written by the reader, read by runners
  // The element that the reader sleeps for, or kAnything. Sequentially consistent, as pieces_ is
  // where both are used: of a runner that publishes and a reader that falls asleep, one sees the
  // other.
  alignas(64) std::atomic<std::size_t> awaited_{kNothing};
  // What the reader sleeps on: 1 once a runner has called it.
  std::atomic<std::uint32_t> is_called_{0};
  // Relaxed: a runner that sees it late runs one element more.
  std::atomic<bool> abandoned_{false};
};

/// One task of a job. Shared by the task and what is called when that is done.
class MapRunner final : public RefCounted {
 public:
  explicit MapRunner(IntrusivePtr<MapJob> job) noexcept : job_(std::move(job)) {}

  /// Gives something, because not every executor of others takes a call that gives nothing.
  bool run() {
    // Relaxed: read after the task is done, which is after this.
    has_begun_.store(true, std::memory_order_relaxed);
    job_->work();
    return true;
  }
  void note_done(const AnyFuture& task) noexcept {
    job_->note_runner_is_gone(task, has_begun_.load(std::memory_order_relaxed));
  }

 private:
  IntrusivePtr<MapJob> job_;
  std::atomic<bool> has_begun_{false};
};

}  // namespace poolmark::detail
