#include "http/transfer.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "descriptors.hpp"
#include "http/errors.hpp"

namespace bench::http {
namespace {

constexpr std::size_t kLongestBody = std::size_t{64} << 20;
constexpr long kMostRedirects = 5;
constexpr long kNotFoundStatus = 404;
constexpr long kFirstErrorStatus = 400;
constexpr long kFirstServerErrorStatus = 500;
// Flags are small, and thousands of transfers have a buffer each.
constexpr long kBufferBytes = 4096;

/// libcurl wants to be told once, before there is a second thread that uses it.
void begin_with_curl() {
  static const CURLcode begun = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (begun != CURLE_OK) {
    throw std::runtime_error(fmt::format("libcurl cannot begin: {}", curl_easy_strerror(begun)));
  }
}

}  // namespace

Transfer::Transfer() {
  begin_with_curl();
  curl_.reset(curl_easy_init());
  if (!curl_) throw std::runtime_error("libcurl gives no handle: there is too little memory");
}

void Transfer::prepare(const Request& request) {
  url_ = request.url;
  timeout_ = request.timeout;
  body_.clear();
  is_too_long_ = is_out_of_descriptors_ = false;
  said_.front() = '\0';

  CURL* const curl = curl_.get();
  curl_easy_reset(curl);  // keeps connections
  curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_.count()));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // its alarm would be the whole process's
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "poolmark");
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kBufferBytes);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said_.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::add_to_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
  if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
}

std::string Transfer::take(CURLcode ended) {
  if (ended != CURLE_OK) fail(ended);
  refuse_status();
  return std::exchange(body_, {});
}

std::size_t Transfer::add_to_body(char* bytes, std::size_t size, std::size_t count, void* self) {
  Transfer& transfer = *static_cast<Transfer*>(self);
  transfer.is_too_long_ = transfer.body_.size() + size * count > kLongestBody;
  if (transfer.is_too_long_) return 0;
  transfer.body_.append(bytes, size * count);
  return size * count;
}

curl_socket_t Transfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  const int opened = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (opened < 0 && (errno == EMFILE || errno == ENFILE)) {
    static_cast<Transfer*>(self)->is_out_of_descriptors_ = true;
  }
  return opened < 0 ? CURL_SOCKET_BAD : opened;
}

void Transfer::fail(CURLcode ended) const {
  const std::string why = said_.front() != '\0' ? said_.data() : curl_easy_strerror(ended);
  if (is_out_of_descriptors_) {
    throw OutOfDescriptors(fmt::format(
        "{}: no descriptor is left for a connection: this process may have {} (ulimit -n): allow "
        "it more, or have fewer downloads under way at once",
        url_, allowed_descriptors()));
  }
  if (is_too_long_) {
    throw TransferFailed(
        fmt::format("{}: the answer is longer than {} MiB", url_, kLongestBody >> 20));
  }
  switch (ended) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      throw MalformedUrl(fmt::format(
          "'{}' cannot be fetched ({}): give an address such as http://127.0.0.1:8000/flags", url_,
          why));
    case CURLE_COULDNT_RESOLVE_HOST:
      throw HostNotFound(
          fmt::format("{}: {}: check the name, and that there is a network", url_, why));
    case CURLE_COULDNT_CONNECT:
      throw ConnectionRefused(
          fmt::format("{}: {}: is the server running, and is this its port?", url_, why));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      throw CertificateRefused(fmt::format(
          "{}: {}: name the certificate that vouches for the server, if you trust it", url_, why));
    case CURLE_OPERATION_TIMEDOUT:
      throw TimedOut(fmt::format("{}: there was no whole answer within {}", url_, timeout_));
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
      throw CutShort(fmt::format("{}: the connection ended within the answer, after {} bytes ({})",
                                 url_, body_.size(), why));
    default:
      throw TransferFailed(fmt::format("{}: {}", url_, why));
  }
}

void Transfer::refuse_status() const {
  long status = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status < kFirstErrorStatus) return;
  const std::string message = fmt::format("{}: the server answered {}", url_, status);
  if (status == kNotFoundStatus) throw NotFound(message);
  if (status >= kFirstServerErrorStatus) throw ServerError(message);
  throw TransferFailed(message);
}

}  // namespace bench::http
