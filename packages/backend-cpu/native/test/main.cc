// Conformance of the native engine: every test on every level that this machine runs, with 1, 2 and 3 threads.
// Arguments: --reduced for sanitizers; --level NAME for one level only; --emulated where another program runs this one.
#include <cstdio>
#include <cstring>

#include "machine.h"

int main(int count, char** arguments) {
  using namespace millet;
  using namespace millet::test;
  bool reduced = false;
  bool emulated = false;
  std::string only;
  for (int i = 1; i < count; i++) {
    if (strcmp(arguments[i], "--reduced") == 0) reduced = true;
    else if (strcmp(arguments[i], "--emulated") == 0) emulated = true;
    else if (strcmp(arguments[i], "--level") == 0 && i + 1 < count) only = arguments[++i];
    else return fprintf(stderr, "unknown argument %s\n", arguments[i]), 2;
  }
  int ran = 0;
  for (const Level& level : all_levels()) {
    const std::string name(level.name);
    if (!only.empty() && name != only) continue;
    if (!level.supported()) {
      printf("%s: not run, the processor does not have it\n", name.c_str());
      continue;
    }
    ran++;
    const int before = failures;
    for (const int threads : {1, 2, 3}) {
      const Setting setting = {name, threads, reduced, emulated};
      for (const auto test : {test_linear, test_rows, test_attention, test_engine}) test(setting);
    }
    printf("%s: %s\n", name.c_str(), failures == before ? "passed" : "FAILED");
  }
  printf("digest of results: %016llx\n", static_cast<unsigned long long>(digest));
  if (ran == 0) return fprintf(stderr, "no level was run\n"), 1;
  return failures == 0 ? 0 : 1;
}
