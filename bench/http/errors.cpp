#include "http/errors.hpp"

#include "poolmark/detail/type_name.hpp"

namespace bench::http {
namespace {

std::string without_namespaces(const std::string& name) {
  const std::size_t last = name.rfind("::");
  return last == std::string::npos ? name : name.substr(last + 2);
}

}  // namespace

std::string kind_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const poolmark::RemoteError& remote) {
    return without_namespaces(remote.type_name);
  } catch (...) {
    return without_namespaces(poolmark::detail::exception_type_name(error));
  }
}

}  // namespace bench::http
