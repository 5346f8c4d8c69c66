#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "poolmark/harness/detail/task_times.hpp"
#include "poolmark/harness/options.hpp"

/// What --timeline adds to a run: numbers for the results file, and batches for --trace.
namespace poolmark::harness::detail {

/// A trace is drawn from timelines.
inline bool wants_timeline(const Options& options) {
  return options.timeline || !options.trace.empty();
}

struct TimelineNumbers {
  double head_of_line_ns = 0;  // mean over the tasks: from a task's end until its result was held
  double busy_ns = 0;          // all tasks together
};

/// NaN with another_clock().
TimelineNumbers numbers_of(const BatchTimeline& timeline);

/// Of the time that `workers` had in `real_ns`, the share in which they ran no task: 0 to 1.
double idle_share(double busy_ns, int workers, double real_ns);

/// Of a batch of an executor whose workers do not have this machine's clock, so that tasks seem to
/// begin before they were submitted or to end after their results were held: a sentence. Otherwise
/// nothing.
std::optional<std::string> another_clock(const BatchTimeline& timeline);

/// A batch that has been measured, and its results found right.
struct TracedBatch {
  BatchTimeline timeline;
  Clock::time_point start;
  Clock::time_point end;
};

/// The last batch of each cell; none of a cell that was not measured.
using LastBatches = std::vector<std::optional<TracedBatch>>;

}  // namespace poolmark::harness::detail
