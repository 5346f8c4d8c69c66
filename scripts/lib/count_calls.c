/* Counts calls of a program and of the processes that it forks, for stage 0 of scripts/gate.
 *
 * Loaded with LD_PRELOAD; scripts/poolmark_scripts/gate/counts_calls.py compiles it, makes the file
 * that the counters live in, and reads them there. The file is mapped shared, so that forked
 * processes count in it too, also those that are killed. Without POOLMARK_COUNTS nothing is written
 * anywhere.
 *
 * Batches: the harness reads the CPU clock of the process right before and right after each batch
 * and nowhere else (measure_batch() in src/harness/runner.cpp). Each such reading notes where all
 * counters are: an edge.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The order is that of KINDS in counts_calls.py. */
enum kind { ALLOCATIONS, FUTEX_WAITS, FUTEX_WAKES, FORKS, THREADS, SWITCHES, KIND_COUNT };
enum role { PROGRAM, FORKED, ROLE_COUNT };
enum { EDGES = 128 };

typedef _Atomic uint64_t counters[ROLE_COUNT][KIND_COUNT];

/* All of it is 64-bit words, read in this order. */
struct shared {
  _Atomic uint64_t is_loaded;
  _Atomic uint64_t edges; /* may exceed EDGES: then the last were not noted */
  counters now;
  counters at_edge[EDGES];
};

static struct shared nowhere; /* until the file is mapped, and where there is none */
static struct shared* shared = &nowhere;
static enum role role = PROGRAM; /* of this process */

static void count(enum kind kind) {
  /* Relaxed: the edges are read after the program's end; a batch ends after all of its tasks. */
  atomic_fetch_add_explicit(&shared->now[role][kind], 1, memory_order_relaxed);
}

__attribute__((constructor)) static void map_counters(void) {
  const char* path = getenv("POOLMARK_COUNTS");
  const int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* mapped = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped == MAP_FAILED) return;
  shared = mapped;
  shared->is_loaded = 1;
}

/* ---- memory: glibc's own names, so that nothing has to be looked up, which allocates ---- */

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

void* malloc(size_t bytes) {
  count(ALLOCATIONS);
  return __libc_malloc(bytes);
}

void* calloc(size_t number, size_t bytes) {
  count(ALLOCATIONS);
  return __libc_calloc(number, bytes);
}

void* realloc(void* old, size_t bytes) {
  count(ALLOCATIONS);
  return __libc_realloc(old, bytes);
}

void* memalign(size_t alignment, size_t bytes) {
  count(ALLOCATIONS);
  return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void** result, size_t alignment, size_t bytes) {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
    return EINVAL;
  void* memory = memalign(alignment, bytes);
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}

/* ---- the rest goes on to whoever comes next ---- */

/* Looked up once: tasks read the clock, and looking up takes a lock that all threads share. */
#define NEXT(name)                                                       \
  ({                                                                     \
    static _Atomic(__typeof__(&name)) next;                              \
    if (next == NULL) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    (__typeof__(&name))next;                                             \
  })

/* glibc's own futex calls (of its mutexes) do not come by here; those of poolmark all do. */
static void count_futex(int operation) {
  const int command = operation & FUTEX_CMD_MASK;
  if (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) count(FUTEX_WAITS);
  if (command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET) count(FUTEX_WAKES);
}

long syscall(long number, ...) {
  long given[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; ++i) given[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_futex) count_futex((int)given[1]);
  return NEXT(syscall)(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

pid_t fork(void) {
  const pid_t pid = NEXT(fork)();
  if (pid > 0) count(FORKS);
  if (pid == 0) role = FORKED;
  return pid;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  count(THREADS);
  return NEXT(pthread_create)(thread, attributes, start, argument);
}

static void note_edge(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  shared->now[PROGRAM][SWITCHES] = (uint64_t)used.ru_nvcsw;
  const uint64_t edge = shared->edges++;
  if (edge >= EDGES) return;
  for (int r = 0; r < ROLE_COUNT; ++r) {
    for (int k = 0; k < KIND_COUNT; ++k) shared->at_edge[edge][r][k] = shared->now[r][k];
  }
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  if (clock == CLOCK_PROCESS_CPUTIME_ID && role == PROGRAM) note_edge();
  return NEXT(clock_gettime)(clock, time);
}
