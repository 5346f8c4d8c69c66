#pragma once

#include <microhttpd.h>

#include <chrono>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "flags/server.hpp"

namespace bench::flags {

/// The server itself: libmicrohttpd, driven by one thread, which also knows when who is to be
/// answered. A request waits for its time *suspended*: the library does not look at it meanwhile.
class Serving {
 public:
  /// Listens. std::runtime_error if that cannot be.
  explicit Serving(const Latency& latency);
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving();

  int port() const noexcept { return port_; }

  /// Answers until the descriptor can be read.
  void until_readable(int descriptor);

 private:
  using Clock = std::chrono::steady_clock;
  struct Stop {
    void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
  };
  struct Destroy {
    void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
  };
  using Response = std::unique_ptr<MHD_Response, Destroy>;

  /// A connection that is suspended until its time.
  struct Waiting {
    Clock::time_point due;
    MHD_Connection* connection;
    friend bool operator>(const Waiting& a, const Waiting& b) { return a.due > b.due; }
  };

  /// An answer that comes byte by byte.
  struct Dripping {
    Serving* serving;
    MHD_Connection* connection;
    std::string_view bytes;
    bool has_rested = false;  // before the next byte
  };

  static MHD_Result handle(void* self, MHD_Connection* connection, const char* url,
                           const char* method, const char* version, const char* upload,
                           std::size_t* upload_size, void** context);
  static ssize_t read_until_cut(void* bytes, std::uint64_t position, char* into, std::size_t most);
  static ssize_t read_drip(void* dripping, std::uint64_t position, char* into, std::size_t most);

  MHD_Result answer(MHD_Connection* connection, std::string_view url);
  Response drip(MHD_Connection* connection, std::string_view bytes);
  void rest(MHD_Connection* connection, std::chrono::nanoseconds duration);
  std::chrono::nanoseconds draw_latency();
  void resume_due();
  std::chrono::nanoseconds until_next() const;

  std::unique_ptr<MHD_Daemon, Stop> daemon_;
  int port_ = 0;
  int polled_ = -1;  // readable when the library has something to do
  bool is_ending_ = false;
  std::uniform_int_distribution<std::chrono::nanoseconds::rep> latency_;
  std::mt19937_64 random_;
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
  std::map<std::string, Response, std::less<>> healthy_;  // by path, "/flags/br/br.gif"
};

}  // namespace bench::flags
