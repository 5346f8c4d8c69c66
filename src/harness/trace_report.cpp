#include "harness/trace_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

#include "harness/build_info.hpp"
#include "harness/trace_of_cell.hpp"

namespace poolmark::harness::detail {
namespace {

using Json = TraceEvents::Json;

void put_finite(Json& object, const char* key, double value) {
  if (std::isfinite(value)) object[key] = value;
}

Json facts_of(const Cell& cell, const TracedBatch& batch, std::int64_t group) {
  const double real_ns = std::chrono::duration<double, std::nano>(batch.end - batch.start).count();
  const TimelineNumbers numbers = numbers_of(batch.timeline);
  Json facts = {{"pid", group},
                {"name", cell.name()},
                {"workers", cell.workers},
                {"tasks", batch.timeline.tasks.size()},
                {"real_time_ns", real_ns}};
  put_finite(facts, "head_of_line_ns", numbers.head_of_line_ns);
  put_finite(facts, "busy_ns", numbers.busy_ns);
  put_finite(facts, "idle_share", idle_share(numbers.busy_ns, cell.workers, real_ns));
  return facts;
}

/// Why a cell is not drawn; none if it can be.
std::optional<std::string> why_not(const RunFacts& run, std::size_t cell,
                                   const std::optional<TracedBatch>& batch) {
  if (batch) return another_clock(batch->timeline);
  const auto& failures = run.recorder.failures();
  const auto failure = std::ranges::find(failures, cell, &Failure::cell);
  if (failure != failures.end()) return "no batch succeeded: " + failure->message;
  return "the run was interrupted before";
}

}  // namespace

std::string trace_report(const RunFacts& run, const LastBatches& batches) {
  TraceEvents events;
  Json drawn = Json::array();
  Json not_drawn = Json::array();
  for (std::size_t i = 0; i < run.cells.size(); ++i) {
    const Cell& cell = run.cells[i];
    const std::optional<TracedBatch>& batch = batches.at(i);
    if (const auto reason = why_not(run, i, batch)) {
      not_drawn.push_back({{"name", cell.name()}, {"message", *reason}});
      continue;
    }
    const auto group = static_cast<std::int64_t>(drawn.size()) + 1;
    draw_cell(cell, *batch, group, events);
    drawn.push_back(facts_of(cell, *batch, group));
  }
  return events.document({{"executable", run.executable},
                          {"poolmark_version", build_info().version},
                          {"commit", build_info().commit},
                          {"partial", run.partial},
                          {"cells", drawn},
                          {"not_drawn", not_drawn}});
}

}  // namespace poolmark::harness::detail
