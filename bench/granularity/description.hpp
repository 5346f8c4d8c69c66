#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "granularity/subjects.hpp"

namespace bench {

/// What scripts/granularity must know before it measures: the subjects, which peers are missing,
/// and machine and build under the names that results files of the harness use.
nlohmann::ordered_json description(const std::vector<Subject>& subjects);

}  // namespace bench
