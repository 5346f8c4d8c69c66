#include "flags/serving.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "descriptors.hpp"
#include "flags/images.hpp"

namespace bench::flags {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kMostConnections = 16'384;
constexpr unsigned kBacklog = 16'384;  // a thousand clients connect at once
constexpr auto kForAnyPatience = 10min;
constexpr auto kBetweenDrops = 1s;
constexpr auto kLongestRest = 1h;

std::string url_of(std::string_view directory, const Image& image) {
  return fmt::format("/{}/{}", directory, path_of(image.code));
}

/// The image below a directory of the server; null if there is none.
const Image* image_at(std::string_view url, std::string_view directory) {
  for (const Image& image : images()) {
    if (url == url_of(directory, image)) return &image;
  }
  return nullptr;
}

MHD_Response* of_bytes(std::string_view bytes) {
  // The library takes a pointer to bytes that it may change, and does not change those that stay.
  return MHD_create_response_from_buffer(bytes.size(), const_cast<char*>(bytes.data()),
                                         MHD_RESPMEM_PERSISTENT);
}

timespec to_timespec(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  return {.tv_sec = seconds.count(), .tv_nsec = (duration - seconds).count()};
}

}  // namespace

Serving::Serving(const Latency& latency)
    : latency_(latency.least.count(), latency.most.count()), random_(latency.seed) {
  allow_more_descriptors();
  // Else the kernel may wake us 50 us late, which is not the network's.
  prctl(PR_SET_TIMERSLACK, 1);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  daemon_.reset(MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &Serving::handle, this,
      MHD_OPTION_SOCK_ADDR, reinterpret_cast<sockaddr*>(&address), MHD_OPTION_CONNECTION_LIMIT,
      kMostConnections, MHD_OPTION_LISTEN_BACKLOG_SIZE, kBacklog, MHD_OPTION_END));
  if (!daemon_) throw std::runtime_error("libmicrohttpd cannot listen on 127.0.0.1");
  port_ = MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_BIND_PORT)->port;
  polled_ = MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  for (const Image& image : images()) {
    Response response(of_bytes(image.bytes));
    MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, "image/gif");
    healthy_.emplace(url_of(kHealthy, image), std::move(response));
  }
}

Serving::~Serving() {
  // The library must not be stopped while a connection is suspended.
  is_ending_ = true;
  for (; !waiting_.empty(); waiting_.pop()) MHD_resume_connection(waiting_.top().connection);
  MHD_run(daemon_.get());
}

void Serving::until_readable(int descriptor) {
  std::array<pollfd, 2> polled{{{polled_, POLLIN, 0}, {descriptor, POLLIN, 0}}};
  while (polled[1].revents == 0) {
    const timespec rest = to_timespec(until_next());
    ppoll(polled.data(), polled.size(), &rest, nullptr);
    resume_due();
    MHD_run(daemon_.get());
  }
}

std::chrono::nanoseconds Serving::until_next() const {
  std::chrono::nanoseconds rest = kLongestRest;
  if (MHD_UNSIGNED_LONG_LONG milliseconds = 0;
      MHD_get_timeout(daemon_.get(), &milliseconds) == MHD_YES) {
    rest = std::min<std::chrono::nanoseconds>(rest, std::chrono::milliseconds(milliseconds));
  }
  if (!waiting_.empty()) {
    rest = std::min<std::chrono::nanoseconds>(rest, waiting_.top().due - Clock::now());
  }
  return std::max(rest, std::chrono::nanoseconds(0));
}

void Serving::resume_due() {
  const auto now = Clock::now();
  for (; !waiting_.empty() && waiting_.top().due <= now; waiting_.pop()) {
    MHD_resume_connection(waiting_.top().connection);
  }
}

void Serving::rest(MHD_Connection* connection, std::chrono::nanoseconds duration) {
  MHD_suspend_connection(connection);
  waiting_.push({Clock::now() + duration, connection});
}

std::chrono::nanoseconds Serving::draw_latency() {
  return std::chrono::nanoseconds(latency_(random_));
}

MHD_Result Serving::handle(void* self, MHD_Connection* connection, const char* url, const char*,
                           const char*, const char*, std::size_t*, void** context) {
  Serving& serving = *static_cast<Serving*>(self);
  const std::string_view path = url;
  // The library calls when it has the head of a request, then when it has all of it, and again when
  // the connection is resumed; what it keeps for us says which call this is. An answer to the first
  // would make it close the connection, for it could not know where the next request begins.
  static int has_head;
  static int has_rested;
  if (*context == nullptr) {
    *context = &has_head;
    return MHD_YES;
  }
  if (*context == &has_head) {
    *context = &has_rested;
    const bool is_silent = path.starts_with(fmt::format("/{}/", kSilence));
    serving.rest(connection, is_silent ? kForAnyPatience : serving.draw_latency());
    return MHD_YES;
  }
  return serving.is_ending_ ? MHD_NO : serving.answer(connection, path);
}

MHD_Result Serving::answer(MHD_Connection* connection, std::string_view url) {
  if (const auto known = healthy_.find(url); known != healthy_.end()) {
    return MHD_queue_response(connection, MHD_HTTP_OK, known->second.get());
  }
  Response response;
  unsigned status = MHD_HTTP_OK;
  if (image_at(url, kError) != nullptr) {
    status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    response.reset(of_bytes("out of order\n"));
  } else if (const Image* const image = image_at(url, kCut)) {
    response.reset(MHD_create_response_from_callback(image->bytes.size(), image->bytes.size() / 2,
                                                     &Serving::read_until_cut,
                                                     const_cast<Image*>(image), nullptr));
  } else if (const Image* const dripped = image_at(url, kDrip)) {
    response = drip(connection, dripped->bytes);
  } else {
    status = MHD_HTTP_NOT_FOUND;
    response.reset(of_bytes("there is no such flag\n"));
  }
  return MHD_queue_response(connection, status, response.get());
}

ssize_t Serving::read_until_cut(void* image, std::uint64_t position, char* into, std::size_t most) {
  const std::string_view whole = static_cast<const Image*>(image)->bytes;
  const std::string_view half = whole.substr(0, whole.size() / 2);
  if (position >= half.size()) return MHD_CONTENT_READER_END_WITH_ERROR;
  return static_cast<ssize_t>(half.substr(position).copy(into, most));
}

Serving::Response Serving::drip(MHD_Connection* connection, std::string_view bytes) {
  return Response(MHD_create_response_from_callback(
      bytes.size(), 1, &Serving::read_drip, new Dripping{this, connection, bytes},
      [](void* dripping) { delete static_cast<Dripping*>(dripping); }));
}

ssize_t Serving::read_drip(void* state, std::uint64_t position, char* into, std::size_t) {
  Dripping& dripping = *static_cast<Dripping*>(state);
  if (dripping.serving->is_ending_) return MHD_CONTENT_READER_END_WITH_ERROR;
  if (!std::exchange(dripping.has_rested, true)) {
    dripping.serving->rest(dripping.connection, kBetweenDrops);
    return 0;
  }
  dripping.has_rested = false;
  *into = dripping.bytes[position];
  return 1;
}

}  // namespace bench::flags
