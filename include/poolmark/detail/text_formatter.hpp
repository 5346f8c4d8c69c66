#pragma once

#include <fmt/core.h>

#include <string_view>

namespace poolmark::detail {

/// What the formatters of types with a text of their own begin with: width and alignment are those
/// of strings. It holds a formatter of strings and is none, because fmt quotes strings in a range.
class TextFormatter {
 public:
  template <class Context>
  constexpr auto parse(Context& context) {
    return strings_.parse(context);
  }

 protected:
  template <class Context>
  auto write(std::string_view text, Context& context) const {
    return strings_.format(text, context);
  }

 private:
  fmt::formatter<std::string_view> strings_;
};

}  // namespace poolmark::detail
