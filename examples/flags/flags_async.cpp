// Twenty flags, all at once, in one thread: coroutines on an event loop.
#include <poolmark/async_executor.hpp>

#include "flags_main.hpp"
#include "http/loop_client.hpp"

namespace pm = poolmark;
using namespace flags;

pm::Coroutine<Outcome> download_one(std::string code) {
  try {
    const std::string image = co_await bench::http::fetch_on_loop(request_of(code));
    save_flag(image, code);
    show(code);
    co_return Outcome{code, ""};
  } catch (const std::exception&) {
    co_return failed(code);
  }
}

std::vector<Outcome> download_many(const Codes& codes) {
  pm::AsyncExecutor executor;
  std::vector<Outcome> outcomes;
  for (Outcome outcome : executor.map(download_one, codes)) outcomes.push_back(outcome);
  return outcomes;
}

int main(int argc, char** argv) { return main_of(argc, argv, download_many); }
