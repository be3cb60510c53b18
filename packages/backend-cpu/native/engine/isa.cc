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

// Of CPUID, for what compilers' __builtin_cpu_supports does not know.
struct Registers {
  uint32_t eax, ebx, ecx, edx;
};
Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r = {leaf, 0, subleaf, 0};
  __asm__("cpuid" : "+a"(r.eax), "=b"(r.ebx), "+c"(r.ecx), "=d"(r.edx));
  return r;
}
bool has_f16c_bit() { return (cpuid(1, 0).ecx & (1u << 29)) != 0; }
bool has_avxvnni_bit() { return (cpuid(7, 1).eax & (1u << 4)) != 0; }

// The builtins also ask the operating system whether it saves the wide registers.
[[maybe_unused]] bool has_avx2() { return __builtin_cpu_supports("avx2") && has_f16c_bit(); }
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
