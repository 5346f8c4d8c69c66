#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

#include "http/transfer.hpp"
#include "poolmark/coroutine.hpp"
#include "poolmark/event_loop.hpp"

namespace bench::http {

/// Downloads on an event loop, any number at once in its one thread. libcurl says which descriptors
/// and which time it waits for (its "multi interface"), and the loop tells it when they have come.
class LoopClient {
 public:
  /// That of the loop whose thread this is: made by the first call, gone with the loop.
  static LoopClient& of_this_loop();

  explicit LoopClient(poolmark::EventLoop& loop);
  LoopClient(const LoopClient&) = delete;
  LoopClient& operator=(const LoopClient&) = delete;
  ~LoopClient();

  /// The body; throws DownloadError. When its task is cancelled, the connection is closed.
  poolmark::Coroutine<std::string> fetch(Request request);

 private:
  class UnderWay;

  static int watch(CURL* curl, curl_socket_t descriptor, int what, void* self, void* unused);
  static int set_timer(CURLM* curl, long milliseconds, void* self);

  void go_on(curl_socket_t descriptor, int events);
  void tell_ended();
  std::unique_ptr<Transfer> take_idle();

  struct Close {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };

  poolmark::EventLoop& loop_;
  std::unique_ptr<CURLM, Close> multi_;
  poolmark::EventLoop::TimerHandle timer_;
  bool is_due_at_once_ = false;  // the timer
  std::vector<std::unique_ptr<Transfer>> idle_;
};

/// LoopClient::of_this_loop().fetch(request), for those who submit it.
poolmark::Coroutine<std::string> fetch_on_loop(Request request);

}  // namespace bench::http
