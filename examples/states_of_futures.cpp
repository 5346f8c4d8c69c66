// Five tasks for three workers: the state of each future as it is scheduled, and as it is done.
#include <poolmark/futures.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace pm = poolmark;
using namespace std::chrono_literals;

/// Stands for the download of a country's flag.
std::string download_one(const std::string& country) {
  std::this_thread::sleep_for(20ms);
  return country;
}

int main() {
  pm::ThreadPoolExecutor executor{3};
  std::vector<pm::Future<std::string>> to_do;
  for (const std::string country : {"BR", "CN", "ID", "IN", "US"}) {
    to_do.push_back(executor.submit(download_one, country));
    fmt::print("Scheduled for {}: {}\n", country, to_do.back());
  }

  int count = 0;
  for (auto& future : pm::as_completed(to_do)) {
    fmt::print("{} result: '{}'\n", future, future.result());
    ++count;
  }
  fmt::print("\n{} downloads\n", count);
}
