#include "http/errors.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

namespace bench::http {
namespace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : name;
}

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
  } catch (const std::exception& known) {
    return without_namespaces(demangled(typeid(known).name()));
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace bench::http
