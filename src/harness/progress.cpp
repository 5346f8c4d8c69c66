#include "harness/progress.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>

#include "poolmark/harness/options.hpp"

namespace poolmark::harness::detail {
namespace {

using Json = nlohmann::ordered_json;

/// What a task threw may hold any bytes.
std::string one_line(const Json& event) {
  return event.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

Progress::Progress(int fd) : fd_(fd) {
  if (fd == -1) return;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags != -1 && (flags & O_ACCMODE) != O_RDONLY) return;
  throw UsageError(
      fmt::format("--progress-fd: {} is not a descriptor that can be written to: open one, such as "
                  "--progress-fd=3 3>progress.jsonl.",
                  fd));
}

void Progress::plan(const std::vector<std::string>& cells, int repetitions) {
  write_line(one_line({{"event", "plan"}, {"cells", cells}, {"repetitions", repetitions}}));
}

void Progress::sample(const std::string& cell, const Sample& sample) {
  write_line(one_line({{"event", "sample"},
                       {"name", cell},
                       {"repetition_index", sample.repetition},
                       {"real_time", sample.real_ns}}));
}

void Progress::failure(const std::string& cell, const Failure& failure) {
  write_line(one_line({{"event", "failure"},
                       {"name", cell},
                       {"repetition_index", failure.repetition},
                       {"message", failure.message}}));
}

void Progress::write_line(const std::string& text) {
  for (std::string_view rest = text; fd_ != -1 && !rest.empty();) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      fd_ = -1;
    }
  }
}

}  // namespace poolmark::harness::detail
