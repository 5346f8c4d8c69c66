#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What a run measures and how; each member is a flag of a harness program.
namespace poolmark::harness {

/// A value that a run cannot be made from. The message names the value, what is allowed and what to
/// do; a harness program prints it and ends with status 2.
class UsageError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// How a batch's results are collected.
enum class Pattern {
  Map,          ///< map(): results in the order of the inputs
  AsCompleted,  ///< submit() each, as_completed(): results as they are done
  Wait,         ///< submit() each, wait() for all, then read
};

/// "map", "as_completed" or "wait".
std::string_view to_string(Pattern pattern);

/// What the timing of a batch includes.
enum class PoolMode {
  Warm,  ///< the batch alone: all workers have started and have run something before
  Cold,  ///< making the pool, the batch, shutting the pool down
  Both,  ///< of a run: every pool warm and cold, as two cells
};

std::string_view to_string(PoolMode mode);

enum class OutputFormat { Console, Json, Csv };

/// What the console shows of a cell's repetitions. The results file always holds each of them.
enum class ConsoleDetail {
  Median,      ///< one line a cell
  Aggregates,  ///< mean, median, standard deviation, coefficient of variation
  Everything,  ///< each repetition, then the aggregates
};

enum class Colour { Auto, Yes, No };

struct Options {
  // What is measured. An empty list means all; names are checked against the suite's.
  std::vector<std::string> workloads = {};
  std::vector<std::string> executors = {};
  std::vector<Pattern> patterns = {};
  std::vector<int> workers = {};  ///< 1 to 1024; empty: each workload's own
  std::string filter = {};        ///< regular expression searched in cell names; "-..." excludes
  bool baseline = true;           ///< measure each workload's sequential baseline, asked for or not
  bool long_inputs = false;
  PoolMode pool = PoolMode::Warm;
  /// Of the pools' map, a cell each: as in MapOptions, none is "auto". Empty: that alone.
  std::vector<std::optional<int>> chunksizes = {};

  // How it is measured.
  int repetitions = 10;
  double min_time_s = 0;         ///< repeat a batch within a repetition until it took so long
  double min_warmup_time_s = 0;  ///< run the cell for so long before its first repetition
  bool interleave = true;        ///< repetitions of all cells in random order
  bool self_check = true;        ///< prove first that each workload is measured as what it is
  bool timeline = false;         ///< note when each task ran; costs each some 250 ns

  // Where it goes.
  std::string out = {};    ///< the results file; empty: none
  std::string trace = {};  ///< trace events of each cell's last batch; implies timeline
  int progress_fd = -1;    ///< descriptor for one JSON object a line; -1: none
  bool list = false;       ///< print the names of the cells and measure nothing
  OutputFormat format = OutputFormat::Console;
  ConsoleDetail detail = ConsoleDetail::Median;
  Colour colour = Colour::Auto;
  bool counters_tabular = false;
  std::string time_unit = "ms";  ///< of the console: ns, us, ms or s; files always hold ns
  int verbosity = 0;
  std::map<std::string, std::string> context = {};  ///< further facts for the results file

  // Later additions: how it is measured.
  int batches = 0;  ///< of a repetition, on one pool; 0: as many as min_time_s asks for
};

}  // namespace poolmark::harness
