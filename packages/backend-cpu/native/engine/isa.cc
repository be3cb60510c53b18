// Which levels this build has, and what the processor and the system say they can run.
#include "isa.h"

#include "levels.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace millet {

#define MILLET_DECLARE(level) \
  namespace level { extern const KernelTable kTable; }
MILLET_LEVELS(MILLET_DECLARE)
#undef MILLET_DECLARE

// What the processor and the system say, one function per level: has_<level>(). A build may leave levels out.
namespace {

#if defined(__x86_64__)

// CPUID leaf 7, subleaf 1, EAX bit 4; GCC 12's __builtin_cpu_supports does not know it.
bool has_avxvnni_bit() {
  uint32_t eax = 7, ebx = 0, ecx = 1, edx = 0;
  __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  return (eax & (1u << 4)) != 0;
}

// The builtins also ask the operating system whether it saves the wide registers.
[[maybe_unused]] bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c"); }
[[maybe_unused]] bool has_avxvnni() { return has_avx2() && has_avxvnni_bit(); }
[[maybe_unused]] bool has_avx512vnni() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni");
}

#elif defined(__aarch64__)
#if defined(__linux__)
[[maybe_unused]] bool has_neon_dotprod() { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
#else
[[maybe_unused]] bool has_neon_dotprod() { return true; }  // every Apple processor that runs 64-bit macOS
#endif
#else
#error "no kernels for this architecture"
#endif

}  // namespace

const std::vector<Level>& all_levels() {
#define MILLET_ENTRY(level) {#level, &MILLET_BASE::kTable, &level::kTable, has_##level},
  static const std::vector<Level> levels = {MILLET_LEVELS(MILLET_ENTRY)};
#undef MILLET_ENTRY
  return levels;
}

Kernel Level::kernel(uint32_t opcode) const {
  if (opcode >= kMaxOpcode) return nullptr;
  return own->kernels[opcode] != nullptr ? own->kernels[opcode] : base->kernels[opcode];
}

const Level* find_level(std::string_view name) {
  for (const Level& level : all_levels()) {
    if ((name == "auto" || name == level.name) && level.supported()) return &level;
  }
  return nullptr;
}

}  // namespace millet
