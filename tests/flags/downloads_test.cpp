#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "event.hpp"
#include "flags/images.hpp"
#include "flags/server.hpp"
#include "holdings.hpp"
#include "loopback_socket.hpp"
#include "ways.hpp"

// Downloads from a server that works, and from every kind that does not, in every way.
namespace bench::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;

constexpr flags::Latency kAtOnce{0ns, 0ns, 1};
constexpr flags::Latency kShort{1ms, 3ms, 1};

std::string url_of(const std::string& base, const std::string& code) {
  return base + "/" + flags::path_of(code);
}

template <class Way>
class Downloads : public testing::Test {
 protected:
  flags::Server server_{kShort};  // before the way's threads

  static auto submit(Way& way, const std::string& url, int timeout_ms = kPatient) {
    return way.executor.submit(Way::kGet, url, int{timeout_ms}, std::string());
  }
};
TYPED_TEST_SUITE(Downloads, AllWays, WayNames);

TYPED_TEST(Downloads, BringEveryFlagToTheLastByte) {
  TypeParam way;
  std::map<std::string, poolmark::Future<std::string>> arriving;
  for (const flags::Image& image : flags::images()) {
    arriving.emplace(image.code, this->submit(way, url_of(this->server_.base_url(), image.code)));
  }
  EXPECT_EQ(arriving.size(), 20U);
  for (const auto& [code, future] : arriving) {
    EXPECT_EQ(flags::described(future.result()), flags::described(flags::find_image(code)->bytes));
  }
}

// Every fault at once, between twenty downloads that are well.
TYPED_TEST(Downloads, NameEveryFaultAndLoseNothingElse) {
  const LoopbackSocket closed;
  const poolmark::test::NewDescriptors descriptors;
  const auto base = [&](std::string_view what) { return this->server_.base_url(what); };
  const std::string endless_name(64, 'a');  // no resolver is asked: a part of a name has 63
  const std::vector<std::pair<std::string, std::string>> faulty = {
      {"NotFound", url_of(base(flags::kNotFound), "CN")},
      {"NotFound", base(flags::kHealthy) + "/xx/xx.gif"},
      {"ServerError", url_of(base(flags::kError), "IN")},
      {"CutShort", url_of(base(flags::kCut), "US")},
      {"TimedOut", url_of(base(flags::kDrip), "ID")},
      {"TimedOut", url_of(base(flags::kSilence), "BR")},
      {"ConnectionRefused", "http://127.0.0.1:" + closed.port() + "/cn/cn.gif"},
      {"HostNotFound", "http://" + endless_name + ".invalid/cn/cn.gif"},
      {"MalformedUrl", "http://[/cn/cn.gif"},
      {"MalformedUrl", "gopher://127.0.0.1/cn/cn.gif"},
  };
  {
    TypeParam way;
    std::vector<poolmark::Future<std::string>> failing;
    std::map<std::string, poolmark::Future<std::string>> arriving;
    for (const flags::Image& image : flags::images()) {
      if (const std::size_t n = arriving.size(); n < faulty.size()) {
        const bool ends_by_itself = faulty[n].first != "TimedOut";
        failing.push_back(
            this->submit(way, faulty[n].second, ends_by_itself ? kPatient : kImpatient));
      }
      arriving.emplace(image.code, this->submit(way, url_of(base(flags::kHealthy), image.code)));
    }
    for (std::size_t n = 0; n < faulty.size(); ++n) {
      EXPECT_EQ(kind_of_outcome(failing[n]), faulty[n].first) << faulty[n].second;
      EXPECT_THAT(message_of(failing[n]), HasSubstr(faulty[n].second)) << "it names the address";
    }
    for (const auto& [code, future] : arriving) {
      EXPECT_EQ(future.result(), flags::find_image(code)->bytes) << code;
    }
  }
  if constexpr (!std::is_same_v<TypeParam, Sequential>) {
    EXPECT_EQ(descriptors.count(), 0) << "connections go with the executor that made them";
  }
}

TYPED_TEST(Downloads, SayWhatWasWrong) {
  TypeParam way;
  const auto message = [&](const std::string& url, int timeout_ms) {
    return message_of(this->submit(way, url, timeout_ms));
  };
  EXPECT_THAT(message(url_of(this->server_.base_url(flags::kSilence), "CN"), kImpatient),
              HasSubstr("there was no whole answer within 200ms"));
  const std::size_t half = flags::find_image("US")->bytes.size() / 2;
  EXPECT_THAT(message(url_of(this->server_.base_url(flags::kCut), "US"), kPatient),
              HasSubstr("the connection ended within the answer, after " + std::to_string(half)));
  EXPECT_THAT(message(url_of(this->server_.base_url(flags::kError), "US"), kPatient),
              HasSubstr("the server answered 500"));
}

// ---- on an event loop alone
// ----------------------------------------------------------------------------------------

TEST(LoopDownloads, AreManyAtOnceInOneThread) {
  constexpr int kMany = 200;
  const flags::Server server(kAtOnce);
  poolmark::AsyncExecutor executor;
  std::vector<poolmark::Future<std::string>> arriving;
  for (int i = 0; i < kMany; ++i) {
    arriving.push_back(executor.submit(get_on_loop, url_of(server.base_url(), "JP"), int{kPatient},
                                       std::string()));
  }
  for (const auto& future : arriving) {
    EXPECT_EQ(future.result(), flags::find_image("JP")->bytes);
  }
}

/// Sets the event when it begins, then waits for an answer that does not come.
poolmark::Coroutine<std::string> get_silence(std::string url, poolmark::test::EventName begun) {
  auto silence = http::fetch_on_loop(request_of(std::move(url), kPatient, ""));
  begun.set();
  co_return co_await silence;
}

TEST(LoopDownloads, EndWhenTheirTaskIsCancelled) {
  const flags::Server server(kAtOnce);
  const poolmark::test::Event begun;
  const poolmark::test::NewDescriptors descriptors;
  {
    poolmark::AsyncExecutor executor;
    auto silent =
        executor.submit(get_silence, url_of(server.base_url(flags::kSilence), "CN"), begun.name());
    begun.wait();
    EXPECT_TRUE(silent.cancel());
    EXPECT_TRUE(silent.cancelled());
    EXPECT_EQ(
        executor.submit(get_on_loop, url_of(server.base_url(), "VN"), int{kPatient}, std::string())
            .result(),
        flags::find_image("VN")->bytes);
  }
  EXPECT_EQ(descriptors.count(), 0);
}

TEST(LoopDownloads, MayHaveATimeLimitAround) {
  const flags::Server server(kAtOnce);
  poolmark::AsyncExecutor executor;
  const auto limited = [](std::string url) -> poolmark::Coroutine<std::string> {
    co_return co_await poolmark::with_timeout(
        20ms, http::fetch_on_loop(request_of(std::move(url), kPatient, "")));
  };
  EXPECT_THROW(executor.submit(limited, url_of(server.base_url(flags::kSilence), "CN")).result(),
               poolmark::TimeoutError);
}

TEST(LoopDownloads, NeedALoop) { EXPECT_THROW(http::LoopClient::of_this_loop(), std::logic_error); }

/// The process may open so many files beyond those that are open, as long as this lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(int more) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(STDERR_FILENO);
    close(next);
    const rlimit less{static_cast<rlim_t>(next + more), before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &less), 0);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(LoopDownloads, SayThatThereAreNoDescriptors) {
  const flags::Server server(kShort);
  poolmark::AsyncExecutor executor;
  const auto get_flag = [&] {
    return executor.submit(get_on_loop, url_of(server.base_url(), "JP"), int{kPatient},
                           std::string());
  };
  EXPECT_EQ(get_flag().result(), flags::find_image("JP")->bytes);

  std::vector<poolmark::Future<std::string>> tried;
  {
    const FewDescriptors few(4);
    for (int i = 0; i < 30; ++i) tried.push_back(get_flag());
    poolmark::wait(tried);
  }  // a sanitizer needs descriptors to look at what was thrown
  int arrived = 0;
  for (const auto& future : tried) {
    if (kind_of_outcome(future) == "none") {
      ++arrived;
      continue;
    }
    EXPECT_EQ(kind_of_outcome(future), "OutOfDescriptors") << message_of(future);
    EXPECT_THAT(message_of(future), AllOf(HasSubstr("ulimit -n"), HasSubstr("fewer downloads")));
  }
  EXPECT_GE(arrived, 1);
  EXPECT_LT(arrived, 30);
}

// ---- the server
// ----------------------------------------------------------------------------------------------------

TEST(FlagsServer, EndsWithItsObjectAndLeavesNoProcess) {
  const poolmark::test::NewDescriptors descriptors;
  pid_t pid = 0;
  {
    const flags::Server server;
    pid = server.pid();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1) << "it was waited for, so its id is nobody's";
  EXPECT_EQ(descriptors.count(), 0);
}

TEST(FlagsServer, EndsAlsoWhileSomebodyWaitsForIt) {
  auto server = std::make_unique<flags::Server>(kAtOnce);
  const poolmark::test::Event begun;
  poolmark::AsyncExecutor executor;
  const auto silent =
      executor.submit(get_silence, url_of(server->base_url(flags::kSilence), "CN"), begun.name());
  begun.wait();
  server.reset();
  EXPECT_THAT(kind_of_outcome(silent), AnyOf("CutShort", "ConnectionRefused"))
      << "it may not have asked yet";
}

TEST(FlagsServer, IsAProgramForOthersToo) {
  const std::string server = POOLMARK_FLAGS_SERVER;
  const Said served = run_command(server + " 1ms");
  EXPECT_EQ(served.status, 0);
  EXPECT_THAT(served.text, testing::StartsWith("http://127.0.0.1:"));
  const Said turned_round = run_command(server + " 2ms..1ms");
  EXPECT_EQ(turned_round.status, 2);
  EXPECT_THAT(turned_round.text, HasSubstr("LATENCY: '2ms..1ms' begins with the longer time"));
  const Said unknown = run_command(server + " --port");
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.text, testing::StartsWith("usage: "));
}

TEST(FlagsServer, KeepsTheConnection) {
  const flags::Server server(kAtOnce);
  http::Transfer transfer;
  for (const long connects : {1L, 0L, 0L}) {
    transfer.prepare(request_of(url_of(server.base_url(), "DE"), kPatient, ""));
    EXPECT_EQ(transfer.take(curl_easy_perform(transfer.handle())), flags::find_image("DE")->bytes);
    long made = -1;
    curl_easy_getinfo(transfer.handle(), CURLINFO_NUM_CONNECTS, &made);
    EXPECT_EQ(made, connects);
  }
}

TEST(FlagsServer, IsOneOfSeveral) {
  const flags::Server one(kAtOnce);
  const flags::Server two(kAtOnce);
  EXPECT_NE(one.base_url(), two.base_url());
  EXPECT_EQ(get(url_of(one.base_url(), "FR"), kPatient, ""), flags::find_image("FR")->bytes);
  EXPECT_EQ(get(url_of(two.base_url(), "FR"), kPatient, ""), flags::find_image("FR")->bytes);
}

}  // namespace
}  // namespace bench::test
