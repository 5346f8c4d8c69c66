#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "process/pool_core.hpp"
#include "process_pools.hpp"

// Functions of a library that was loaded after the zygote was made.
namespace poolmark::test {
namespace {

using ::testing::HasSubstr;
using Function = int (*)(int);

/// A library, loaded for a scope.
class Loaded {
 public:
  explicit Loaded(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  ~Loaded() { unload(); }

  Function function() const { return reinterpret_cast<Function>(dlsym(handle_, "late_double")); }
  void unload() {
    if (handle_ != nullptr) dlclose(handle_);
    handle_ = nullptr;
  }

 private:
  void* handle_;
};

template <class Submit>
std::string refusal_of(Submit submit) {
  try {
    submit();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "not refused";
}

TEST(LateCode, IsRefusedByNameAndTheSentenceSaysWhatToDo) {
  ProcessPoolExecutor pool(with_workers(1));
  EXPECT_EQ(pool.submit(increment, 1).result(), 2);
  const Loaded library(LATE_LIBRARY);
  ASSERT_EQ(library.function()(4), 8);
  EXPECT_THAT(refusal_of([&] { pool.submit(library.function(), 4); }),
              ::testing::AllOf(HasSubstr("late_library"), HasSubstr("start_zygote()")));
  EXPECT_THAT(refusal_of([&] { pool.map(library.function(), std::vector{4}); }),
              HasSubstr("late_library"));
  EXPECT_EQ(pool.submit(increment, 2).result(), 3) << "nothing else is refused";
}

TEST(LateCode, IsKnownToAPoolThatIsMadeLater) {
  const Loaded library(LATE_LIBRARY);
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(pool.submit(library.function(), 4).result(), 8);
  // As the zygote of main() goes.
  ProcessPoolExecutor other(with_workers(1));
  EXPECT_THAT(refusal_of([&] { other.submit(library.function(), 4); }), HasSubstr("late_library"));
}

TEST(LateCode, ThatTookThePlaceOfKnownCodeIsRefused) {
  const auto copy = std::filesystem::temp_directory_path() /
                    ("poolmark_other_" + std::to_string(getpid()) + ".so");
  std::filesystem::copy_file(LATE_LIBRARY, copy, std::filesystem::copy_options::overwrite_existing);
  Loaded known(LATE_LIBRARY);
  ProcessPoolExecutor pool({.max_workers = 1});
  EXPECT_EQ(pool.submit(known.function(), 4).result(), 8);
  known.unload();
  // Usually at the very addresses that the other has left.
  const Loaded other(copy.string());
  EXPECT_THAT(refusal_of([&] { pool.submit(other.function(), 4); }), HasSubstr("poolmark_other_"));
  std::filesystem::remove(copy);
}

TEST(LateCode, OfOthersDoesNotSpoilWhatIsKnown) {
  const Loaded known(LATE_LIBRARY);
  ProcessPoolExecutor pool({.max_workers = 1});
  { const Loaded another("libanl.so.1"); }  // which nobody else uses: it is unloaded again
  EXPECT_EQ(pool.submit(known.function(), 4).result(), 8);
  EXPECT_EQ(pool.submit(static_cast<Function>(std::abs), -3).result(), 3) << "of the C library";
}

class SomeTask final : public detail::TypedState<int> {
 public:
  SomeTask() : record(*this, nullptr, true, nullptr) {}
  detail::TaskRecord record;
};

TEST(LateCode, IsRefusedAsAThunkToo) {
  const auto pool = detail::make_intrusive<detail::PoolCore>(with_workers(1));
  const Loaded library(LATE_LIBRARY);
  const auto task = detail::make_intrusive<SomeTask>();
  task->record.thunk =
      reinterpret_cast<detail::CallThunk>(reinterpret_cast<void*>(library.function()));
  EXPECT_THAT(refusal_of([&] { pool->submit(task->record); }), HasSubstr("late_library"));
  pool->shutdown({});
}

}  // namespace
}  // namespace poolmark::test
