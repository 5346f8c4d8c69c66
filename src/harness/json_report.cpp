#include "harness/json_report.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/build_info.hpp"
#include "harness/google_context.hpp"
#include "harness/machine.hpp"
#include "harness/timeline.hpp"

namespace poolmark::harness::detail {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

std::string text_of(const Json& document) {
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

void put_finite(Json& object, const char* key, double value) {
  if (std::isfinite(value)) object[key] = value;
}

Json context_of(const Options& options, const std::string& executable,
                const std::vector<std::string>& left_out) {
  Json context = google_context();
  // Facts of one's own come first: they never replace ours.
  for (const auto& [key, value] : options.context) context[key] = value;
  context["executable"] = executable;

  const BuildInfo& build = build_info();
  context["poolmark_version"] = build.version;
  context["build_type"] = build.build_type;
  context["compiler"] = build.compiler;
  context["compiler_flags"] = build.compiler_flags;
  context["commit"] = build.commit;
  context["dirty"] = build.dirty ? Json(*build.dirty) : Json(nullptr);

  const Machine machine = read_machine();
  context["cpu_model"] = machine.cpu_model;
  context["usable_cpus"] = machine.usable_cpus;
  context["affinity"] = machine.affinity;
  context["cpu_quota"] = machine.cpu_quota ? Json(*machine.cpu_quota) : Json(nullptr);
  context["governor"] = machine.governor;
  context["virtualization"] = machine.virtualization;
  context["kernel"] = machine.kernel;

  context["pool"] = to_string(options.pool);
  context["long"] = options.long_inputs;
  context["repetitions"] = options.repetitions;
  context["min_time_s"] = options.min_time_s;
  if (options.batches > 0) context["batches"] = options.batches;
  context["interleaved"] = options.interleave;
  if (wants_timeline(options)) context["timeline"] = true;
  if (!left_out.empty()) context["left_out"] = left_out;
  return context;
}

/// Median real time of the baseline of `cell`'s workload, 0 if it was not measured.
double baseline_ns(const RunFacts& run, const Cell& cell) {
  for (std::size_t i = 0; i < run.cells.size(); ++i) {
    if (run.cells[i].workload == cell.workload && run.cells[i].is_baseline()) {
      return run.recorder.median_real_ns(i);
    }
  }
  return 0;
}

Json entry_of(const RunFacts& run, const Sample& sample, double baseline) {
  const Cell& cell = run.cells[sample.cell];
  const auto tasks = static_cast<double>(run.tasks[sample.cell]);
  Json entry = {{"name", cell.name()},
                {"family_index", sample.cell},
                {"per_family_instance_index", 0},
                {"run_name", cell.name()},
                {"run_type", "iteration"},
                {"repetitions", run.options.repetitions},
                {"repetition_index", sample.repetition},
                {"threads", 1},
                {"iterations", sample.iterations},
                {"real_time", sample.real_ns},
                {"cpu_time", sample.cpu_ns},
                {"time_unit", "ns"},
                {"workload", cell.workload->name},
                {"executor", cell.executor},
                {"pattern", to_string(cell.pattern)},
                {"workers", cell.workers},
                {"tasks", run.tasks[sample.cell]},
                {"pool", to_string(cell.pool)}};
  if (cell.chunksize) entry["chunksize"] = *cell.chunksize;
  put_finite(entry, "tasks_per_second", tasks * 1e9 / sample.real_ns);
  if (baseline > 0) {
    put_finite(entry, "speedup", baseline / sample.real_ns);
    put_finite(entry, "efficiency", baseline / sample.real_ns / cell.workers);
  }
  if (sample.median_batch_ns) put_finite(entry, "median_batch_ns", *sample.median_batch_ns);
  put_finite(entry, "submit_ns", sample.submit_ns);
  put_finite(entry, "first_result_ns", sample.first_result_ns);
  put_finite(entry, "cpu_time_total_ns", sample.cpu_total_ns);
  if (sample.stdout_bytes > 0) put_finite(entry, "stdout_bytes", sample.stdout_bytes);
  if (sample.traffic) {
    put_finite(entry, "sent_bytes", sample.traffic->sent_bytes);
    put_finite(entry, "received_bytes", sample.traffic->received_bytes);
  }
  if (wants_timeline(run.options)) {
    put_finite(entry, "head_of_line_ns", sample.head_of_line_ns);
    put_finite(entry, "busy_ns", sample.busy_ns);
    put_finite(entry, "idle_share", idle_share(sample.busy_ns, cell.workers, sample.real_ns));
  }
  return entry;
}

Json benchmarks_of(const RunFacts& run) {
  std::vector<double> baselines;
  for (const Cell& cell : run.cells) baselines.push_back(baseline_ns(run, cell));
  Json entries = Json::array();
  // In the order of the cells, not in that of the interleaved run.
  for (std::size_t cell = 0; cell < run.cells.size(); ++cell) {
    for (const Sample& sample : run.recorder.samples()) {
      if (sample.cell == cell) entries.push_back(entry_of(run, sample, baselines[cell]));
    }
  }
  return entries;
}

Json failures_of(const RunFacts& run) {
  Json entries = Json::array();
  for (const Failure& failure : run.recorder.failures()) {
    entries.push_back({{"name", run.cells[failure.cell].name()},
                       {"repetition_index", failure.repetition},
                       {"message", failure.message}});
  }
  return entries;
}

Json tasks_of(const RunFacts& run) {
  Json tasks = Json::object();
  for (std::size_t i = 0; i < run.cells.size(); ++i) {
    if (!run.cells[i].is_baseline()) continue;
    const std::vector<double> medians = run.recorder.task_medians(i);
    if (!medians.empty()) tasks[run.cells[i].workload->name] = medians;
  }
  return tasks;
}

/// Readers count results from 1.
std::vector<std::size_t> results_at_marks(std::size_t tasks) {
  std::vector<std::size_t> k = marks_of(tasks);
  for (std::size_t& mark : k) ++mark;
  return k;
}

Json completions_of(const RunFacts& run) {
  Json completions = Json::object();
  for (std::size_t i = 0; i < run.cells.size(); ++i) {
    if (run.recorder.batches(i).size() == 0) continue;
    completions[run.cells[i].name()] = {{"k", results_at_marks(run.tasks[i])},
                                        {"ns", run.recorder.batches(i).median_completions()}};
  }
  return completions;
}

Json latencies_of(const RunFacts& run) {
  Json latencies = Json::object();
  for (std::size_t i = 0; i < run.cells.size(); ++i) {
    const Latencies found = run.recorder.batches(i).latencies();
    if (found.count == 0) continue;
    Json& written = latencies[run.cells[i].name()];
    written = {{"count", found.count}, {"quantiles", found.quantiles}, {"ns", found.ns}};
    if (!found.each.empty()) written["each"] = found.each;
  }
  return latencies;
}

}  // namespace

std::string json_report(const RunFacts& run) {
  const Json report = {{"schema_version", kSchemaVersion},
                       {"context", context_of(run.options, run.executable, run.left_out)},
                       {"benchmarks", benchmarks_of(run)},
                       {"failures", failures_of(run)},
                       {"partial", run.partial},
                       {"tasks", tasks_of(run)},
                       {"completions", completions_of(run)},
                       {"latencies", latencies_of(run)}};
  return text_of(report);
}

std::string json_listing(const Options& options, const std::string& executable,
                         const std::vector<std::string>& cells,
                         const std::vector<std::string>& left_out) {
  return text_of({{"schema_version", kSchemaVersion},
                  {"context", context_of(options, executable, left_out)},
                  {"cells", cells}});
}

}  // namespace poolmark::harness::detail
