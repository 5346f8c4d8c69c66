#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The rules of the trace event format that viewers rely on, for the kinds of events that we write.
namespace poolmark::harness::detail {

using nlohmann::json;

/// The events of one kind in the order of the file, optionally of one category.
inline std::vector<json> events(const json& trace, const std::string& phase,
                                const std::string& category = "") {
  std::vector<json> found;
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] != phase) continue;
    if (category.empty() || event.value("cat", "") == category) found.push_back(event);
  }
  return found;
}

/// Metadata of this name.
inline std::vector<json> events_named(const json& trace, const std::string& name) {
  std::vector<json> found;
  for (const json& event : events(trace, "M")) {
    if (event["name"] == name) found.push_back(event);
  }
  return found;
}

/// As a reader sees it that cuts microseconds down to whole nanoseconds.
inline std::int64_t cut_to_ns(const json& microseconds) {
  return static_cast<std::int64_t>(microseconds.get<double>() * 1000);
}

using RowOfEvent = std::pair<std::int64_t, std::int64_t>;
inline RowOfEvent row_of(const json& event) { return {event["pid"], event["tid"]}; }

class TraceRules {
 public:
  /// What is wrong with the file, a sentence each.
  static std::vector<std::string> broken(const json& trace) {
    TraceRules rules;
    if (!trace.is_object() || !trace.value("traceEvents", json()).is_array()) {
      return {"not an object with an array traceEvents"};
    }
    for (const json& event : trace["traceEvents"]) rules.check(event);
    rules.check_names();
    rules.check_arrows();
    for (const auto& [row, slices] : rules.slices_) rules.check_nesting(slices);
    return rules.broken_;
  }

 private:
  void require(bool holds, const std::string& rule, const json& event) {
    if (!holds) broken_.push_back(rule + ": " + event.dump());
  }

  void check(const json& event) {
    const std::string phase = event.value("ph", "");
    require(std::set<std::string>{"M", "X", "i", "s", "f", "C"}.contains(phase), "a known ph",
            event);
    for (const char* number : {"pid", "tid"}) {
      const bool is_number = event.contains(number) && event[number].is_number_integer();
      require(is_number && event[number] > 0, "pid and tid are whole numbers above 0", event);
    }
    require(event.contains("name") && event["name"].is_string(), "a name", event);
    if (phase == "M") return check_metadata(event);

    const json at = event.value("ts", json());
    require(at.is_number() && std::isfinite(at.get<double>()) && at >= 0, "a time", event);
    rows_used_.insert(row_of(event));
    const auto group = group_of_thread_.emplace(event["tid"], event["pid"]).first->second;
    require(group == event["pid"], "a tid of its own: viewers name threads by that alone", event);
    if (phase == "X") {
      const json duration = event.value("dur", json());
      require(duration.is_number() && duration >= 0, "a duration", event);
      slices_[row_of(event)].push_back(event);
    }
    if (phase == "i") require(event.value("s", "") == "t", "a scope", event);
    if (phase == "C") require(event["args"].begin()->is_number(), "a number to count", event);
    if (phase == "s" || phase == "f") {
      auto& ends = phase == "s" ? arrows_begun_ : arrows_ended_;
      require(ends.emplace(event["id"].get<std::int64_t>(), event).second, "its own id", event);
      if (phase == "f") require(event.value("bp", "") == "e", "bound to what is around", event);
    }
  }

  void check_metadata(const json& event) {
    const std::string what = event["name"];
    const json& args = event["args"];
    if (what == "process_name" || what == "thread_name") {
      require(args["name"].is_string(), "a name in args", event);
      (what == "thread_name" ? rows_named_ : groups_named_)
          .emplace(what == "thread_name" ? row_of(event) : RowOfEvent(event["pid"], 0));
    } else if (what == "process_sort_index" || what == "thread_sort_index") {
      require(args["sort_index"].is_number_integer(), "a number to sort by", event);
    } else {
      require(what == "process_labels" && args["labels"].is_string(), "known metadata", event);
    }
  }

  void check_names() {
    for (const auto& row : rows_used_) {
      if (!rows_named_.contains(row)) broken_.push_back("a row without a name");
      if (!groups_named_.contains({row.first, 0})) broken_.push_back("a group without a name");
    }
  }

  /// Each has both ends, in order of time, and within a slice of its row.
  void check_arrows() {
    for (const auto& [id, begin] : arrows_begun_) {
      const auto end = arrows_ended_.find(id);
      require(end != arrows_ended_.end() && begin["ts"] <= end->second["ts"], "an end", begin);
      require(is_in_a_slice(begin), "within a slice", begin);
    }
    for (const auto& [id, end] : arrows_ended_) {
      require(arrows_begun_.contains(id), "a beginning", end);
      require(is_in_a_slice(end), "within a slice", end);
    }
  }

  bool is_in_a_slice(const json& event) const {
    const auto slices = slices_.find(row_of(event));
    if (slices == slices_.end()) return false;
    const std::int64_t at = cut_to_ns(event["ts"]);
    for (const json& slice : slices->second) {
      const std::int64_t from = cut_to_ns(slice["ts"]);
      if (from <= at && at <= from + cut_to_ns(slice["dur"])) return true;
    }
    return false;
  }

  /// Of two slices of a row one contains the other, which comes later in the file, or they do not
  /// touch.
  void check_nesting(const std::vector<json>& slices) {
    for (std::size_t i = 0; i < slices.size(); ++i) {
      for (std::size_t j = i + 1; j < slices.size(); ++j) {
        const std::int64_t from = cut_to_ns(slices[i]["ts"]);
        const std::int64_t to = from + cut_to_ns(slices[i]["dur"]);
        const std::int64_t other_from = cut_to_ns(slices[j]["ts"]);
        const std::int64_t other_to = other_from + cut_to_ns(slices[j]["dur"]);
        const bool apart = to <= other_from || other_to <= from;
        const bool contains = from <= other_from && other_to <= to;
        require(apart || contains, "no overlap with " + slices[j].dump(), slices[i]);
      }
    }
  }

  std::vector<std::string> broken_;
  std::map<std::int64_t, std::int64_t> group_of_thread_;
  std::set<RowOfEvent> rows_used_;
  std::set<RowOfEvent> rows_named_;
  std::set<RowOfEvent> groups_named_;
  std::map<RowOfEvent, std::vector<json>> slices_;
  std::map<std::int64_t, json> arrows_begun_;
  std::map<std::int64_t, json> arrows_ended_;
};

}  // namespace poolmark::harness::detail
