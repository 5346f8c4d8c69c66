#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "granularity/sweep.hpp"

namespace bench {

enum class Action { Sweep, List, Describe, Calibrate };

struct GranularityCommand {
  Action action = Action::List;
  std::string help;          ///< not empty: print it and end
  std::string subject;       ///< of a sweep
  std::vector<int> workers;  ///< ascending
  Plan plan;                 ///< ns_per_step 0: calibrate first
};

/// Reads the command line; std::invalid_argument with a sentence for what is wrong with it.
GranularityCommand read_granularity_command(int argc, char** argv);

/// 1, 2, 4 ... and `cpus`.
std::vector<int> usual_worker_counts(int cpus);

/// Powers of two from 4 ms down to 32 ns.
std::vector<double> usual_grains();

}  // namespace bench
