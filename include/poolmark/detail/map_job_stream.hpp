#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "poolmark/detail/indexed_call.hpp"
#include "poolmark/detail/map_job.hpp"
#include "poolmark/detail/map_stream.hpp"
#include "poolmark/errors.hpp"

// A map as one job: what depends on the type of the function, of the ranges and of the results.
namespace poolmark::detail {

/// A job with the cells for its results.
template <class R>
class MapJobOf : public MapJob {
 public:
  Cell<R>& cell(std::size_t i) noexcept { return cells_[i]; }

 protected:
  MapJobOf(std::size_t size, std::optional<int> chunksize, MapOrder order)
      : MapJob(size, chunksize, order), cells_(std::allocator<Cell<R>>().allocate(size)) {}
  ~MapJobOf() override {
    this->destroy_untaken();
    std::allocator<Cell<R>>().deallocate(cells_, this->size());
  }

 private:
  std::exception_ptr* error_in_cell(std::size_t i) noexcept final {
    return reinterpret_cast<std::exception_ptr*>(cells_[i].bytes);
  }
  void destroy_values(std::size_t first, std::size_t size) noexcept final {
    if constexpr (!std::is_trivially_destructible_v<Stored<R>>) {
      for (std::size_t i = first; i < first + size; ++i) std::destroy_at(&cells_[i].value());
    }
  }

  Cell<R>* const cells_;  // not constructed: each when its element is done
};

template <class R, class Submitter, class F, class... Views>
class IndexedMapJob final : public MapJobOf<R> {
 public:
  using Call = IndexedCall<R, F, Views...>;

  IndexedMapJob(Submitter submitter, Call call, std::size_t size, std::optional<int> chunksize,
                MapOrder order)
      : MapJobOf<R>(size, chunksize, order),
        submitter_(std::move(submitter)),
        call_(std::move(call)) {}

 private:
  // A look costs about as much as a short call, and keeps the compiler from joining calls. As many
  // calls as this are made after the last one was wanted, if all are in one claim.
  static constexpr std::size_t kCallsBetweenLooks = 16;

  std::size_t run_calls(const MapJob::Claim& claim) override {
    std::size_t unfinished = claim.first;
    std::size_t i = claim.first;
    while (i != claim.end) {
      std::size_t look = claim.end;
      if (this->may_leave_claims()) {
        if (this->is_abandoned() || executor_cancels()) {
          this->finish_values(unfinished, i);
          this->finish_failed(i, claim.end, std::make_exception_ptr(CancelledError()));
          return claim.end;
        }
        look = std::min(i + kCallsBetweenLooks, claim.end);
      }
      try {
        for (; i != look; ++i) call_into(i);
      } catch (...) {
        const std::exception_ptr error = std::current_exception();
        this->finish_values(unfinished, i);
        if (!error) {
          // The end of the thread, no exception of C++: see CallTask::run().
          this->finish_ended_thread(i, claim.end);
          throw;
        }
        this->finish_failed(i, i + 1, error);
        unfinished = ++i;
      }
    }
    return unfinished;
  }

  void call_into(std::size_t i) {
    void* const place = this->cell(i).bytes;
    if constexpr (std::is_void_v<R>) {
      (*call_)(i);
      ::new (place) Stored<R>();
    } else {
      ::new (place) Stored<R>((*call_)(i));
    }
  }

  AnyFuture submit_runner() override {
    const auto runner = make_intrusive<MapRunner>(IntrusivePtr<MapJob>(this));
    auto task = submitter_.submit([runner] { return runner->run(); });
    task.add_done_callback([runner](const AnyFuture& done) { runner->note_done(done); });
    return task;
  }

  bool executor_cancels() const noexcept override {
    if constexpr (requires { submitter_.is_cancelling(); }) {
      return submitter_.is_cancelling();
    } else {
      return false;  // it cancels the tasks of runners, which tells enough
    }
  }

  void destroy_callables() noexcept override { call_.reset(); }

  Submitter submitter_;
  std::optional<Call> call_;  // until no call needs it
};

template <class R>
class JobStream final : public MapStream<R> {
 public:
  JobStream(IntrusivePtr<MapJobOf<R>> job, const Deadline& deadline, bool reads_callers_range)
      : job_(std::move(job)), deadline_(deadline), reads_callers_range_(reads_callers_range) {}
  ~JobStream() override { job_->leave(); }

  bool at_end() const noexcept override { return taken_ == job_->size(); }

  MapRun<R> take_run() override {
    const auto [first, piece] = job_->take_piece(deadline_);
    if (!piece) {
      const TimeoutError late(job_->size() - taken_, job_->size());
      close();
      throw late;
    }
    Cell<R>* const cells = &job_->cell(first);
    taken_ += piece.size();
    if (!piece.failed()) return {.size = piece.size(), .values = cells};
    MapRun<R> failed{.size = piece.size(), .error = std::move(cells->error())};
    std::destroy_at(&cells->error());
    return failed;
  }

  void pass_run() override {}

  void close() override {
    job_->abandon();
    taken_ = job_->size();
  }

  void await_readers() override {
    if (reads_callers_range_) job_->await_calls();
  }

 private:
  const IntrusivePtr<MapJobOf<R>> job_;
  const Deadline deadline_;
  const bool reads_callers_range_;
  std::size_t taken_ = 0;  // elements
};

/// Begins the map. Throws what submitting throws, and std::bad_alloc.
template <class R, class Submitter, class F, class... Views>
std::unique_ptr<MapStream<R>> start_map_job(Submitter submitter, IndexedCall<R, F, Views...> call,
                                            std::optional<int> chunksize, MapOrder order,
                                            const Deadline& deadline) {
  using Job = IndexedMapJob<R, Submitter, F, Views...>;
  const int max_workers = submitter.max_workers();
  const std::size_t size = call.size();
  const auto job =
      make_intrusive<Job>(std::move(submitter), std::move(call), size, chunksize, order);
  auto stream = std::make_unique<JobStream<R>>(job, deadline, Job::Call::kReadsCallersRange);
  try {
    job->start(max_workers);
  } catch (...) {
    stream->close();
    stream->await_readers();
    throw;
  }
  return stream;
}

}  // namespace poolmark::detail
