#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "fake_suite.hpp"
#include "files.hpp"
#include "flags/images.hpp"
#include "loopback_socket.hpp"
#include "program.hpp"
#include "ways.hpp"

// The same downloads from a server that is not ours.
namespace bench::test {
namespace {

using nlohmann::json;
using poolmark::harness::detail::json_of;
using poolmark::harness::detail::Program;
using poolmark::harness::detail::TemporaryFolder;
using testing::HasSubstr;

/// nginx with the flags, over HTTP and over HTTPS with a certificate that it has signed itself. Its
/// sockets are made here and inherited by it, as when it is exchanged for a new version: nobody has
/// to wait until it listens, and no other program can take its ports.
class Nginx {
 public:
  Nginx() {
    // Its workers are nobody's, if root has started it.
    std::filesystem::permissions(
        folder_.path(), std::filesystem::perms::others_read | std::filesystem::perms::others_exec,
        std::filesystem::perm_options::add);
    for (const flags::Image& image : flags::images()) {
      const std::filesystem::path file = folder_ / "flags" / flags::path_of(image.code);
      std::filesystem::create_directories(file.parent_path());
      std::filesystem::copy(std::filesystem::path(POOLMARK_IMAGES) / file.filename(), file);
    }
    http_.listen();
    https_.listen();
    make_certificate();
    write_configuration();
    start();
  }
  Nginx(const Nginx&) = delete;
  Nginx& operator=(const Nginx&) = delete;
  ~Nginx() {
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(pid_, &status, 0);
    EXPECT_EQ(status, 0) << content_of(folder_ / "words");
  }

  std::string http_url() const { return "http://127.0.0.1:" + http_.port() + "/flags"; }
  std::string https_url() const { return "https://127.0.0.1:" + https_.port() + "/flags"; }
  std::string certificate() const { return folder_ / "certificate.pem"; }

 private:
  void make_certificate() const {
    const std::string command = std::string(POOLMARK_OPENSSL) +
                                " req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=poolmark"
                                " -addext subjectAltName=IP:127.0.0.1 -keyout " +
                                (folder_ / "key.pem").string() + " -out " + certificate() + " 2> " +
                                (folder_ / "openssl.words").string();
    ASSERT_EQ(std::system(command.c_str()), 0) << content_of(folder_ / "openssl.words");
  }

  void write_configuration() const {
    std::string text = content_of(POOLMARK_NGINX_CONFIGURATION);
    text = std::regex_replace(text, std::regex("127.0.0.1:PORT"), "127.0.0.1:" + http_.port());
    text = std::regex_replace(text, std::regex("127.0.0.1:TLS_PORT"), "127.0.0.1:" + https_.port());
    std::ofstream(folder_ / "nginx.conf") << text;
  }

  void start() {
    const std::string prefix = folder_.path().string() + "/";
    const std::string configuration = folder_ / "nginx.conf";
    const std::string words = folder_ / "words";
    const std::string sockets = "NGINX=" + std::to_string(http_.descriptor()) + ";" +
                                std::to_string(https_.descriptor()) + ";";
    const char* const arguments[] = {POOLMARK_NGINX,        "-p", prefix.c_str(), "-c",
                                     configuration.c_str(), "-e", "stderr",       nullptr};
    const char* const environment[] = {sockets.c_str(), nullptr};
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // upon which it ends its workers
    fcntl(http_.descriptor(), F_SETFD, 0);
    fcntl(https_.descriptor(), F_SETFD, 0);
    dup2(open(words.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    execve(POOLMARK_NGINX, const_cast<char* const*>(arguments),
           const_cast<char* const*>(environment));
    _exit(127);
  }

  TemporaryFolder folder_;
  LoopbackSocket http_;
  LoopbackSocket https_;
  pid_t pid_ = -1;
};

template <class Way>
class FromNginx : public testing::Test {
 protected:
  Nginx nginx_;

  /// Each flag, by the way of the test.
  std::vector<poolmark::Future<std::string>> get_all(Way& way, const std::string& base,
                                                     const std::string& ca_file) {
    std::vector<poolmark::Future<std::string>> arriving;
    for (const flags::Image& image : flags::images()) {
      arriving.push_back(way.executor.submit(Way::kGet, base + "/" + flags::path_of(image.code),
                                             int{kPatient}, std::string(ca_file)));
    }
    return arriving;
  }
};
TYPED_TEST_SUITE(FromNginx, AllWays, WayNames);

TYPED_TEST(FromNginx, TheSameBytesCome) {
  TypeParam way;
  for (const auto& [base, ca_file] :
       {std::pair(this->nginx_.http_url(), std::string()),
        std::pair(this->nginx_.https_url(), this->nginx_.certificate())}) {
    const auto arriving = this->get_all(way, base, ca_file);
    for (std::size_t i = 0; i < arriving.size(); ++i) {
      EXPECT_EQ(flags::described(arriving[i].result()), flags::described(flags::images()[i].bytes))
          << base;
    }
  }
}

TYPED_TEST(FromNginx, ACertificateThatNobodyVouchesForIsRefused) {
  TypeParam way;
  for (const auto& future : this->get_all(way, this->nginx_.https_url(), "")) {
    EXPECT_EQ(kind_of_outcome(future), "CertificateRefused") << message_of(future);
    EXPECT_THAT(message_of(future), HasSubstr("name the certificate that vouches"));
  }
}

TEST(ProgramFromNginx, HasTheSameChecksums) {
  const Nginx nginx;
  const TemporaryFolder folder;
  for (const auto& source :
       {std::vector<std::string>{"--base-url=" + nginx.http_url()},
        {"--base-url=" + nginx.https_url(), "--ca-file=" + nginx.certificate()}}) {
    std::vector<std::string> arguments = source;
    arguments.insert(arguments.end(), {"--workers=4", "--benchmark_repetitions=2",
                                       "--benchmark_out=" + (folder / "out.json").string()});
    Program program(POOLMARK_FLAGS, arguments, folder / "words");
    EXPECT_EQ(program.wait(), 0) << content_of(folder / "words");
    EXPECT_EQ(json_of(folder / "out.json")["failures"], json::array());
  }
}

}  // namespace
}  // namespace bench::test
