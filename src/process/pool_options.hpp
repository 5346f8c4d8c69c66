#pragma once

#include <optional>

#include "poolmark/process_pool_executor.hpp"
#include "process/messages.hpp"

namespace poolmark::detail {

/// The options, if all are in range; std::invalid_argument, with name and value, otherwise.
const ProcessPoolOptions& checked(const ProcessPoolOptions& options);

/// What the pool's zygote must know of them.
PoolPlan plan_for(const ProcessPoolOptions& options, std::size_t ring_bytes);

/// How many tasks the next worker may run; none: without end.
std::optional<int> draw_quota(const ProcessPoolOptions& options);

}  // namespace poolmark::detail
