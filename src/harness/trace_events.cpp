#include "harness/trace_events.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace poolmark::harness::detail {
namespace {

using Json = TraceEvents::Json;

/// Such that a reader that multiplies by 1000 and cuts what is behind the point has the same
/// nanoseconds: the nearest number may be one below, and touch the slice before it.
double microseconds(std::int64_t nanoseconds) {
  const double nearest = static_cast<double>(nanoseconds) / 1000;
  const bool is_cut_short = static_cast<std::int64_t>(nearest * 1000) < nanoseconds;
  return is_cut_short ? std::nextafter(nearest, std::numeric_limits<double>::infinity()) : nearest;
}

/// What tasks threw may hold any bytes.
std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json event_of(std::string_view phase, TraceRow row, const std::string& name,
              const std::string& category, std::int64_t at) {
  return {{"ph", phase},  {"pid", row.group}, {"tid", row.thread}, {"ts", microseconds(at)},
          {"name", name}, {"cat", category}};
}

Json slice_of(TraceRow row, const std::string& name, const std::string& category, TraceSpan span) {
  Json event = event_of("X", row, name, category, span.from);
  event["dur"] = microseconds(std::max<std::int64_t>(span.to - span.from, 0));
  return event;
}

Json metadata_of(TraceRow row, std::string_view what, std::string_view key, const Json& value) {
  return {{"ph", "M"},
          {"pid", row.group},
          {"tid", row.thread},
          {"name", what},
          {"args", {{key, value}}}};
}

}  // namespace

void TraceEvents::add(const Json& event) {
  if (!events_.empty()) events_ += ",\n";
  events_ += text_of(event);
}

void TraceEvents::name_group(TraceRow row, const std::string& name, const std::string& label) {
  add(metadata_of(row, "process_name", "name", name));
  add(metadata_of(row, "process_labels", "labels", label));
  add(metadata_of(row, "process_sort_index", "sort_index", row.group));
}

void TraceEvents::name_row(TraceRow row, const std::string& name, std::size_t place) {
  add(metadata_of(row, "thread_name", "name", name));
  add(metadata_of(row, "thread_sort_index", "sort_index", place));
}

void TraceEvents::slice(TraceRow row, const std::string& name, const std::string& category,
                        TraceSpan span, const Json& args) {
  Json event = slice_of(row, name, category, span);
  event["args"] = args;
  add(event);
}

void TraceEvents::grey_slice(TraceRow row, const std::string& name, const std::string& category,
                             TraceSpan span) {
  Json event = slice_of(row, name, category, {span.from, span.to - 1});
  event["cname"] = "grey";  // one of the names that chrome://tracing knows
  add(event);
}

void TraceEvents::slice_before_another(TraceRow row, const std::string& name,
                                       const std::string& category, TraceSpan span,
                                       const Json& args) {
  // A reader that cuts microseconds down to whole nanoseconds would see the one begin within the
  // other.
  slice(row, name, category, {span.from, span.to - 1}, args);
}

void TraceEvents::instant(TraceRow row, const std::string& name, const std::string& category,
                          std::int64_t at, const Json& args) {
  Json event = event_of("i", row, name, category, at);
  event["s"] = "t";  // as high as its row
  event["args"] = args;
  add(event);
}

void TraceEvents::arrow(const std::string& name, TraceRow from_row, std::int64_t from,
                        TraceRow to_row, std::int64_t to) {
  Json begin = event_of("s", from_row, name, "flow", from);
  Json end = event_of("f", to_row, name, "flow", to);
  begin["id"] = end["id"] = ++arrows_;
  end["bp"] = "e";  // to the slice around it, not to the next one
  add(begin);
  add(end);
}

void TraceEvents::counter(TraceRow row, const std::string& name, const std::string& series,
                          std::int64_t at, std::int64_t value) {
  Json event = event_of("C", row, name, "counter", at);
  event["args"] = {{series, value}};
  add(event);
}

std::string TraceEvents::document(const Json& other_data) const {
  return "{\"displayTimeUnit\": \"ms\",\n\"traceEvents\": [\n" + events_ +
         "\n],\n\"otherData\": " + other_data.dump(1, ' ', false, Json::error_handler_t::replace) +
         "}\n";
}

}  // namespace poolmark::harness::detail
