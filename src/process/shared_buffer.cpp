#include "poolmark/shared_buffer.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <map>
#include <mutex>

#include "poolmark/errors.hpp"
#include "process/owned_fd.hpp"
#include "process/shared_memory.hpp"

namespace poolmark::detail {
namespace {

/// Names a buffer from any process of a family.
struct BufferName {
  pid_t maker = 0;
  std::int32_t descriptor = -1;  // in the maker
  std::uint64_t id = 0;          // of those that the maker has made; 0: no buffer
  std::uint64_t bytes = 0;

  friend auto operator<=>(const BufferName&, const BufferName&) = default;
};

class Memory final : public BufferMemory {
 public:
  Memory(BufferName named, OwnedFd opened)
      : name(named), file_(std::move(opened)), mapping_(file_.get(), named.bytes) {
    data = mapping_.data();
    bytes = named.bytes;
    if (!is_made_here()) file_.reset();
  }
  ~Memory() override {
    // Workers may keep it mapped for a while: only the maker can give it back to the system.
    if (is_made_here() && file_) free_memory_of(file_.get(), bytes);
  }

  bool is_made_here() const noexcept { return name.maker == getpid(); }

  const BufferName name;

 private:
  OwnedFd file_;
  SharedMapping mapping_;
};

/// The buffers that this process knows.
struct Known {
  std::mutex mutex;
  std::map<BufferName, std::weak_ptr<Memory>> buffers;
  // Mapped from elsewhere, the last used first: tasks mostly come back to the same few.
  std::list<std::shared_ptr<Memory>> recent;
};

Known& known() {
  static Known* buffers = new Known();  // never destroyed: tasks may end after the globals
  return *buffers;
}

void remember(const std::shared_ptr<Memory>& memory) {
  const std::lock_guard lock(known().mutex);
  std::erase_if(known().buffers, [](const auto& entry) { return entry.second.expired(); });
  known().buffers[memory->name] = memory;
}

std::shared_ptr<Memory> find(const BufferName& name) {
  const std::lock_guard lock(known().mutex);
  const auto entry = known().buffers.find(name);
  return entry == known().buffers.end() ? nullptr : entry->second.lock();
}

void keep_for_a_while(const std::shared_ptr<Memory>& memory) {
  constexpr std::size_t kMostKept = 8;
  const std::lock_guard lock(known().mutex);
  known().recent.remove(memory);
  known().recent.push_front(memory);
  if (known().recent.size() > kMostKept) known().recent.pop_back();
}

std::shared_ptr<Memory> open_from_maker(const BufferName& name) {
  OwnedFd file = open_file_of(name.maker, name.descriptor);
  struct stat about {};
  if (!file || fstat(file.get(), &about) != 0 || about.st_size != static_cast<off_t>(name.bytes)) {
    throw Error(fmt::format(
        "a SharedBuffer of {} bytes of process {} cannot be opened here: {}. This process must be "
        "allowed to open files of that one through /proc",
        name.bytes, name.maker,
        file ? "its file is another one now" : std::generic_category().message(errno)));
  }
  return std::make_shared<Memory>(name, std::move(file));
}

}  // namespace

std::shared_ptr<BufferMemory> make_buffer_memory(std::size_t bytes) {
  // Relaxed: only unique.
  static std::atomic<std::uint64_t> made{0};
  OwnedFd file = make_memory_file("poolmark-buffer", bytes);
  const BufferName name{getpid(), file.get(), made.fetch_add(1, std::memory_order_relaxed) + 1,
                        bytes};
  auto memory = std::make_shared<Memory>(name, std::move(file));
  remember(memory);
  return memory;
}

void put_buffer(WireWriter& to, const std::shared_ptr<BufferMemory>& memory) {
  if (!memory) return to.put_raw(BufferName{});
  const auto& buffer = static_cast<const Memory&>(*memory);
  if (to.is_answer() && buffer.is_made_here()) {
    throw Error(
        "a task cannot return a SharedBuffer that it has made: its memory goes with the worker. "
        "Make "
        "it in the process that has the pool, and pass it to the task");
  }
  to.put_raw(buffer.name);
  to.attach(memory);
}

std::shared_ptr<BufferMemory> get_buffer(WireReader& from) {
  const auto name = from.get_raw<BufferName>();
  if (name.id == 0) return nullptr;
  std::shared_ptr<Memory> memory = find(name);
  if (!memory) {
    if (name.maker == getpid()) {
      throw Error("a task returned a SharedBuffer whose last handle here is gone: keep one");
    }
    memory = open_from_maker(name);
    remember(memory);
  }
  if (!memory->is_made_here()) keep_for_a_while(memory);
  return memory;
}

}  // namespace poolmark::detail
