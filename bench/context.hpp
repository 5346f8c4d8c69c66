#pragma once

#include <nlohmann/json.hpp>

namespace bench {

/// What a results file says of the build and of the machine, as the harness's do.
nlohmann::ordered_json context_of_run();

}  // namespace bench
