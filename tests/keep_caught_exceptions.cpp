/// Under the thread sanitizer, an exception that was caught once is never destroyed.
///
/// Two threads that share an exception (a worker and whoever calls result()) both drop references
/// to it, and the last to do so destroys it. The count is in libstdc++, which is not instrumented:
/// the sanitizer sees the reading of one thread and the destroying of another with nothing between
/// them, and reports a race where there is none. Which thread is last is chance, so that a test
/// could fail once in a hundred runs. Memory is the price, in this one kind of build.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define POOLMARK_KEEP_CAUGHT_EXCEPTIONS
#endif
#elif defined(__SANITIZE_THREAD__)
#define POOLMARK_KEEP_CAUGHT_EXCEPTIONS
#endif

#ifdef POOLMARK_KEEP_CAUGHT_EXCEPTIONS

#include <dlfcn.h>

#include <exception>

// Called by the compiler's code at the beginning of every catch clause.
extern "C" void* __cxa_begin_catch(void* thrown) noexcept {
  using BeginCatch = void* (*)(void*);
  static const auto begin_catch =
      reinterpret_cast<BeginCatch>(dlsym(RTLD_NEXT, "__cxa_begin_catch"));
  void* const exception = begin_catch(thrown);
  new std::exception_ptr(std::current_exception());  // never deleted
  return exception;
}

#endif
