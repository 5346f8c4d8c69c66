#pragma once

#include "harness/grid.hpp"
#include "harness/timeline.hpp"
#include "harness/trace_events.hpp"

namespace poolmark::harness::detail {

/// Draws one batch of `cell` as the group of this number, from 1: a row for the caller, one for
/// each worker, and two counters.
void draw_cell(const Cell& cell, const TracedBatch& batch, std::int64_t group, TraceEvents& to);

}  // namespace poolmark::harness::detail
