#include "harness/grid.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "poolmark/executor.hpp"

namespace poolmark::harness {

std::vector<int> powers_of_two_up_to(int most) {
  std::vector<int> counts;
  for (int count = 1; count <= most && count <= kMaxWorkersLimit; count *= 2) {
    counts.push_back(count);
  }
  return counts;
}

std::vector<int> worker_counts_for_cpu_work() {
  const int cpus = std::min(usable_cpus(), kMaxWorkersLimit);
  std::vector<int> counts = powers_of_two_up_to(cpus);
  if (counts.back() != cpus) counts.push_back(cpus);
  if (2 * cpus <= kMaxWorkersLimit) counts.push_back(2 * cpus);
  return counts;
}

namespace detail {
namespace {

constexpr Pattern kPatterns[] = {Pattern::Map, Pattern::AsCompleted, Pattern::Wait};

template <class T>
bool wants(const std::vector<T>& chosen, const T& name) {
  return chosen.empty() || std::ranges::find(chosen, name) != chosen.end();
}

void refuse_unknown(const std::string& flag, const std::string& what,
                    const std::vector<std::string>& chosen, const std::vector<std::string>& known) {
  for (const std::string& name : chosen) {
    if (std::ranges::find(known, name) != known.end()) continue;
    throw UsageError(fmt::format("{}: there is no {} '{}': choose from {}, separated by commas.",
                                 flag, what, name, fmt::join(known, ", ")));
  }
}

std::vector<int> worker_counts(const WorkloadEntry& workload, const std::string& executor,
                               const Options& options) {
  if (executor == kSequential) return {1};
  std::vector<int> counts = options.workers.empty() ? workload.workers : options.workers;
  std::vector<int> distinct;
  for (const int count : counts) {
    if (std::ranges::find(distinct, count) == distinct.end()) distinct.push_back(count);
  }
  return distinct;
}

PoolMode mode_of_baselines(const Options& options) {
  return options.pool == PoolMode::Cold ? PoolMode::Cold : PoolMode::Warm;
}

std::vector<std::optional<int>> chunksizes(Pattern pattern, const Options& options) {
  std::vector<std::optional<int>> distinct;
  if (pattern == Pattern::Map) {
    for (const std::optional<int>& size : options.chunksizes) {
      if (std::ranges::find(distinct, size) == distinct.end()) distinct.push_back(size);
    }
  }
  if (distinct.empty()) distinct.emplace_back();
  return distinct;
}

/// `cell`, which is of a pool, as often as the chunk sizes and warm and cold demand.
void add_variants(std::vector<Cell>& cells, Cell cell, const Options& options) {
  for (const std::optional<int>& size : chunksizes(cell.pattern, options)) {
    cell.chunksize = size;
    for (const PoolMode mode : {PoolMode::Warm, PoolMode::Cold}) {
      if (options.pool != PoolMode::Both && options.pool != mode) continue;
      cell.pool = mode;
      cell.has_warm_twin = options.pool == PoolMode::Both && mode == PoolMode::Cold;
      cells.push_back(cell);
    }
  }
}

/// The cells of a workload on one executor, to be measured by `subject`.
std::vector<Cell> cells_on(WorkloadEntry& workload, const std::string& executor, Subject* subject,
                           const Options& options) {
  std::vector<Cell> cells;
  if (!wants(options.executors, executor)) return cells;
  for (const Pattern pattern : kPatterns) {
    if (!wants(options.patterns, pattern)) continue;
    // The sequential executor's futures are done when submit() returns, so every way of
    // collecting costs the same: it is one cell, the baseline, unless it is asked for by name.
    const bool unasked = executor == kSequential && options.executors.empty();
    if (unasked && pattern != Pattern::Map) continue;
    for (const int workers : worker_counts(workload, executor, options)) {
      Cell cell{&workload, subject, executor, pattern, workers};
      if (executor == kSequential) {
        // It has neither chunks nor a pool to make.
        cell.pool = mode_of_baselines(options);
        cells.push_back(cell);
      } else {
        add_variants(cells, cell, options);
      }
    }
  }
  return cells;
}

std::vector<Cell> all_cells(WorkloadEntry& workload, const Options& options) {
  std::vector<Cell> cells;
  for (SubjectOnExecutor& on : workload.subjects) {
    const auto some = cells_on(workload, on.executor, on.subject.get(), options);
    cells.insert(cells.end(), some.begin(), some.end());
  }
  return cells;
}

Cell baseline_of(WorkloadEntry& workload, const Options& options) {
  for (SubjectOnExecutor& on : workload.subjects) {
    if (on.executor == kSequential) {
      Cell cell{&workload, on.subject.get(), on.executor, Pattern::Map, 1};
      cell.pool = mode_of_baselines(options);
      return cell;
    }
  }
  throw std::logic_error("poolmark: a suite without the sequential executor");
}

/// Only a pool's map has chunks.
void refuse_idle_chunksizes(const Options& options) {
  if (options.chunksizes.empty()) return;
  if (!wants(options.patterns, Pattern::Map)) {
    throw UsageError(
        "--chunksize: map alone has chunks, and --patterns leaves it out: add map to --patterns, "
        "or leave --chunksize out.");
  }
  if (options.executors == std::vector<std::string>{std::string(kSequential)}) {
    throw UsageError(
        "--chunksize: the sequential executor has no chunks, and it is the only one asked for: add "
        "a pool to --executors, or leave --chunksize out.");
  }
}

[[noreturn]] void refuse_empty_choice(Matrix& matrix, const Options& options) {
  if (const auto holes = left_out(matrix, options); !holes.empty()) throw UsageError(holes.front());
  if (options.filter.empty()) {
    throw UsageError(
        "--no-baseline leaves nothing of what was chosen: ask for other cells than the sequential "
        "map, or leave the flag out.");
  }
  throw UsageError(fmt::format(
      "--benchmark_filter: '{}' matches no cell: --benchmark_list_tests without a filter lists "
      "the names, such as {}/thread/map/workers:1.",
      options.filter, matrix.workloads.front().name));
}

}  // namespace

std::string Cell::name() const {
  std::string name =
      fmt::format("{}/{}/{}/workers:{}", workload->name, executor, to_string(pattern), workers);
  if (chunksize) name += fmt::format("/chunksize:{}", *chunksize);
  if (has_warm_twin) name += "/cold";
  return name;
}

bool Cell::is_baseline() const { return executor == kSequential && pattern == Pattern::Map; }

NameFilter::NameFilter(const std::string& pattern) : excludes_(pattern.starts_with('-')) {
  std::string wanted = excludes_ ? pattern.substr(1) : pattern;
  if (wanted.empty() || wanted == "all") wanted.assign(1, '.');
  auto regex = std::make_unique<regex_t>();
  const int error = regcomp(regex.get(), wanted.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error != 0) {
    char why[128] = "";
    regerror(error, regex.get(), why, sizeof why);
    throw UsageError(fmt::format(
        "--benchmark_filter: '{}' is not a regular expression ({}): give an extended one, such as "
        "'^primes/.*/map' or '-process'.",
        pattern, why));
  }
  regex_.reset(regex.release());
}

bool NameFilter::chooses(const std::string& name) const {
  return (regexec(regex_.get(), name.c_str(), 0, nullptr, 0) == 0) != excludes_;
}

std::vector<Cell> choose_cells(Matrix& matrix, const Options& options) {
  std::vector<std::string> workloads;
  for (const WorkloadEntry& workload : matrix.workloads) workloads.push_back(workload.name);
  if (workloads.empty()) throw UsageError("this program has no workload: add one to its suite.");
  refuse_unknown("--workloads", "workload", options.workloads, workloads);
  refuse_unknown("--executors", "executor", options.executors, matrix.executors);

  refuse_idle_chunksizes(options);

  const NameFilter filter(options.filter);
  std::vector<Cell> chosen;
  for (WorkloadEntry& workload : matrix.workloads) {
    if (!wants(options.workloads, workload.name)) continue;
    std::vector<Cell> cells = all_cells(workload, options);
    std::erase_if(cells, [&](const Cell& cell) {
      return !filter.chooses(cell.name()) || (cell.is_baseline() && !options.baseline);
    });
    if (cells.empty()) continue;
    if (options.baseline && std::ranges::none_of(cells, &Cell::is_baseline)) {
      cells.insert(cells.begin(), baseline_of(workload, options));
    }
    chosen.insert(chosen.end(), cells.begin(), cells.end());
  }
  if (chosen.empty()) refuse_empty_choice(matrix, options);
  return chosen;
}

std::vector<std::string> left_out(Matrix& matrix, const Options& options) {
  const NameFilter filter(options.filter);
  const auto is_chosen = [&](const Cell& cell) { return filter.chooses(cell.name()); };
  std::vector<std::string> sentences;
  for (WorkloadEntry& workload : matrix.workloads) {
    if (!wants(options.workloads, workload.name)) continue;
    for (const ExecutorLeftOut& hole : workload.left_out) {
      if (hole.is_told_if_asked_for && options.executors.empty()) continue;
      const std::vector<Cell> missing = cells_on(workload, hole.executor, nullptr, options);
      if (std::ranges::none_of(missing, is_chosen)) continue;
      sentences.push_back(
          fmt::format("{}/{} is left out: {}.", workload.name, hole.executor, hole.why));
    }
  }
  return sentences;
}

void check_name(const std::string& what, const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (!name.empty() && std::ranges::all_of(name, allowed)) return;
  throw std::invalid_argument(fmt::format(
      "the name '{}' of the {} cannot be part of a cell's name: use small letters, digits, '_' and "
      "'-'",
      name, what));
}

void check_workload(const Matrix& matrix, const std::string& name, bool has_inputs, bool has_task,
                    bool has_check, const std::vector<int>& workers) {
  check_name("workload", name);
  const auto refuse = [&](const std::string& why) {
    throw std::invalid_argument(fmt::format("the workload '{}' {}", name, why));
  };
  if (std::ranges::find(matrix.workloads, name, &WorkloadEntry::name) != matrix.workloads.end()) {
    refuse("is in the suite already: give each a name of its own");
  }
  if (!has_inputs) refuse("has no inputs: give one for each task");
  if (!has_task) refuse("has no task: give a plain function");
  if (!has_check) {
    refuse("has no check, and its results cannot be compared with ==: say which are right");
  }
  for (const int count : workers) {
    if (count >= 1 && count <= kMaxWorkersLimit) continue;
    refuse(fmt::format("asks for {} workers: 1 to {} are allowed", count, kMaxWorkersLimit));
  }
}

}  // namespace detail
}  // namespace poolmark::harness
