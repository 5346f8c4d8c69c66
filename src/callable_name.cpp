#include "poolmark/detail/callable_name.hpp"

#include <dlfcn.h>
#include <fmt/core.h>

#include "poolmark/detail/type_name.hpp"

namespace poolmark::detail {

std::string CallableName::text() const {
  if (code_ == nullptr) return type_name(*type_);
  Dl_info found = {};
  if (dladdr(code_, &found) == 0 || found.dli_sname == nullptr) {
    return fmt::format("a function {} at {}", type_name(*type_), code_);
  }
  return demangled(found.dli_sname);
}

}  // namespace poolmark::detail
