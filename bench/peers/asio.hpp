#pragma once

#include <asio/packaged_task.hpp>
#include <asio/post.hpp>
#include <asio/thread_pool.hpp>

#include "peers/peer.hpp"

namespace bench {

/// Asio's thread pool, without Boost.
class Asio {
 public:
  static constexpr std::string_view kName = "asio";

  explicit Asio(int workers) : pool_(static_cast<std::size_t>(workers)) {}
  ~Asio() { pool_.join(); }

  auto submit(auto f) {
    return asio::post(pool_, std::packaged_task<decltype(f())()>(std::move(f)));
  }
  void post(auto f) { asio::post(pool_, std::move(f)); }

 private:
  asio::thread_pool pool_;
};

}  // namespace bench
