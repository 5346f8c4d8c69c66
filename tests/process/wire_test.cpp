#include "poolmark/wire.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <complex>
#include <deque>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "poolmark/detail/wire_call.hpp"

namespace poolmark::test {

struct Point {
  int x;
  double y;
  bool operator==(const Point&) const = default;
};

struct Named {
  std::string name;
  std::vector<Point> points;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, points);
  }
  bool operator==(const Named&) const = default;
};

struct Opaque {
  std::string text;
};

struct OfItsOwn {
  explicit OfItsOwn(int v) : value(v) {}
  OfItsOwn(const OfItsOwn& other) : value(other.value) {}
  OfItsOwn& operator=(const OfItsOwn&) = delete;
  int value;
};

struct HalfWritten {};

struct WithoutDefault {
  explicit WithoutDefault(int v) : value(v) {}
  int value;
};

}  // namespace poolmark::test

template <>
struct poolmark::Wire<poolmark::test::OfItsOwn> {
  static void put(WireWriter& to, const test::OfItsOwn& value) { to.put_raw(value.value); }
  static test::OfItsOwn get(WireReader& from) { return test::OfItsOwn(from.get_raw<int>()); }
};

template <>
struct poolmark::Wire<poolmark::test::HalfWritten> {
  static void put(WireWriter& to, const test::HalfWritten& /*value*/) {
    to.put_string("the first half");
    throw std::length_error("the second half");
  }
  static test::HalfWritten get(WireReader& /*from*/) { return {}; }
};

namespace poolmark::test {
namespace {

template <class T>
T there_and_back(const T& value) {
  detail::Bytes bytes;
  WireWriter to(bytes);
  detail::put_value(to, value);
  WireReader from(bytes.data(), bytes.size());
  T copy = detail::get_value<T>(from);
  EXPECT_EQ(from.remaining(), 0U);
  return copy;
}

template <class E>
std::exception_ptr thrown_there(const E& error) {
  detail::Bytes bytes;
  WireWriter to(bytes);
  detail::put_exception(to, std::make_exception_ptr(error));
  WireReader from(bytes.data(), bytes.size());
  return detail::get_exception(from);
}

template <class E>
E as(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const E& typed) {
    EXPECT_EQ(typeid(typed), typeid(E));
    return typed;
  }
}

// ---- values ---------------------------------------------------------------------------

template <class T>
void expect_same(const T& value) {
  EXPECT_EQ(there_and_back(value), value);
}

TEST(Wire, CarriesStandardTypes) {
  expect_same(42);
  expect_same(Point{1, 2.5});
  expect_same(std::string("text"));
  expect_same(std::string());
  expect_same(std::vector<int>{1, 2, 3});
  expect_same(std::vector<bool>{true, false});
  expect_same(std::vector<std::string>{"a", "b"});
  expect_same(std::vector<std::tuple<int, std::string>>{{1, "a"}, {2, "b"}});
  expect_same(std::array<std::string, 2>{"a", "b"});
  expect_same(std::deque<int>{1, 2});
  expect_same(std::list<int>{1, 2});
  expect_same(std::map<std::string, Point>{{"p", {1, 2}}});
  expect_same(std::set<int>{3, 1});
  expect_same(std::unordered_map<int, std::string>{{1, "a"}});
  expect_same(std::optional<std::string>("a"));
  expect_same(std::pair<int, Point>{1, {2, 3}});
  expect_same(std::variant<int, std::string>("a"));
  expect_same(std::chrono::milliseconds(5));
  expect_same(std::complex<double>(1, 2));
}

TEST(Wire, CarriesWhatSmartPointersOwn) {
  EXPECT_EQ(*there_and_back(std::make_unique<Point>(Point{1, 2})), (Point{1, 2}));
  EXPECT_EQ(*there_and_back(std::make_shared<std::string>("a")), "a");
}

TEST(Wire, CarriesPlainStructsWithinContainers) {
  expect_same(std::vector<Point>{{1, 2}, {3, 4}});
  expect_same(std::vector<std::vector<Point>>{{{1, 2}}, {}});
}

TEST(Wire, CarriesTypesWithTheirOwnSerialize) {
  expect_same(Named{"n", {{1, 2}}});
  expect_same(std::vector<Named>{{"n", {{1, 2}}}, {"m", {}}});
}

TEST(Wire, CarriesTypesWithTheirOwnWire) {
  EXPECT_EQ(there_and_back(OfItsOwn(5)).value, 5);
  EXPECT_EQ(there_and_back(std::vector<OfItsOwn>{OfItsOwn(6)}).at(0).value, 6);
}

TEST(Wire, CarriesPlainTypesWithoutADefaultConstructor) {
  EXPECT_EQ(there_and_back(WithoutDefault(5)).value, 5);
}

TEST(Wire, CarriesLongContent) {
  const std::string long_text(1 << 20, 'x');
  expect_same(long_text);
  expect_same(std::vector<std::string>(100, std::string(1000, 'y')));
}

TEST(Wire, KnowsWhatCannotCross) {
  static_assert(Transportable<int> && Transportable<Named> && Transportable<OfItsOwn>);
  static_assert(Transportable<int (*)(int)>);
  static_assert(!Transportable<int&> && !Transportable<int*> && !Transportable<const char*>);
  static_assert(!Transportable<std::string_view> && !Transportable<std::span<int>>);
  static_assert(!Transportable<std::function<void()>>);
  static_assert(!Transportable<std::reference_wrapper<int>>);
  static_assert(!Transportable<Opaque> && !Transportable<std::vector<Opaque>>);
  static_assert(!Transportable<std::vector<int*>>);
  static_assert(!Transportable<std::map<int, std::optional<std::string_view>>>);
  static_assert(Transportable<std::ranges::iota_view<int, int>>);
}

TEST(Wire, RefusesBytesThatEndTooEarly) {
  detail::Bytes bytes;
  WireWriter to(bytes);
  detail::put_value(to, std::string("a text"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    WireReader from(bytes.data(), size);
    EXPECT_THROW(detail::get_value<std::string>(from), Error) << size;
  }
}

TEST(Wire, RefusesAVectorThatClaimsMoreThanFollows) {
  // Of the last one the bytes, counted in a word, are none.
  for (const int exponent : {1, 60, 61}) {
    detail::Bytes bytes;
    WireWriter to(bytes);
    to.put_raw(std::size_t{1} << exponent);
    WireReader from(bytes.data(), bytes.size());
    EXPECT_THROW(detail::get_value<std::vector<double>>(from), Error) << exponent;
  }
}

// ---- exceptions -----------------------------------------------------------------------

TEST(WireException, KeepsTheTypeAndTextOfStandardOnes) {
  EXPECT_STREQ(as<std::invalid_argument>(thrown_there(std::invalid_argument("a"))).what(), "a");
  EXPECT_STREQ(as<std::out_of_range>(thrown_there(std::out_of_range("b"))).what(), "b");
  EXPECT_STREQ(as<std::runtime_error>(thrown_there(std::runtime_error("c"))).what(), "c");
  as<std::bad_alloc>(thrown_there(std::bad_alloc()));
  as<std::bad_optional_access>(thrown_there(std::bad_optional_access()));
}

TEST(WireException, KeepsTheCodeOfASystemErrorAndDoesNotRepeatItsText) {
  const std::system_error error(ENOENT, std::generic_category(), "reading it");
  const auto copy = as<std::system_error>(thrown_there(error));
  EXPECT_EQ(copy.code(), error.code());
  EXPECT_STREQ(copy.what(), error.what());
  const std::system_error bare(std::make_error_code(std::errc::io_error));
  EXPECT_STREQ(as<std::system_error>(thrown_there(bare)).what(), bare.what());
}

TEST(WireException, KeepsTheFieldsOfPoolmarksOwn) {
  as<CancelledError>(thrown_there(CancelledError()));
  EXPECT_STREQ(as<BrokenProcessPool>(thrown_there(BrokenProcessPool("b"))).what(), "b");
  const auto timeout = as<TimeoutError>(thrown_there(TimeoutError(2, 5)));
  EXPECT_EQ(timeout.unfinished, 2U);
  EXPECT_EQ(timeout.total, 5U);
  const WorkerDied death({.pid = 7,
                          .signal = 9,
                          .doing = "running a task",
                          .cpu_time = std::chrono::nanoseconds(5),
                          .peak_memory = 6,
                          .ordered = true,
                          .probably_out_of_memory = true});
  const auto died = as<WorkerDied>(thrown_there(death));
  EXPECT_EQ(died.pid, 7);
  EXPECT_EQ(died.signal, 9);
  EXPECT_EQ(died.exit_code, std::nullopt);
  EXPECT_EQ(died.doing, "running a task");
  EXPECT_EQ(died.cpu_time, std::chrono::nanoseconds(5));
  EXPECT_EQ(died.peak_memory, 6U);
  EXPECT_TRUE(died.ordered);
  EXPECT_TRUE(died.probably_out_of_memory);
  EXPECT_STREQ(died.what(), death.what());
}

struct OwnException : std::out_of_range {
  using std::out_of_range::out_of_range;
};

TEST(WireException, NamesTheTypeOfAllOthers) {
  const auto derived = as<RemoteError>(thrown_there(OwnException("lost")));
  EXPECT_THAT(derived.type_name, ::testing::HasSubstr("OwnException"));
  EXPECT_EQ(derived.message, "lost");
  const auto number = as<RemoteError>(thrown_there(42));
  EXPECT_EQ(number.type_name, "int");
  // Once more across, as from a pool within a worker.
  EXPECT_EQ(as<RemoteError>(thrown_there(derived)).message, "lost");
}

TEST(WireException, RefusesBytesThatNameNoType) {
  detail::Bytes bytes;
  WireWriter to(bytes);
  detail::put_exception(to, std::make_exception_ptr(std::logic_error("x")));
  // Its form stands before its type, and all else is right.
  bytes.data()[1] = std::byte{255};
  WireReader from(bytes.data(), bytes.size());
  EXPECT_THROW(detail::get_exception(from), Error);
}

// ---- calls ----------------------------------------------------------------------------

TEST(WireCall, RunsACallFromItsBytes) {
  detail::Bytes call;
  WireWriter to(call);
  int summand = 3;
  const auto add = [summand](int x, const std::string& text) {
    return x + summand + static_cast<int>(text.size());
  };
  const auto thunk = detail::put_call<int>(to, add, 1, std::string("four"));
  WireReader from(call.data(), call.size());
  detail::Bytes answer;
  ASSERT_EQ(thunk(from, answer), detail::CallOutcome::kReturned);
  WireReader result(answer.data(), answer.size());
  EXPECT_EQ(result.get_raw<int>(), 8);
}

TEST(WireCall, AnswersWithTheExceptionIfTheArgumentsCannotBeRead) {
  detail::Bytes call;
  WireWriter to(call);
  const auto size = [](const std::string& text) { return text.size(); };
  const auto thunk = detail::put_call<std::size_t>(to, size, std::string("four"));
  WireReader cut_off(call.data(), call.size() - 1);
  detail::Bytes answer;
  ASSERT_EQ(thunk(cut_off, answer), detail::CallOutcome::kThrew);
  WireReader result(answer.data(), answer.size());
  EXPECT_THROW(std::rethrow_exception(detail::get_exception(result)), Error);
}

TEST(WireCall, AnswersWithNothingButTheExceptionIfTheResultCannotBeWritten) {
  detail::Bytes call;
  WireWriter to(call);
  const auto thunk = detail::put_call<HalfWritten>(to, [] { return HalfWritten(); });
  WireReader from(call.data(), call.size());
  detail::Bytes answer;
  ASSERT_EQ(thunk(from, answer), detail::CallOutcome::kThrew);
  WireReader result(answer.data(), answer.size());
  EXPECT_THROW(std::rethrow_exception(detail::get_exception(result)), std::length_error);
  EXPECT_EQ(result.remaining(), 0U);
}

TEST(WireCall, FindsAPointerIntoTheStackInAClosure) {
  int local = 1;
  const auto closure = [pointer = &local] { return *pointer; };
  EXPECT_THROW(detail::refuse_stack_pointers(&closure, sizeof closure), std::logic_error);
  const auto harmless = [value = std::uint64_t{42}] { return value; };
  EXPECT_NO_THROW(detail::refuse_stack_pointers(&harmless, sizeof harmless));
}

}  // namespace
}  // namespace poolmark::test
