#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <system_error>
#include <vector>

#include "async/coroutines.hpp"

// The event loop under an executor: calls, timers, descriptors. "Event Loop" of Python's asyncio
// documentation.
namespace poolmark::test {
namespace {

/// Two connected sockets, closed in the end.
class SocketPair {
 public:
  SocketPair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  ~SocketPair() {
    for (const int end : ends_) close(end);
  }
  int ours() const noexcept { return ends_[0]; }
  int theirs() const noexcept { return ends_[1]; }
  void send_byte(char byte) const { EXPECT_EQ(write(theirs(), &byte, 1), 1); }
  char receive_byte() const {
    char byte = 0;
    EXPECT_EQ(read(ours(), &byte, 1), 1);
    return byte;
  }

 private:
  std::array<int, 2> ends_{};
};

/// Runs it on the loop, and waits until it has been.
template <class F>
void on(AsyncExecutor& executor, F function) {
  executor.submit(function).result();
}

TEST(EventLoop, CallsSoonInTheOrderOfTheCalls) {
  std::vector<int> order;
  AsyncExecutor executor;
  executor.submit(doubled, 1).result();
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(executor.loop().call_soon([&order, i] { order.push_back(i); }));
  }
  executor.shutdown();
  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(EventLoop, CallsAtItsEndTheLastFirst) {
  std::vector<int> order;
  {
    AsyncExecutor executor;
    on(executor, [&] {
      EventLoop& loop = *EventLoop::of_this_thread();
      loop.call_at_end([&] { order.push_back(1); });
      loop.call_at_end([&, &at = loop] {
        order.push_back(2);
        at.call_at_end([&] { order.push_back(3); });
      });
    });
    EXPECT_THAT(order, testing::IsEmpty()) << "it goes on";
    executor.submit(doubled, 1).result();
    EXPECT_THAT(order, testing::IsEmpty());
  }
  EXPECT_THAT(order, testing::ElementsAre(2, 3, 1));
}

TEST(EventLoop, LetsDescriptorsBeRemovedAtItsEnd) {
  const SocketPair sockets;
  {
    AsyncExecutor executor;
    on(executor, [&] {
      EventLoop& loop = *EventLoop::of_this_thread();
      loop.add_reader(sockets.ours(), [] {});
      loop.call_at_end([&, &at = loop] {
        EXPECT_EQ(EventLoop::of_this_thread(), &at);
        at.remove_reader(sockets.ours());
      });
    });
  }
  sockets.send_byte('x');
  EXPECT_EQ(sockets.receive_byte(), 'x') << "it is still the test's";
}

TEST(EventLoop, KnowsItsThread) {
  AsyncExecutor executor;
  EXPECT_EQ(EventLoop::of_this_thread(), nullptr);
  EXPECT_EQ(executor.submit([] { return EventLoop::of_this_thread(); }).result(), &executor.loop());
}

TEST(EventLoop, TakesNothingWhenItHasEnded) {
  AsyncExecutor executor;
  executor.submit(doubled, 1).result();
  executor.shutdown();
  EXPECT_FALSE(executor.loop().call_soon([] {}));
}

TEST(EventLoop, CallsLater) {
  std::vector<int> order;
  Gate called;
  AsyncExecutor executor;
  on(executor, [&] {
    executor.loop().call_later(2ms, [&] {
      order.push_back(2);
      called.open();
    });
    executor.loop().call_later(1ms, [&] { order.push_back(1); });
    executor.loop().call_later(-1s, [&] { order.push_back(0); });
  });
  called.opened().result();
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2));
}

TEST(EventLoop, ForgetsATimerThatIsCancelled) {
  bool has_come = false;
  AsyncExecutor executor;
  on(executor, [&] {
    auto timer = executor.loop().call_later(0s, [&] { has_come = true; });
    timer.cancel();
    timer.cancel();
  });
  executor.submit(sleep, 1ms).result();
  executor.shutdown();
  EXPECT_FALSE(has_come);
}

TEST(EventLoop, TellsOfADescriptorAsLongAsItIsReady) {
  const SocketPair pair;
  std::string read;
  Gate done;
  AsyncExecutor executor;
  on(executor, [&] {
    executor.loop().add_reader(pair.ours(), [&] {
      read.push_back(pair.receive_byte());  // one of two: it stays readable
      if (read.size() != 3) return;
      executor.loop().remove_reader(pair.ours());
      done.open();
    });
  });
  pair.send_byte('a');
  pair.send_byte('b');
  pair.send_byte('c');
  done.opened().result();
  EXPECT_EQ(read, "abc");
}

TEST(EventLoop, TellsOfBothDirections) {
  const SocketPair pair;
  Gate readable;
  Gate writable;
  AsyncExecutor executor;
  EventLoop& loop = executor.loop();
  on(executor, [&] {
    loop.add_reader(pair.ours(), [&] {
      loop.remove_reader(pair.ours());
      readable.open();
    });
    loop.add_writer(pair.ours(), [&] {
      loop.remove_writer(pair.ours());
      writable.open();
    });
  });
  writable.opened().result();
  pair.send_byte('x');
  readable.opened().result();
}

TEST(EventLoop, ForgetsADescriptorThatIsRemovedAndClosed) {
  AsyncExecutor executor;
  EventLoop& loop = executor.loop();
  // The kernel gives the second pair the numbers of the first.
  for (int i = 0; i < 3; ++i) {
    const SocketPair pair;
    Gate readable;
    on(executor, [&] {
      loop.add_reader(pair.ours(), [&] {
        loop.remove_reader(pair.ours());
        readable.open();
      });
    });
    pair.send_byte('x');
    readable.opened().result();
  }
}

TEST(EventLoop, WatchesAnotherDescriptorOfTheSameNumber) {
  const SocketPair first;
  const SocketPair second;
  const int number = fcntl(first.ours(), F_DUPFD_CLOEXEC, 0);
  Gate readable;
  AsyncExecutor executor;
  EventLoop& loop = executor.loop();
  on(executor, [&] {
    loop.add_reader(number, [&] {
      loop.remove_reader(number);
      dup2(second.ours(), number);
      loop.add_reader(number, [&] {
        loop.remove_reader(number);
        readable.open();
      });
    });
  });
  first.send_byte('x');
  second.send_byte('x');
  readable.opened().result();
  close(number);
}

TEST(EventLoop, ReplacesACallback) {
  const SocketPair pair;
  Gate second;
  AsyncExecutor executor;
  EventLoop& loop = executor.loop();
  on(executor, [&] {
    loop.add_reader(pair.ours(), [] { ADD_FAILURE() << "it was replaced"; });
    loop.add_reader(pair.ours(), [&] {
      loop.remove_reader(pair.ours());
      second.open();
    });
  });
  pair.send_byte('x');
  second.opened().result();
}

TEST(EventLoop, TellsOfTheOtherEndBeingClosed) {
  const SocketPair pair;
  Gate closed;
  AsyncExecutor executor;
  EventLoop& loop = executor.loop();
  on(executor, [&] {
    loop.add_reader(pair.ours(), [&] {
      loop.remove_reader(pair.ours());
      closed.open();
    });
  });
  ::shutdown(pair.theirs(), SHUT_RDWR);
  closed.opened().result();
}

TEST(EventLoop, RefusesWhatCannotBeWatched) {
  AsyncExecutor executor;
  on(executor, [&] {
    const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    EXPECT_THROW_WITH(executor.loop().add_reader(file, [] {}), std::system_error, "regular file");
    close(file);
    EXPECT_THROW_WITH(executor.loop().add_reader(file, [] {}), std::system_error,
                      "cannot watch this descriptor");
    executor.loop().remove_reader(file);
  });
}

TEST(EventLoop, SurvivesWhatACallbackThrows) {
  AsyncExecutor executor;
  ::testing::internal::CaptureStderr();
  on(executor, [&] { executor.loop().call_soon([] { throw std::out_of_range("a callback"); }); });
  executor.shutdown();
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              ::testing::HasSubstr("std::out_of_range: a callback"));
}

}  // namespace
}  // namespace poolmark::test
