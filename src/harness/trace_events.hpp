#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

/// The trace event format, as much of it as we write: "Trace Event Format" of the Chromium project,
/// in its JSON object form. Perfetto and chrome://tracing read it.
namespace poolmark::harness::detail {

/// A line of the picture: a thread in a group of lines that belong together. Numbers of our own,
/// not the kernel's: chosen so that no two lines of a trace share one, of whatever group, because
/// Perfetto names threads by that number alone; and none is 0, which it takes for the idle task.
struct TraceRow {
  std::int64_t group = 1;
  std::int64_t thread = 1;
};

/// From the first nanosecond to behind the last.
struct TraceSpan {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// Events of a trace, as text. Times are nanoseconds, and are written as the format's microseconds.
class TraceEvents {
 public:
  using Json = nlohmann::ordered_json;

  /// Names the group of a row; groups stand in the order of their numbers. `label` stands behind
  /// the name.
  void name_group(TraceRow row, const std::string& name, const std::string& label);
  /// Names a row, and its place within the group.
  void name_row(TraceRow row, const std::string& name, std::size_t place);

  /// A slice contains the later ones of its row that lie within it. Others must not touch it.
  void slice(TraceRow row, const std::string& name, const std::string& category, TraceSpan span,
             const Json& args = Json::object());
  /// The same in grey: nothing happens there.
  void grey_slice(TraceRow row, const std::string& name, const std::string& category,
                  TraceSpan span);
  /// A slice that ends where the next one of its row begins.
  void slice_before_another(TraceRow row, const std::string& name, const std::string& category,
                            TraceSpan span, const Json& args = Json::object());

  void instant(TraceRow row, const std::string& name, const std::string& category, std::int64_t at,
               const Json& args = Json::object());

  /// An arrow from the slice around one moment to that around another.
  void arrow(const std::string& name, TraceRow from_row, std::int64_t from, TraceRow to_row,
             std::int64_t to);

  /// From now on, this series of a counter of the row's group has this value. Perfetto shows each
  /// series under both names, one behind the other.
  void counter(TraceRow row, const std::string& name, const std::string& series, std::int64_t at,
               std::int64_t value);

  /// The whole file: an event a line, then `other_data`.
  std::string document(const Json& other_data) const;

 private:
  void add(const Json& event);

  std::string events_;
  std::int64_t arrows_ = 0;
};

}  // namespace poolmark::harness::detail
