#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "poolmark/harness/detail/batch_times.hpp"
#include "poolmark/harness/detail/task_times.hpp"
#include "poolmark/harness/options.hpp"

namespace poolmark::harness::detail {

/// The user interrupted the run while a batch was being collected.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// Whether SIGINT or SIGTERM has arrived in this run.
bool interrupted() noexcept;

/// What crossed between a pool and its worker processes, in bytes.
struct Traffic {
  double sent_bytes = 0;
  double received_bytes = 0;
};

/// How a batch is to be run.
struct BatchPlan {
  Pattern pattern = Pattern::Map;
  std::optional<int> chunksize = {};  ///< of map(), as in MapOptions
  bool time_each_task = false;        ///< one by one, on the sequential executor
  bool timeline = false;              ///< when and where each task ran
};

/// What the runner measures: one workload on one executor, their types forgotten. Used by one
/// thread. At most one pool exists at a time, between make_pool() and drop_pool().
class Subject {
 public:
  Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  virtual ~Subject() = default;

  /// Chooses the inputs; returns how many tasks a batch has.
  virtual std::size_t use_inputs(bool long_inputs) = 0;

  virtual void make_pool(int workers) = 0;
  /// Returns when each of the `workers` has run something; throws if that does not happen.
  virtual void warm_up(int workers) = 0;

  /// Runs one batch. Throws what a task threw, and Interrupted.
  virtual void run_batch(const BatchPlan& plan) = 0;
  /// What the caller saw of the last batch, which began at `start`; before check_results().
  virtual BatchView view_batch(Clock::time_point start) const = 0;
  /// When the tasks of the last batch ran, if the plan asked for it; before check_results().
  virtual std::optional<BatchTimeline> timeline() const { return std::nullopt; }
  /// Nanoseconds of each task of the last batch, in input order; empty if they were not timed, or
  /// if there is a timeline.
  virtual std::span<const double> task_times() const = 0;
  /// Checks the results of the last batch and lets go of them; throws WrongResult.
  virtual void check_results() = 0;

  /// CPU time so far of worker processes of the present pool; still right after close_pool().
  virtual std::chrono::nanoseconds worker_cpu_time() const = 0;
  /// What crossed so far in the present pool, likewise; none if its executor does not say.
  virtual std::optional<Traffic> traffic() const { return std::nullopt; }

  /// Shuts the pool down, waiting for its workers. Does nothing without a pool.
  virtual void close_pool(bool cancel_tasks) = 0;
  /// Forgets the pool and the last batch, after close_pool().
  virtual void drop_pool() noexcept = 0;
};

struct SubjectOnExecutor {
  std::string executor;
  std::unique_ptr<Subject> subject;
};

/// An executor on which a workload cannot be measured, and a sentence that says why.
struct ExecutorLeftOut {
  std::string executor;
  std::string why;
  bool is_told_if_asked_for = false;  ///< else always: nobody expects it there
};

/// A workload as the grid and the runner see it.
struct WorkloadEntry {
  std::string name;
  std::vector<int> workers;
  std::function<void()> self_check;
  std::vector<SubjectOnExecutor> subjects;
  std::vector<ExecutorLeftOut> left_out = {};
  std::function<void()> set_up = {};
  std::string broken =
      {};  ///< why all its cells fail; empty: nothing is known that speaks against it
};

/// Everything a suite can measure.
struct Matrix {
  std::vector<std::string> executors;
  std::vector<WorkloadEntry> workloads;
};

inline constexpr std::string_view kSequential = "sequential";
inline constexpr std::string_view kAsync = "async";

/// Throws std::invalid_argument unless `name` can be part of a cell's name.
void check_name(const std::string& what, const std::string& name);
/// The same for a workload about to join `matrix`.
void check_workload(const Matrix& matrix, const std::string& name, bool has_inputs, bool has_task,
                    bool has_check, const std::vector<int>& workers);

int suite_main(Matrix& matrix, int argc, char** argv);
int run_suite(Matrix& matrix, const Options& options, const std::string& executable);

}  // namespace poolmark::harness::detail
