// Twenty flags, all at once, in a pool of threads.
#include <poolmark/futures.hpp>

#include "flags_main.hpp"

namespace pm = poolmark;
using namespace flags;

Outcome download_one(const std::string& code) {
  try {
    save_flag(get_flag(code), code);
    show(code);
    return {code, ""};
  } catch (const std::exception&) {
    return failed(code);
  }
}

std::vector<Outcome> download_many(const Codes& codes) {
  constexpr int kMaxWorkers = 20;
  pm::ThreadPoolExecutor executor{kMaxWorkers};
  std::vector<Outcome> outcomes;
  for (Outcome outcome : executor.map(download_one, codes)) outcomes.push_back(outcome);
  return outcomes;
}

int main(int argc, char** argv) { return main_of(argc, argv, download_many); }
