#include "poolmark/detail/callable_name.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <fmt/core.h>

#include <cstdlib>
#include <memory>

#include "poolmark/detail/type_name.hpp"

namespace poolmark::detail {

std::string CallableName::text() const {
  if (code_ == nullptr) return type_name(*type_);
  Dl_info found = {};
  if (dladdr(code_, &found) == 0 || found.dli_sname == nullptr) {
    return fmt::format("a function {} at {}", type_name(*type_), code_);
  }
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(found.dli_sname, nullptr, nullptr, &status), &std::free);
  return status == 0 ? readable.get() : found.dli_sname;
}

}  // namespace poolmark::detail
