#include "harness/google_context.hpp"

#include <benchmark/benchmark.h>

#include <sstream>

namespace poolmark::harness::detail {

nlohmann::ordered_json google_context() {
  std::ostringstream text;
  benchmark::JSONReporter reporter;
  reporter.SetOutputStream(&text);
  reporter.ReportContext(benchmark::BenchmarkReporter::Context());
  // The reporter streams: it has opened the list of benchmarks by now.
  auto document = nlohmann::ordered_json::parse(text.str() + "]}", nullptr, false);
  auto context = nlohmann::ordered_json::object();
  if (document.is_object() && document.contains("context")) context = document["context"];
  if (!context.contains("caches")) context["caches"] = nlohmann::ordered_json::array();
  return context;
}

}  // namespace poolmark::harness::detail
