#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "http/client.hpp"
#include "http/errors.hpp"
#include "http/loop_client.hpp"
#include "poolmark/futures.hpp"

/// The ways of downloading, for tests that ask the same of each.
namespace bench::test {

inline http::Request request_of(std::string url, int timeout_ms, std::string ca_file) {
  return {.url = std::move(url),
          .timeout = std::chrono::milliseconds(timeout_ms),
          .ca_file = std::move(ca_file)};
}

/// A request's parts, which can cross to another process.
inline std::string get(std::string url, int timeout_ms, std::string ca_file) {
  return http::fetch(request_of(std::move(url), timeout_ms, std::move(ca_file)));
}

inline poolmark::Coroutine<std::string> get_on_loop(std::string url, int timeout_ms,
                                                    std::string ca_file) {
  co_return co_await http::fetch_on_loop(
      request_of(std::move(url), timeout_ms, std::move(ca_file)));
}

inline constexpr int kPatient = 60'000;  // ms; a server that has not answered by then never will
inline constexpr int kImpatient = 200;   // ms

struct Sequential {
  using Executor = poolmark::SequentialExecutor;
  static constexpr auto kGet = &get;
  Executor executor;
};

struct Threads {
  using Executor = poolmark::ThreadPoolExecutor;
  static constexpr auto kGet = &get;
  Executor executor{8};
};

struct Processes {
  using Executor = poolmark::ProcessPoolExecutor;
  static constexpr auto kGet = &get;
  Executor executor{4};
};

struct Loop {
  using Executor = poolmark::AsyncExecutor;
  static constexpr auto kGet = &get_on_loop;
  Executor executor;
};

using AllWays = testing::Types<Sequential, Threads, Processes, Loop>;

class WayNames {
 public:
  template <class Way>
  static std::string GetName(int) {
    if (std::is_same_v<Way, Sequential>) return "sequential";
    if (std::is_same_v<Way, Threads>) return "threads";
    return std::is_same_v<Way, Processes> ? "processes" : "loop";
  }
};

/// The kind of the error of a download, or "none".
template <class Future>
std::string kind_of_outcome(const Future& future) {
  const std::exception_ptr error = future.exception();
  return error ? http::kind_of(error) : "none";
}

/// What it says.
template <class Future>
std::string message_of(const Future& future) {
  try {
    future.result();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace bench::test
