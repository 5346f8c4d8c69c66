#pragma once

#include <exception>
#include <string>

#include "poolmark/errors.hpp"

/// Why a download failed, one class each. From a worker process they arrive as a
/// poolmark::RemoteError that names the class; kind_of() gives the same word for both.
namespace bench::http {

class DownloadError : public poolmark::Error {
 public:
  using poolmark::Error::Error;
};

/// No URL, or one that is neither http nor https.
class MalformedUrl : public DownloadError {
 public:
  using DownloadError::DownloadError;
};

class HostNotFound : public DownloadError {
 public:
  using DownloadError::DownloadError;
};

/// Nobody listens at the port.
class ConnectionRefused : public DownloadError {
 public:
  using DownloadError::DownloadError;
};

/// Who answered cannot prove who he is.
class CertificateRefused : public DownloadError {
 public:
  using DownloadError::DownloadError;
};

class TimedOut : public DownloadError {
 public:
  using DownloadError::DownloadError;
};

/// The connection ended before the answer did.
class CutShort : public DownloadError {
 public:
  using DownloadError::DownloadError;
};

/// 404.
class NotFound : public DownloadError {
 public:
  using DownloadError::DownloadError;
};

/// 500 and above.
class ServerError : public DownloadError {
 public:
  using DownloadError::DownloadError;
};

/// This process may open no more files.
class OutOfDescriptors : public DownloadError {
 public:
  using DownloadError::DownloadError;
};

/// Anything else; the message has libcurl's words.
class TransferFailed : public DownloadError {
 public:
  using DownloadError::DownloadError;
};

/// The name of the exception's class without its namespaces, also of one that was thrown in a
/// worker process.
std::string kind_of(const std::exception_ptr& error);

}  // namespace bench::http
