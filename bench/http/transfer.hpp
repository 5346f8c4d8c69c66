#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

namespace bench::http {

/// What is to be fetched. In a coroutine made by a function, or given a name: g++ 12 copies the
/// bytes of one that is written in braces within a co_await, and destroys both.
struct Request {
  std::string url;  ///< http or https
  /// From the beginning to the last byte; the usual one of Fluent Python's programs.
  std::chrono::milliseconds timeout{6100};
  std::string ca_file = {};  ///< certificates to trust; empty: the system's
};

/// One download after the other through libcurl. It keeps its connection for the next one where the
/// server allows it. One thread at a time; never moved, because libcurl points into it.
class Transfer {
 public:
  /// std::runtime_error if libcurl gives no handle.
  Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// For this request, whatever was before.
  void prepare(const Request& request);

  CURL* handle() const noexcept { return curl_.get(); }

  /// The body of what has ended in that way; throws DownloadError.
  std::string take(CURLcode ended);

 private:
  static std::size_t add_to_body(char* bytes, std::size_t size, std::size_t count, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  [[noreturn]] void fail(CURLcode ended) const;
  void refuse_status() const;

  struct Close {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  };

  std::unique_ptr<CURL, Close> curl_;
  std::string url_;
  std::chrono::milliseconds timeout_{};
  std::string body_;
  bool is_too_long_ = false;
  bool is_out_of_descriptors_ = false;
  std::array<char, CURL_ERROR_SIZE> said_{};  // by libcurl
};

}  // namespace bench::http
