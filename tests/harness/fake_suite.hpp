#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "poolmark/harness/detail/subject.hpp"

/// Cells that do what a test tells them, without any pool.
namespace poolmark::harness::detail {

/// What all fake subjects of a suite did, in order, such as "make 2", "batch", "close".
struct FakeLog {
  std::vector<std::string> events;
  int open_pools = 0;
  int most_open_pools = 0;
};

class FakeSubject final : public Subject {
 public:
  explicit FakeSubject(FakeLog& log) : log_(log) {}

  // What a test wants to happen at each step; each may throw.
  std::function<void()> on_make = [] {};
  std::function<void()> on_batch = [] {};
  std::function<void()> on_check = [] {};
  std::function<void()> on_close = [] {};
  std::vector<double> times = {};     // of the tasks of each batch
  std::vector<BatchPlan> plans = {};  // that it was given
  BatchView view = {.submit = 1, .completions = {2, 3}, .latencies = {2, 1}};
  std::function<BatchView(Clock::time_point start)> on_view = {};  // in place of `view`

  std::size_t use_inputs(bool long_inputs) override { return long_inputs ? 20 : 2; }

  void make_pool(int workers) override {
    log_.events.push_back("make " + std::to_string(workers));
    log_.most_open_pools = std::max(log_.most_open_pools, ++log_.open_pools);
    is_open_ = true;
    on_make();
  }
  void warm_up(int workers) override { log_.events.push_back("warm " + std::to_string(workers)); }

  void run_batch(const BatchPlan& plan) override {
    log_.events.emplace_back("batch");
    plans.push_back(plan);
    task_times_ = plan.time_each_task ? times : std::vector<double>();
    on_batch();
  }
  BatchView view_batch(Clock::time_point start) const override {
    return on_view ? on_view(start) : view;
  }
  std::span<const double> task_times() const override { return task_times_; }
  void check_results() override {
    log_.events.emplace_back("check");
    on_check();
  }
  std::chrono::nanoseconds worker_cpu_time() const override { return std::chrono::nanoseconds(0); }

  void close_pool(bool cancel_tasks) override {
    if (!is_open_) return;
    is_open_ = false;
    --log_.open_pools;
    log_.events.emplace_back(cancel_tasks ? "cancel" : "close");
    on_close();
  }
  void drop_pool() noexcept override {}

 private:
  FakeLog& log_;
  bool is_open_ = false;
  std::vector<double> task_times_;
};

/// One workload "work" on executors "sequential" and "thread", with 1 and 2 workers.
struct FakeSuite {
  FakeLog log;
  Matrix matrix;
  FakeSubject* sequential = nullptr;
  FakeSubject* thread = nullptr;

  FakeSuite() {
    matrix.executors = {"sequential", "thread"};
    matrix.workloads.emplace_back();
    WorkloadEntry& work = matrix.workloads.back();
    work.name = "work";
    work.workers = {1, 2};
    sequential = add(work, "sequential");
    thread = add(work, "thread");
  }

  /// Only the baseline and work/thread/map/workers:2, three repetitions, nothing printed.
  static Options two_cells() {
    Options options;
    options.executors = {"thread"};
    options.patterns = {Pattern::Map};
    options.workers = {2};
    options.repetitions = 3;
    return options;
  }

 private:
  FakeSubject* add(WorkloadEntry& work, const std::string& executor) {
    auto subject = std::make_unique<FakeSubject>(log);
    FakeSubject* const fake = subject.get();
    work.subjects.push_back({executor, std::move(subject)});
    return fake;
  }
};

/// A folder of the test's own, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "poolmark-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  std::size_t count_files() const {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      files += entry.exists() ? 1 : 0;
    }
    return files;
  }

 private:
  std::filesystem::path path_;
};

inline std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

inline nlohmann::json json_of(const std::filesystem::path& path) {
  return nlohmann::json::parse(text_of(path));
}

}  // namespace poolmark::harness::detail
