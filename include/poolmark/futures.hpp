#pragma once

// Python's concurrent.futures in C++20: everything a user of poolmark::futures needs.

#include "poolmark/async_executor.hpp"
#include "poolmark/coroutine.hpp"
#include "poolmark/errors.hpp"
#include "poolmark/event_loop.hpp"
#include "poolmark/executor.hpp"
#include "poolmark/future.hpp"
#include "poolmark/map.hpp"
#include "poolmark/process_pool_executor.hpp"
#include "poolmark/sequential_executor.hpp"
#include "poolmark/shared_buffer.hpp"
#include "poolmark/thread_pool_executor.hpp"
#include "poolmark/wait.hpp"
#include "poolmark/wire.hpp"
