#pragma once

#include <exception>
#include <string>
#include <typeinfo>

namespace poolmark::detail {

/// A name of the linker's as it stands in the source; the same if it is none of C++.
std::string demangled(const char* symbol);

/// The type as a programmer writes it: `std::vector<int>`.
std::string type_name(const std::type_info& type);

/// The dynamic type of what was thrown; also of things that are no std::exception.
std::string exception_type_name(const std::exception_ptr& error);

/// The message of what was thrown; empty if it has none.
std::string exception_message(const std::exception_ptr& error);

/// "std::out_of_range: no such flag".
std::string describe_exception(const std::exception_ptr& error);

}  // namespace poolmark::detail
