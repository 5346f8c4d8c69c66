#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// A web server for the flags, on this machine and in a process of its own.
namespace bench::flags {

/// How long the server thinks before it answers: a time between these two, drawn for each request.
struct Latency {
  std::chrono::nanoseconds least = std::chrono::milliseconds(50);
  std::chrono::nanoseconds most = std::chrono::milliseconds(50);
  std::uint64_t seed = 1;
};

/// What can be wrong with a server, in the place of "flags" in an address.
inline constexpr std::string_view kHealthy = "flags";
inline constexpr std::string_view kNotFound = "not-found";  // 404
inline constexpr std::string_view kError = "error";         // 500
inline constexpr std::string_view kDrip = "drip";           // byte by byte, for minutes
inline constexpr std::string_view kCut = "cut";             // the connection ends in mid-answer
inline constexpr std::string_view kSilence = "silence";     // no answer

/// Answers GET /flags/br/br.gif, and the same below each of the names above, at a port of its own
/// on 127.0.0.1: HTTP/1.1, connections are kept.
///
/// It is forked, so it is to be made while the program has one thread and before what has
/// descriptors to close; it ends with this object, or with the program however that ends.
class Server {
 public:
  /// Returns when it listens. std::system_error, or std::runtime_error if it cannot.
  explicit Server(const Latency& latency = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Waits for its end.
  ~Server();

  /// "http://127.0.0.1:40123/flags".
  std::string base_url(std::string_view directory = kHealthy) const;
  pid_t pid() const noexcept { return pid_; }

 private:
  pid_t pid_ = -1;
  int control_ = -1;  // its end is the server's
  int port_ = 0;
};

}  // namespace bench::flags
