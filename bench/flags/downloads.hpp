#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "http/transfer.hpp"
#include "poolmark/coroutine.hpp"
#include "poolmark/harness/workload.hpp"

/// Downloads of flags: one each task, blocking or on an event loop.
namespace bench::flags {

/// What all downloads of a program have in common.
struct Settings {
  std::string base_url;                            ///< "http://127.0.0.1:40123/flags"
  std::chrono::milliseconds timeout{6100};         ///< of one download
  std::string ca_file = {};                        ///< certificates to trust; empty: the system's
  std::chrono::nanoseconds nap{0};                 ///< after each download
  std::optional<std::filesystem::path> save = {};  ///< the directory; none: nothing is saved
};

/// Written before there is a second thread; worker processes inherit them.
Settings& settings();

/// The flag of a country ("BR"): its bytes. Throws http::DownloadError, and std::system_error where
/// it cannot be saved. Blocks.
std::string download(std::string code);

/// The same on an event loop.
poolmark::Coroutine<std::string> download_on_loop(std::string code);

/// The first `count` flags, which `prepare` makes ready to be downloaded (Workload::set_up).
poolmark::harness::Workload<std::string, std::string> workload(std::size_t count,
                                                               std::function<void()> prepare);

}  // namespace bench::flags
