#include "process/channel.hpp"

#include <new>

namespace poolmark::detail {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHeaderBytes = (sizeof(ChannelHeader) + kPage - 1) / kPage * kPage;

static_assert(std::atomic<std::uint32_t>::is_always_lock_free &&
                  std::atomic<std::uint64_t>::is_always_lock_free,
              "a lock inside an atomic would be private to one process");

}  // namespace

Channel::Channel(OwnedFd memory_file, std::size_t ring_bytes)
    : memory_file_(std::move(memory_file)),
      ring_bytes_(ring_bytes),
      mapping_(memory_file_.get(), kHeaderBytes + 2 * ring_bytes) {
  tasks_ = mapping_.data() + kHeaderBytes;
  results_ = tasks_ + ring_bytes;
}

Channel Channel::create(std::size_t ring_bytes) {
  Channel channel(make_memory_file("poolmark-channel", kHeaderBytes + 2 * ring_bytes), ring_bytes);
  channel.header_ = new (channel.mapping_.data()) ChannelHeader();
  return channel;
}

Channel Channel::open(OwnedFd memory_file, std::size_t ring_bytes) {
  Channel channel(std::move(memory_file), ring_bytes);
  channel.memory_file_.reset();
  // The pool made the header; placement without initialisation would end its lifetime here.
  channel.header_ = std::launder(reinterpret_cast<ChannelHeader*>(channel.mapping_.data()));
  return channel;
}

}  // namespace poolmark::detail
