#pragma once

#include <string>
#include <type_traits>
#include <typeinfo>

namespace poolmark::detail {

/// What a callable is called: of a function its name, where the program's symbols tell it; of every
/// other callable its type.
class CallableName {
 public:
  template <class F>
  static CallableName of(const F& callable) noexcept {
    CallableName name(typeid(F));
    if constexpr (std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>) {
      name.code_ = reinterpret_cast<const void*>(callable);
    }
    return name;
  }

  std::string text() const;

 private:
  explicit CallableName(const std::type_info& type) noexcept : type_(&type) {}

  const std::type_info* type_;
  const void* code_ = nullptr;
};

}  // namespace poolmark::detail
