#include "http/client.hpp"

namespace bench::http {

std::string fetch(const Request& request) {
  thread_local Transfer transfer;
  transfer.prepare(request);
  return transfer.take(curl_easy_perform(transfer.handle()));
}

}  // namespace bench::http
