// What an engine does where the system gives it less: threads, addresses, a process that was forked. Each in a process
// of its own, where limits and failures stay.
#include "machine.h"

#if !defined(_WIN32)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <cstdio>
#include <new>

namespace millet::test {

#if defined(_WIN32)
void test_limits(const Setting&, Machine&) {}  // there is no fork() to try it in
#else

namespace {

// Sanitizers reserve addresses of their own, and take no part in a fork of a process with threads.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Addresses that this process has in use; 0 if the system does not tell.
size_t used_addresses() {
  FILE* file = fopen("/proc/self/statm", "r");
  size_t pages = 0;
  if (file == nullptr) return 0;
  if (fscanf(file, "%zu", &pages) != 1) pages = 0;
  fclose(file);
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// Runs `body` in a process of its own, where limits and failures stay. It passes by returning true.
template <class Body>
void in_child(const char* what, Body body) {
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = -1;
  check(child > 0 && waitpid(child, &status, 0) == child && status == 0, what);
}

// With room for a few stacks of threads only, an engine has fewer threads; without room for its memory it says so.
void test_few_resources(const Level& level) {
  if (used_addresses() == 0) return;
  const auto limit = [](size_t more) {
    const rlimit limits = {used_addresses() + more, RLIM_INFINITY};
    return setrlimit(RLIMIT_AS, &limits) == 0;
  };
  in_child("an engine of fewer threads", [&] {
    rlimit stack = {};
    getrlimit(RLIMIT_STACK, &stack);
    if (stack.rlim_cur == RLIM_INFINITY || !limit(4 * stack.rlim_cur)) return false;
    Engine engine(level, 64, size_t{4} << 20);
    return engine.threads() >= 1 && engine.threads() < 64;
  });
  in_child("an engine without memory", [&] {
    if (!limit(size_t{16} << 20)) return false;
    try {
      Engine engine(level, 1, size_t{1} << 30);
    } catch (const std::bad_alloc&) {
      return true;
    }
    return false;
  });
}

void test_fork(Machine& machine) {
  check(!machine.engine().absent(), "an engine takes itself for a fork");
  in_child("a fork", [&] {
    Engine& engine = machine.engine();
    const bool absent = engine.absent();
    engine.~Engine();  // must not wait for threads that are not there
    return absent;
  });
}

}  // namespace

void test_limits(const Setting& setting, Machine& machine) {
  if (kSanitized) return;
  if (!setting.emulated) test_few_resources(machine.engine().level());
  test_fork(machine);
}

#endif

}  // namespace millet::test
