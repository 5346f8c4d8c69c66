#include "process/ring.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace poolmark::detail {
namespace {

constexpr std::size_t kCapacity = 64;

struct Ring {
  RingControl control;
  std::array<std::byte, kCapacity> buffer{};
  RingWriter writer{control, buffer.data(), kCapacity};
  RingReader reader{control, buffer.data(), kCapacity};

  void write(const std::string& text) {
    ASSERT_EQ(writer.write_some(text.data(), text.size()), text.size());
    writer.publish();
  }
  std::string read(std::size_t count) {
    std::string text(count, '\0');
    text.resize(reader.read_some(text.data(), count));
    reader.publish();
    return text;
  }
};

TEST(Ring, YieldsWhatWasWrittenAcrossItsEnd) {
  Ring ring;
  for (int round = 0; round < 10; ++round) {
    ring.write("a text of twenty-six bytes");
    EXPECT_EQ(ring.read(100), "a text of twenty-six bytes");
  }
}

TEST(Ring, ShowsNothingBeforeItIsPublished) {
  Ring ring;
  ring.writer.write_some("abc", 3);
  EXPECT_FALSE(ring.reader.has_news());
  EXPECT_EQ(ring.reader.available(), 0U);
  ring.writer.publish();
  EXPECT_TRUE(ring.reader.has_news());
  EXPECT_EQ(ring.read(3), "abc");
}

TEST(Ring, TakesOnlyWhatFits) {
  Ring ring;
  const std::string text(kCapacity + 10, 'x');
  EXPECT_EQ(ring.writer.write_some(text.data(), text.size()), kCapacity);
  ring.writer.publish();
  EXPECT_EQ(ring.writer.free_space(), 0U);
  EXPECT_EQ(ring.read(10).size(), 10U);
  EXPECT_EQ(ring.writer.free_space(), 10U);
}

TEST(Ring, RefusesAWriterThatClaimsMoreThanTheRingHolds) {
  Ring ring;
  ring.control.written.store(kCapacity + 1);
  EXPECT_THROW(ring.reader.available(), RingCorrupt);
}

TEST(Ring, RefusesAReaderThatClaimsMoreThanWasWritten) {
  Ring ring;
  ring.control.read.store(1);
  EXPECT_THROW(ring.writer.free_space(), RingCorrupt);
}

// The sanitizer for threads cannot look into two processes; it sees this.
TEST(Ring, CarriesAStreamBetweenTwoThreads) {
  constexpr std::size_t kBytes = 1 << 16;
  auto ring = std::make_unique<Ring>();
  const auto byte_at = [](std::size_t i) { return static_cast<std::byte>(i * 31 + i / 251); };

  std::thread writer([&] {
    std::array<std::byte, 48> piece;
    for (std::size_t sent = 0; sent < kBytes;) {
      const std::size_t size = std::min(1 + sent % piece.size(), kBytes - sent);
      for (std::size_t i = 0; i < size; ++i) piece[i] = byte_at(sent + i);
      std::size_t done = 0;
      while (done < size) {
        const std::size_t put = ring->writer.write_some(piece.data() + done, size - done);
        if (put == 0) std::this_thread::yield();
        ring->writer.publish();
        done += put;
      }
      sent += size;
    }
  });

  std::size_t wrong = 0;
  std::array<std::byte, 40> piece;
  for (std::size_t got = 0; got < kBytes;) {
    const std::size_t size = ring->reader.read_some(piece.data(), 1 + got % piece.size());
    if (size == 0) std::this_thread::yield();
    for (std::size_t i = 0; i < size; ++i) wrong += piece[i] != byte_at(got + i);
    ring->reader.publish();
    got += size;
  }
  writer.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace poolmark::detail
