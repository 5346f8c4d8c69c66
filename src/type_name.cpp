#include "poolmark/detail/type_name.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string_view>

namespace poolmark::detail {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
  }
}

/// One past the `>` that closes the `<` before `begin`.
std::size_t end_of_arguments(std::string_view text, std::size_t begin) {
  int open = 1;
  while (begin < text.size() && open != 0) {
    open += text[begin] == '<' ? 1 : text[begin] == '>' ? -1 : 0;
    ++begin;
  }
  return begin;
}

/// Without what nobody writes: default arguments of the standard templates, inline namespaces.
std::string as_written(std::string text) {
  for (const std::string_view versioned : {"std::__cxx11::", "std::__1::"}) {
    replace_all(text, versioned, "std::");
  }
  for (const std::string_view unsaid :
       {", std::allocator<", ", std::char_traits<", ", std::default_delete<", ", std::less<",
        ", std::hash<", ", std::equal_to<"}) {
    for (auto at = text.find(unsaid); at != std::string::npos; at = text.find(unsaid, at)) {
      text.erase(at, end_of_arguments(text, at + unsaid.size()) - at);
    }
  }
  replace_all(text, " >", ">");
  replace_all(text, "std::basic_string<char>", "std::string");
  replace_all(text, "std::basic_string_view<char>", "std::string_view");
  return text;
}

}  // namespace

std::string demangled(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free);
  return status == 0 ? as_written(readable.get()) : symbol;
}

std::string type_name(const std::type_info& type) { return demangled(type.name()); }

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
