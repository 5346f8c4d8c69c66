#include "process/known_code.hpp"

#include <fmt/core.h>
#include <link.h>

#include <algorithm>
#include <stdexcept>

namespace poolmark::detail {

KnownCode::Snapshot KnownCode::take_snapshot() {
  Snapshot snapshot;
  const auto note = [](dl_phdr_info* info, std::size_t, void* into) {
    Library library{.code = {}, .name = info->dlpi_name};
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      const auto& part = info->dlpi_phdr[i];
      if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
      const std::uintptr_t begin = info->dlpi_addr + part.p_vaddr;
      if (library.code.end == 0) library.code.begin = begin;
      library.code.end = begin + part.p_memsz;  // they stand in order
    }
    auto& filled = *static_cast<Snapshot*>(into);
    filled.loaded.push_back(std::move(library));
    filled.unloads = info->dlpi_subs;
    return 0;
  };
  dl_iterate_phdr(note, &snapshot);
  return snapshot;
}

unsigned long long KnownCode::count_unloads() noexcept {
  unsigned long long count = 0;
  const auto first_tells = [](dl_phdr_info* info, std::size_t, void* into) {
    *static_cast<unsigned long long*>(into) = info->dlpi_subs;
    return 1;
  };
  dl_iterate_phdr(first_tells, &count);
  return count;
}

KnownCode KnownCode::of_now() {
  KnownCode known;
  known.then_ = take_snapshot();
  if (!known.then_.loaded.empty()) known.program_ = known.then_.loaded.front().code;
  return known;
}

const KnownCode::Library* KnownCode::find(const std::vector<Library>& libraries,
                                          const void* code) noexcept {
  const auto found = std::ranges::find_if(
      libraries, [&](const Library& library) { return holds(library.code, code); });
  return found == libraries.end() ? nullptr : &*found;
}

void KnownCode::require_library(const void* code) const {
  const Library* before = find(then_.loaded, code);
  if (before != nullptr && count_unloads() == then_.unloads) return;
  // Something new, or something may have taken the place of a library that was unloaded.
  const Snapshot now = take_snapshot();
  const Library* after = find(now.loaded, code);
  if (after == nullptr || (before != nullptr && before->name == after->name)) return;
  throw std::invalid_argument(
      fmt::format("no worker of this process pool knows the function: it lies in {}, which was "
                  "loaded after the pool's zygote was made; load it before the pool is made, with "
                  "StartMethod::ProcessZygote before start_zygote()",
                  after->name));
}

}  // namespace poolmark::detail
