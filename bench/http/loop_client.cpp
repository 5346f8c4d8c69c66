#include "http/loop_client.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "poolmark/future.hpp"

namespace bench::http {
namespace {

// Of connections that nobody uses at present. Without a number libcurl keeps four times as many as
// there are downloads, and so closes nearly all when many that were begun at once come to their
// end.
constexpr long kMostIdleConnections = 16'384;
constexpr int kCannotBeWatched = -1;  // libcurl gives up what it does then

}  // namespace

/// A transfer that libcurl works at, from here to its end or to that of the coroutine that wants
/// it.
class LoopClient::UnderWay {
 public:
  UnderWay(LoopClient& client, const Request& request)
      : client_(client), transfer_(client.take_idle()) {
    transfer_->prepare(request);
    curl_easy_setopt(transfer_->handle(), CURLOPT_PRIVATE, this);
    curl_multi_add_handle(client_.multi_.get(), transfer_->handle());
  }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;
  ~UnderWay() {
    curl_multi_remove_handle(client_.multi_.get(), transfer_->handle());
    client_.idle_.push_back(std::move(transfer_));
  }

  const poolmark::Future<CURLcode>& ended() const noexcept { return ended_; }
  void tell_end(CURLcode code) { end_.set_result(code); }

  Transfer& transfer() noexcept { return *transfer_; }

 private:
  LoopClient& client_;
  std::unique_ptr<Transfer> transfer_;
  poolmark::Promise<CURLcode> end_;
  poolmark::Future<CURLcode> ended_ = end_.get_future();
};

LoopClient& LoopClient::of_this_loop() {
  thread_local std::unique_ptr<LoopClient> client;
  if (!client) {
    poolmark::EventLoop* const loop = poolmark::EventLoop::of_this_thread();
    if (loop == nullptr) throw std::logic_error("this thread runs no event loop");
    client = std::make_unique<LoopClient>(*loop);
    loop->call_at_end([] { client.reset(); });
  }
  return *client;
}

LoopClient::LoopClient(poolmark::EventLoop& loop) : loop_(loop) {
  idle_.push_back(std::make_unique<Transfer>());  // it begins with libcurl, before all else does
  multi_.reset(curl_multi_init());
  if (!multi_) throw std::runtime_error("libcurl gives no handle: there is too little memory");
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &LoopClient::watch);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &LoopClient::set_timer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kMostIdleConnections);
}

LoopClient::~LoopClient() {
  multi_.reset();  // while there is somebody to be told that its descriptors are no longer watched
  timer_.cancel();
}

poolmark::Coroutine<std::string> LoopClient::fetch(Request request) {
  UnderWay under_way(*this, request);
  const CURLcode ended = co_await under_way.ended();
  co_return under_way.transfer().take(ended);
}

int LoopClient::watch(CURL*, curl_socket_t descriptor, int what, void* self, void*) {
  LoopClient& client = *static_cast<LoopClient*>(self);
  try {
    // What is added comes first: with nothing to watch the loop would forget the descriptor.
    if ((what & CURL_POLL_IN) != 0) {
      client.loop_.add_reader(descriptor,
                              [&client, descriptor] { client.go_on(descriptor, CURL_CSELECT_IN); });
    }
    if ((what & CURL_POLL_OUT) != 0) {
      client.loop_.add_writer(
          descriptor, [&client, descriptor] { client.go_on(descriptor, CURL_CSELECT_OUT); });
    }
  } catch (...) {
    return kCannotBeWatched;  // no exception may pass through libcurl
  }
  if ((what & CURL_POLL_IN) == 0) client.loop_.remove_reader(descriptor);
  if ((what & CURL_POLL_OUT) == 0) client.loop_.remove_writer(descriptor);
  return 0;
}

int LoopClient::set_timer(CURLM*, long milliseconds, void* self) {
  LoopClient& client = *static_cast<LoopClient*>(self);
  // A thousand downloads that begin at once ask a thousand times for the same.
  if (milliseconds == 0 && client.is_due_at_once_) return 0;
  client.timer_.cancel();
  client.is_due_at_once_ = milliseconds == 0;
  if (milliseconds < 0) return 0;  // no time to wait for
  client.timer_ = client.loop_.call_later(std::chrono::milliseconds(milliseconds), [&client] {
    client.is_due_at_once_ = false;
    client.go_on(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

void LoopClient::go_on(curl_socket_t descriptor, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), descriptor, events, &running);
  tell_ended();
}

void LoopClient::tell_ended() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* under_way = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &under_way);
    reinterpret_cast<UnderWay*>(under_way)->tell_end(message->data.result);
  }
}

std::unique_ptr<Transfer> LoopClient::take_idle() {
  if (idle_.empty()) return std::make_unique<Transfer>();
  std::unique_ptr<Transfer> transfer = std::move(idle_.back());
  idle_.pop_back();
  return transfer;
}

poolmark::Coroutine<std::string> fetch_on_loop(Request request) {
  co_return co_await LoopClient::of_this_loop().fetch(std::move(request));
}

}  // namespace bench::http
