#include "harness/trace_of_cell.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <utility>

namespace poolmark::harness::detail {
namespace {

using Json = TraceEvents::Json;

/// More than a cell has rows, even where a pool has replaced its 1024 workers many times.
constexpr std::int64_t kRowsOfAGroup = 100'000;

std::string task_name(std::size_t task) { return fmt::format("task {}", task); }

std::string_view call_of(Pattern pattern) {
  switch (pattern) {
    case Pattern::Map:
      return "map()";
    case Pattern::AsCompleted:
      return "as_completed()";
    case Pattern::Wait:
      return "wait()";
  }
  return "";
}

class CellPicture {
 public:
  CellPicture(const Cell& cell, const TracedBatch& batch, std::int64_t group, TraceEvents& to)
      : cell_(cell), batch_(batch), tasks_(batch.timeline.tasks), group_(group), to_(to) {}

  void draw() {
    const double ms = static_cast<double>(end()) / 1e6;
    to_.name_group(row(0), cell_.name(), fmt::format("{:.4g} ms", ms));
    draw_caller();
    find_workers();
    for (std::size_t i = 0; i < workers_.size(); ++i) draw_worker(i);
    draw_counters();
  }

 private:
  /// The tasks that one thread ran, in the order in which it did.
  struct Worker {
    std::pair<std::int32_t, std::int32_t> process_and_thread;
    std::vector<std::size_t> tasks;
  };

  std::int64_t ns(Clock::time_point time) const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time - batch_.start).count();
  }
  std::int64_t end() const { return ns(batch_.end); }
  std::int64_t last_held() const {
    return ns(std::ranges::max_element(tasks_, {}, &TaskTimes::held)->held);
  }
  /// Row 0 is the caller's.
  TraceRow row(std::size_t place) const {
    return {group_, group_ * kRowsOfAGroup + static_cast<std::int64_t>(place)};
  }
  double us(Clock::duration time) const {
    return std::chrono::duration<double, std::micro>(time).count();
  }

  void draw_caller() {
    const TraceRow caller = row(0);
    const std::int64_t begun = ns(batch_.timeline.begun);
    const std::int64_t submitted = ns(batch_.timeline.all_submitted);
    const bool is_cold = cell_.pool == PoolMode::Cold;
    to_.name_row(caller, "caller", 0);
    to_.slice(caller, "batch", "batch", {0, end()},
              {{"real_time_us", static_cast<double>(end()) / 1000}, {"tasks", tasks_.size()}});
    if (is_cold) to_.slice_before_another(caller, "make the pool", "pool", {0, begun});
    draw_submissions(caller, begun, submitted);
    // A nanosecond more, so that the last result is within.
    to_.slice(caller, fmt::format("results of {}", call_of(cell_.pattern)), "collecting",
              {submitted, last_held() + 1});
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      to_.instant(caller, fmt::format("result of task {}", i), "result", ns(tasks_[i].held),
                  {{"task", i}});
    }
    if (is_cold) to_.slice(caller, "shut the pool down", "pool", {last_held() + 2, end()});
  }

  void draw_submissions(TraceRow caller, std::int64_t begun, std::int64_t submitted) {
    const bool is_map = cell_.pattern == Pattern::Map;
    to_.slice_before_another(caller, is_map ? "call of map()" : "submit all", "submitting",
                             {begun, submitted});
    if (is_map) return;
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
      const bool is_last = i + 1 == tasks_.size();
      const std::int64_t next = is_last ? submitted : ns(tasks_[i + 1].submitted);
      // Of the last one, the slice around it ends a nanosecond early too.
      to_.slice_before_another(caller, "submit " + task_name(i), "submitting",
                               {ns(tasks_[i].submitted), next}, {{"task", i}});
    }
  }

  /// In the order in which they began. Workers that ran nothing have no number yet, and no tasks.
  void find_workers() {
    std::vector<std::size_t> order(tasks_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return tasks_[i].run.started; });
    std::map<std::pair<std::int32_t, std::int32_t>, std::size_t> places;
    for (const std::size_t task : order) {
      const std::pair worker(tasks_[task].run.process, tasks_[task].run.thread);
      const auto [place, is_new] = places.emplace(worker, workers_.size());
      if (is_new) workers_.push_back({worker, {}});
      workers_[place->second].tasks.push_back(task);
    }
    const auto known = static_cast<std::size_t>(cell_.workers);
    if (workers_.size() < known) workers_.resize(known);
  }

  std::string worker_name(std::size_t i) const {
    const auto [process, thread] = workers_[i].process_and_thread;
    const std::string name = fmt::format("{} worker {}", cell_.executor, i + 1);
    if (workers_[i].tasks.empty()) return name + " (ran nothing)";
    if (process == ::getpid()) return fmt::format("{} (thread {})", name, thread);
    if (process == thread) return fmt::format("{} (process {})", name, process);
    return fmt::format("{} (process {}, thread {})", name, process, thread);
  }

  void draw_worker(std::size_t i) {
    const TraceRow worker = row(i + 1);
    const std::int64_t last = cell_.pool == PoolMode::Cold ? last_held() : end();
    to_.name_row(worker, worker_name(i), i + 1);
    std::int64_t free_since = ns(batch_.timeline.begun);
    for (const std::size_t task : workers_[i].tasks) {
      draw_idle(worker, {free_since, ns(tasks_[task].run.started)});
      draw_task(worker, task);
      free_since = ns(tasks_[task].run.finished);
    }
    draw_idle(worker, {free_since, last});
  }

  void draw_idle(TraceRow worker, TraceSpan span) {
    if (span.to > span.from) to_.grey_slice(worker, "idle", "idle", span);
  }

  void draw_task(TraceRow worker, std::size_t i) {
    const TaskTimes& task = tasks_[i];
    const auto since_start = [&](Clock::time_point time) { return us(time - batch_.start); };
    to_.slice(worker, task_name(i), "task", {ns(task.run.started), ns(task.run.finished)},
              {{"task", i},
               {"submitted_us", since_start(task.submitted)},
               {"started_us", since_start(task.run.started)},
               {"finished_us", since_start(task.run.finished)},
               {"held_us", since_start(task.held)},
               {"waited_for_a_worker_us", us(task.run.started - task.submitted)},
               {"waited_for_the_caller_us", us(task.held - task.run.finished)}});
    to_.arrow("submitted to run", row(0), ns(task.submitted), worker, ns(task.run.started));
  }

  /// How many tasks were between the one moment and the other, at each time.
  template <class Begin, class End>
  void draw_counter(const std::string& name, const std::string& series, Begin begin, End finish) {
    std::map<std::int64_t, std::int64_t> changes;
    for (const TaskTimes& task : tasks_) {
      ++changes[ns(begin(task))];
      --changes[ns(finish(task))];
    }
    std::int64_t count = 0;
    to_.counter(row(0), name, series, 0, count);
    for (const auto& [at, change] : changes) {
      if (change == 0) continue;
      count += change;
      to_.counter(row(0), name, series, at, count);
    }
  }

  void draw_counters() {
    draw_counter(
        "tasks that wait", "for a worker", [](const TaskTimes& task) { return task.submitted; },
        [](const TaskTimes& task) { return task.run.started; });
    draw_counter(
        "results that wait", "for the caller",
        [](const TaskTimes& task) { return task.run.finished; },
        [](const TaskTimes& task) { return task.held; });
  }

  const Cell& cell_;
  const TracedBatch& batch_;
  const std::vector<TaskTimes>& tasks_;
  const std::int64_t group_;
  TraceEvents& to_;
  std::vector<Worker> workers_;
};

}  // namespace

void draw_cell(const Cell& cell, const TracedBatch& batch, std::int64_t group, TraceEvents& to) {
  CellPicture(cell, batch, group, to).draw();
}

}  // namespace poolmark::harness::detail
