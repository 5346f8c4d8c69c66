#include "flags/downloads.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "flags/images.hpp"
#include "flags/saving.hpp"
#include "http/client.hpp"
#include "http/loop_client.hpp"

namespace bench::flags {
namespace {

http::Request request_of(const std::string& code) {
  return {.url = settings().base_url + "/" + path_of(code),
          .timeout = settings().timeout,
          .ca_file = settings().ca_file};
}

void save_if_wanted(const std::string& code, const std::string& image) {
  if (settings().save) save(image, *settings().save / (code + ".gif"));
}

/// Every flag is the one of its country, to the last byte.
void check(const std::vector<std::string>& codes, const std::vector<std::string>& flags) {
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::string_view right = find_image(codes[i])->bytes;
    if (flags[i] == right) continue;
    throw poolmark::harness::WrongResult(fmt::format(
        "the flag of {} has {} instead of {}", codes[i], described(flags[i]), described(right)));
  }
}

}  // namespace

Settings& settings() {
  static Settings present;
  return present;
}

std::string download(std::string code) {
  std::string image = http::fetch(request_of(code));
  save_if_wanted(code, image);
  if (settings().nap.count() > 0) std::this_thread::sleep_for(settings().nap);
  return image;
}

poolmark::Coroutine<std::string> download_on_loop(std::string code) {
  std::string image = co_await http::LoopClient::of_this_loop().fetch(request_of(code));
  save_if_wanted(code, image);
  if (settings().nap.count() > 0) co_await poolmark::sleep(settings().nap);
  co_return image;
}

poolmark::harness::Workload<std::string, std::string> workload(std::size_t count,
                                                               std::function<void()> prepare) {
  std::vector<std::string> codes;
  for (const Image& image : images()) codes.push_back(image.code);
  codes.resize(std::min(count, codes.size()));
  return {.name = "flags",
          .inputs = codes,
          .task = download,
          .check = check,
          .workers = {1, 2, 4, 8, 16, 20},
          .coroutine = download_on_loop,
          .set_up = std::move(prepare)};
}

}  // namespace bench::flags
