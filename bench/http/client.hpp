#pragma once

#include <string>

#include "http/transfer.hpp"

namespace bench::http {

/// The body. Blocks until it is there; any thread, and each keeps a connection for its next call.
/// Throws DownloadError.
std::string fetch(const Request& request);

}  // namespace bench::http
