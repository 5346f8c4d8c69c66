#pragma once

#include <string>
#include <vector>

#include "harness/grid.hpp"
#include "harness/recorder.hpp"

namespace poolmark::harness::detail {

/// Tells another program how far a run is: one JSON object a line, written as each repetition ends.
/// If the reader goes away, the run goes on without it.
class Progress {
 public:
  /// `fd` -1: says nothing. Throws UsageError unless `fd` can be written to.
  explicit Progress(int fd);

  void plan(const std::vector<std::string>& cells, int repetitions);
  void sample(const std::string& cell, const Sample& sample);
  void failure(const std::string& cell, const Failure& failure);

 private:
  void write_line(const std::string& text);

  int fd_;  // -1 once nobody reads
};

}  // namespace poolmark::harness::detail
