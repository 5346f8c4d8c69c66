#include "flags_main.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>

#include "flags/images.hpp"
#include "flags/saving.hpp"
#include "flags/server.hpp"
#include "http/client.hpp"
#include "http/errors.hpp"

namespace flags {
namespace {

using Seconds = std::chrono::duration<double>;

// Written before there is a second thread.
std::string base_url;
std::optional<std::filesystem::path> directory;
std::size_t wanted = 0;

std::atomic<std::size_t> ended = 0;  // relaxed: only shown
std::mutex printing;

bool is_a_person_looking() { return isatty(STDOUT_FILENO) != 0; }

/// One download more is over.
void draw_bar() {
  constexpr std::size_t kWidth = 40;
  const std::size_t done = kWidth * ended / std::max<std::size_t>(1, wanted);
  fmt::print("\r[{:#<{}}{:.<{}}] {}/{}", "", done, "", kWidth - done, ended.load(), wanted);
}

/// "18 downloads in 0.07s", and what did not come.
int report(const std::vector<Outcome>& outcomes, Seconds took) {
  std::map<std::string, int> errors;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.error.empty()) ++errors[outcome.error];
  }
  const auto came =
      std::ranges::count_if(outcomes, [](const Outcome& outcome) { return outcome.error.empty(); });
  fmt::print("\n{} downloads in {:.2f}s\n", came, took.count());
  for (const auto& [kind, count] : errors) {
    fmt::print("{} error{}: {}\n", count, count == 1 ? "" : "s", kind);
  }
  return errors.empty() ? 0 : 1;
}

}  // namespace

bench::http::Request request_of(const std::string& code) {
  return {.url = base_url + "/" + bench::flags::path_of(code)};
}

std::string get_flag(const std::string& code) { return bench::http::fetch(request_of(code)); }

void save_flag(const std::string& image, const std::string& code) {
  if (directory) bench::flags::save(image, *directory / (code + ".gif"));
}

void show(const std::string& code) {
  ended.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard one_at_a_time(printing);
  if (is_a_person_looking()) {
    draw_bar();
  } else {
    fmt::print("{} ", code);
  }
  std::fflush(stdout);
}

Outcome failed(const std::string& code) {
  ended.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard one_at_a_time(printing);
  if (is_a_person_looking()) draw_bar();
  return {code, bench::http::kind_of(std::current_exception())};
}

int main_of(int argc, char** argv,
            const std::function<std::vector<Outcome>(const Codes&)>& download_many) {
  constexpr int kMostArguments = 2;
  constexpr int kUsageStatus = 2;
  if (argc > 1 + kMostArguments || (argc > 1 && argv[1][0] == '-')) {
    fmt::print(stderr,
               "usage: {} [ADDRESS [DIRECTORY]]: where the flags are, such as "
               "http://127.0.0.1:8000/flags, and where to save them; none of both: from a server "
               "of the program's own, saved nowhere.\n",
               argv[0]);
    return kUsageStatus;
  }
  std::optional<bench::flags::Server> server;
  if (argc > 1) {
    base_url = argv[1];
  } else {
    base_url = server.emplace().base_url();
  }
  if (argc > kMostArguments) {
    directory = argv[kMostArguments];
    std::filesystem::create_directories(*directory);
  }
  Codes codes;
  for (const bench::flags::Image& image : bench::flags::images()) codes.push_back(image.code);
  wanted = codes.size();

  const auto start = std::chrono::steady_clock::now();
  const std::vector<Outcome> outcomes = download_many(codes);
  return report(outcomes, std::chrono::steady_clock::now() - start);
}

}  // namespace flags
