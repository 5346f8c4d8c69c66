#include "overhead/process_tasks.hpp"

namespace bench::in_worker {

int increment(int x) { return x + 1; }

std::vector<double> give_back(std::vector<double> values) { return values; }

}  // namespace bench::in_worker
