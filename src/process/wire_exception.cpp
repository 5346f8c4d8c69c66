#include <any>
#include <array>
#include <functional>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeindex>
#include <variant>

#include "poolmark/detail/type_name.hpp"
#include "poolmark/wire.hpp"

// Exceptions on their way between processes. One that is exactly of a type listed here arrives as
// itself; a type derived from one of them would lose its own part, so it becomes a RemoteError that
// names it.
namespace poolmark::detail {
namespace {

enum class Form : std::uint8_t {
  kListed,  // of the table below: its index, and a message
  kSystemError,
  kTimeoutError,
  kWorkerDied,
  kRemoteError,
  kDeadlineExceeded,
};

enum class Category : std::uint8_t { kGeneric, kSystem };

struct ListedType {
  const std::type_info* type;
  std::exception_ptr (*make)(const std::string& message);
};

template <class E>
ListedType made_from_message() {
  return {&typeid(E),
          [](const std::string& message) { return std::make_exception_ptr(E(message)); }};
}

template <class E>
ListedType made_from_nothing() {
  return {&typeid(E), [](const std::string&) { return std::make_exception_ptr(E()); }};
}

const auto& listed_types() {
  static const std::array kTypes{
      made_from_message<std::runtime_error>(),
      made_from_message<std::logic_error>(),
      made_from_message<std::invalid_argument>(),
      made_from_message<std::domain_error>(),
      made_from_message<std::length_error>(),
      made_from_message<std::out_of_range>(),
      made_from_message<std::range_error>(),
      made_from_message<std::overflow_error>(),
      made_from_message<std::underflow_error>(),
      made_from_message<Error>(),
      made_from_message<CancelledError>(),
      made_from_message<InvalidStateError>(),
      made_from_message<ShutdownError>(),
      made_from_message<DeadlockError>(),
      made_from_message<BrokenExecutor>(),
      made_from_message<BrokenThreadPool>(),
      made_from_message<BrokenProcessPool>(),
      made_from_nothing<std::exception>(),
      made_from_nothing<std::bad_exception>(),
      made_from_nothing<std::bad_alloc>(),
      made_from_nothing<std::bad_array_new_length>(),
      made_from_nothing<std::bad_cast>(),
      made_from_nothing<std::bad_typeid>(),
      made_from_nothing<std::bad_any_cast>(),
      made_from_nothing<std::bad_function_call>(),
      made_from_nothing<std::bad_optional_access>(),
      made_from_nothing<std::bad_variant_access>(),
      made_from_nothing<std::bad_weak_ptr>(),
  };
  return kTypes;
}

void put_optional(WireWriter& to, const std::optional<int>& value) {
  to.put_raw(static_cast<std::uint8_t>(value.has_value()));
  to.put_raw(value.value_or(0));
}

std::optional<int> get_optional(WireReader& from) {
  const bool present = from.get_raw<std::uint8_t>() != 0;
  const int value = from.get_raw<int>();
  return present ? std::optional(value) : std::nullopt;
}

bool put_listed(WireWriter& to, const std::exception& error) {
  const auto& types = listed_types();
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (*types[i].type != typeid(error)) continue;
    to.put_raw(Form::kListed);
    to.put_raw(static_cast<std::uint8_t>(i));
    to.put_string(error.what());
    return true;
  }
  return false;
}

std::exception_ptr get_listed(WireReader& from) {
  const std::size_t index = from.get_raw<std::uint8_t>();
  if (index >= listed_types().size()) {
    throw Error("the bytes of an exception from another process name no type that is known here");
  }
  return listed_types()[index].make(from.get_string());
}

bool put_system_error(WireWriter& to, const std::exception& thrown) {
  if (typeid(thrown) != typeid(std::system_error)) return false;
  const auto& error = static_cast<const std::system_error&>(thrown);
  const bool generic = error.code().category() == std::generic_category();
  if (!generic && error.code().category() != std::system_category()) return false;

  // what() is "text: message of the code", and the constructor will add the message again.
  std::string text = error.what();
  const std::string suffix = error.code().message();
  if (text.ends_with(": " + suffix)) {
    text.resize(text.size() - suffix.size() - 2);
  } else if (text == suffix) {
    text.clear();
  }
  to.put_raw(Form::kSystemError);
  to.put_raw(generic ? Category::kGeneric : Category::kSystem);
  to.put_raw(error.code().value());
  to.put_string(text);
  return true;
}

std::exception_ptr get_system_error(WireReader& from) {
  const bool generic = from.get_raw<Category>() == Category::kGeneric;
  const int value = from.get_raw<int>();
  const std::string text = from.get_string();
  const std::error_code code(value, generic ? std::generic_category() : std::system_category());
  return std::make_exception_ptr(text.empty() ? std::system_error(code)
                                              : std::system_error(code, text));
}

bool put_timeout_error(WireWriter& to, const std::exception& thrown) {
  if (typeid(thrown) != typeid(TimeoutError)) return false;
  const auto& error = static_cast<const TimeoutError&>(thrown);
  to.put_raw(Form::kTimeoutError);
  to.put_string(error.what());
  to.put_raw(error.unfinished);
  to.put_raw(error.total);
  return true;
}

std::exception_ptr get_timeout_error(WireReader& from) {
  TimeoutError error(from.get_string());
  error.unfinished = from.get_raw<std::size_t>();
  error.total = from.get_raw<std::size_t>();
  return std::make_exception_ptr(error);
}

bool put_worker_died(WireWriter& to, const std::exception& thrown) {
  if (typeid(thrown) != typeid(WorkerDied)) return false;
  const auto& error = static_cast<const WorkerDied&>(thrown);
  to.put_raw(Form::kWorkerDied);
  to.put_string(error.what());
  to.put_raw(error.pid);
  put_optional(to, error.signal);
  put_optional(to, error.exit_code);
  to.put_string(error.doing);
  to.put_raw(error.cpu_time.count());
  to.put_raw(error.peak_memory);
  to.put_raw(error.ordered);
  to.put_raw(error.probably_out_of_memory);
  return true;
}

std::exception_ptr get_worker_died(WireReader& from) {
  WorkerDied error(from.get_string());
  error.pid = from.get_raw<int>();
  error.signal = get_optional(from);
  error.exit_code = get_optional(from);
  error.doing = from.get_string();
  error.cpu_time = std::chrono::nanoseconds(from.get_raw<std::chrono::nanoseconds::rep>());
  error.peak_memory = from.get_raw<std::size_t>();
  error.ordered = from.get_raw<bool>();
  error.probably_out_of_memory = from.get_raw<bool>();
  return std::make_exception_ptr(error);
}

bool put_deadline_exceeded(WireWriter& to, const std::exception& thrown) {
  if (typeid(thrown) != typeid(DeadlineExceeded)) return false;
  const auto& error = static_cast<const DeadlineExceeded&>(thrown);
  to.put_raw(Form::kDeadlineExceeded);
  to.put_string(error.what());
  to.put_raw(error.deadline.count());
  to.put_raw(error.pid);
  return true;
}

std::exception_ptr get_deadline_exceeded(WireReader& from) {
  DeadlineExceeded error(from.get_string());
  error.deadline = std::chrono::nanoseconds(from.get_raw<std::chrono::nanoseconds::rep>());
  error.pid = from.get_raw<int>();
  return std::make_exception_ptr(error);
}

void put_remote_error(WireWriter& to, const std::string& what, const std::string& type_name,
                      const std::string& message) {
  to.put_raw(Form::kRemoteError);
  to.put_string(what);
  to.put_string(type_name);
  to.put_string(message);
}

std::exception_ptr get_remote_error(WireReader& from) {
  RemoteError error(from.get_string());
  error.type_name = from.get_string();
  error.message = from.get_string();
  return std::make_exception_ptr(error);
}

}  // namespace

void put_exception(WireWriter& to, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const RemoteError& thrown) {
    put_remote_error(to, thrown.what(), thrown.type_name, thrown.message);
  } catch (const std::exception& thrown) {
    if (put_listed(to, thrown) || put_system_error(to, thrown) || put_timeout_error(to, thrown) ||
        put_worker_died(to, thrown) || put_deadline_exceeded(to, thrown)) {
      return;
    }
    const RemoteError remote(exception_type_name(error), thrown.what());
    put_remote_error(to, remote.what(), remote.type_name, remote.message);
  } catch (...) {
    const RemoteError remote(exception_type_name(error), "thrown, and no std::exception");
    put_remote_error(to, remote.what(), remote.type_name, remote.message);
  }
}

std::exception_ptr get_exception(WireReader& from) {
  switch (from.get_raw<Form>()) {
    case Form::kListed:
      return get_listed(from);
    case Form::kSystemError:
      return get_system_error(from);
    case Form::kTimeoutError:
      return get_timeout_error(from);
    case Form::kWorkerDied:
      return get_worker_died(from);
    case Form::kRemoteError:
      return get_remote_error(from);
    case Form::kDeadlineExceeded:
      return get_deadline_exceeded(from);
  }
  throw Error("the bytes of an exception from another process have no form that is known here");
}

}  // namespace poolmark::detail
