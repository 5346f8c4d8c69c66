#include "poolmark/detail/type_name.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace poolmark::detail {

std::string type_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? readable.get() : type.name();
}

std::string exception_type_name(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (...) {
    // Knows the type of everything that is thrown, an int too.
    const std::type_info* type = abi::__cxa_current_exception_type();
    return type != nullptr ? type_name(*type) : "a foreign exception";
  }
}

std::string exception_message(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& thrown) {
    return thrown.what();
  } catch (...) {
    return {};
  }
}

std::string describe_exception(const std::exception_ptr& error) {
  const std::string message = exception_message(error);
  const std::string type = exception_type_name(error);
  return message.empty() ? type : type + ": " + message;
}

}  // namespace poolmark::detail
