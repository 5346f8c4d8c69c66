#pragma once

#include <nlohmann/json.hpp>

namespace poolmark::harness::detail {

/// The "context" that Google Benchmark itself would write: host, CPUs, caches, load. It is asked
/// rather than imitated, so that readers of its files find what they know.
nlohmann::ordered_json google_context();

}  // namespace poolmark::harness::detail
