#pragma once

#include <cstdint>
#include <vector>

#include "granularity/subjects.hpp"

/// One subject over all lengths of tasks.
namespace bench {

/// What is asked of a sweep; times in ns.
struct Plan {
  std::vector<double> grains;  ///< lengths of tasks, longest first
  double ns_per_step = 0;      ///< of burn(), while every worker computes
  double batch_ns = 50e6;      ///< computing time of a batch, at least
  int tasks_per_worker = 200;  ///< at least, so that the last task's end does not show
  double longest_ns = 250e6;   ///< of a batch of short tasks, as expected from longer ones
};

/// The wall time of one batch.
struct Point {
  double grain_ns;      ///< as asked for; 0 is a task without steps
  std::uint32_t steps;  ///< what it came to
  std::int64_t tasks;
  std::int64_t elapsed_ns;
};

/// From the longest tasks to the shortest, which tell in time how many of a shorter kind are
/// enough; then tasks without steps, in batches of four sizes. Before that, untimed, a batch of the
/// shortest: it touches the memory that the others use. WrongResult if a batch does not add up.
std::vector<Point> sweep(const Subject& subject, const Plan& plan);

/// ns a step of burn() takes while `threads` threads compute: the lower quartile of many stretches,
/// because whatever disturbs one makes it longer.
double calibrate(int threads);

}  // namespace bench
