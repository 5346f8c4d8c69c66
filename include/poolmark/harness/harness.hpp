#pragma once

/// All of poolmark::harness: measure work of your own, or a pool of your own.
#include "poolmark/harness/options.hpp"
#include "poolmark/harness/suite.hpp"
#include "poolmark/harness/workload.hpp"
