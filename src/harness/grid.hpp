#pragma once

#include <regex.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "poolmark/harness/detail/subject.hpp"
#include "poolmark/harness/options.hpp"

/// Which cells a run consists of, and what they are called.
namespace poolmark::harness::detail {

/// One point of workload x executor x pattern x workers (x chunk size x warm or cold).
struct Cell {
  WorkloadEntry* workload = nullptr;
  Subject* subject = nullptr;
  std::string executor;
  Pattern pattern = Pattern::Map;
  int workers = 1;
  std::optional<int> chunksize = {};  // of map; none: "auto"
  PoolMode pool = PoolMode::Warm;     // or Cold
  bool has_warm_twin = false;         // measured cold beside warm

  /// Such as "primes/process/as_completed/workers:2",
  /// "primes/process/map/workers:2/chunksize:4/cold".
  std::string name() const;
  /// What the other cells of the workload are compared with.
  bool is_baseline() const;
};

/// The cells that `options` chooses from `matrix`, by workload, executor, pattern and workers in
/// the matrix's order. The baseline of each workload is one of them, whatever was chosen, or with
/// --no-baseline is not. Throws UsageError for
/// a name that is unknown and for a choice that leaves nothing.
std::vector<Cell> choose_cells(Matrix& matrix, const Options& options);

/// A sentence for each executor on which a workload that `options` choose cannot be measured.
std::vector<std::string> left_out(Matrix& matrix, const Options& options);

/// Whether the library's --benchmark_filter would choose a benchmark of this name: the (extended)
/// regular expression is found in it; "all" and "" mean everything; a leading '-' turns it round.
class NameFilter {
 public:
  /// Throws UsageError if `pattern` is no regular expression.
  explicit NameFilter(const std::string& pattern);
  bool chooses(const std::string& name) const;

 private:
  struct Free {
    void operator()(regex_t* regex) const {
      regfree(regex);
      delete regex;
    }
  };

  bool excludes_;
  // Not std::regex: it recurses once a character, and g++ 12 warns of its insides.
  std::unique_ptr<regex_t, Free> regex_;
};

}  // namespace poolmark::harness::detail
