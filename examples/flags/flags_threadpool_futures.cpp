// Five flags with three workers: each future as it is scheduled, and as it is done.
#include <poolmark/futures.hpp>

#include <map>
#include <ranges>

#include "flags_main.hpp"

namespace pm = poolmark;
using namespace flags;

std::string download_one(const std::string& code) {
  save_flag(get_flag(code), code);
  return code;
}

std::vector<Outcome> download_many(const Codes& codes) {
  pm::ThreadPoolExecutor executor{3};
  std::map<pm::Future<std::string>, std::string> to_do;
  for (const std::string& code : Codes(codes.begin(), codes.begin() + 5)) {
    const auto future = executor.submit(download_one, code);
    to_do.emplace(future, code);
    fmt::print("Scheduled for {}: {}\n", code, future);
  }

  std::vector<Outcome> outcomes;
  for (const auto& future : pm::as_completed(to_do | std::views::keys)) {
    try {
      fmt::print("{} result: '{}'\n", future, future.result());
      outcomes.push_back({future.result(), ""});
    } catch (const std::exception& error) {
      fmt::print("{} error: {}\n", future, error.what());
      outcomes.push_back(failed(to_do.at(future)));
    }
  }
  return outcomes;
}

int main(int argc, char** argv) { return main_of(argc, argv, download_many); }
