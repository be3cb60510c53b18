// Which levels this build has, and what the processor and the system say they can run.
#include "isa.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace millet {

#if defined(__x86_64__)
namespace avx2 { extern const KernelTable kTable; }
namespace avxvnni { extern const KernelTable kTable; }
namespace avx512vnni { extern const KernelTable kTable; }

namespace {

// CPUID leaf 7, subleaf 1, EAX bit 4; GCC 12's __builtin_cpu_supports does not know it.
bool has_avxvnni_bit() {
  uint32_t eax = 7, ebx = 0, ecx = 1, edx = 0;
  __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  return (eax & (1u << 4)) != 0;
}

// The builtins also ask the operating system whether it saves the wide registers.
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c"); }
bool has_avxvnni() { return has_avx2() && has_avxvnni_bit(); }
bool has_avx512vnni() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni");
}

}  // namespace

const std::vector<Level>& all_levels() {
  static const std::vector<Level> levels = {
      {"avx512vnni", &avx2::kTable, &avx512vnni::kTable, has_avx512vnni},
      {"avxvnni", &avx2::kTable, &avxvnni::kTable, has_avxvnni},
      {"avx2", &avx2::kTable, &avx2::kTable, has_avx2},
  };
  return levels;
}
#elif defined(__aarch64__)
namespace neon_dotprod { extern const KernelTable kTable; }

namespace {

#if defined(__linux__)
bool has_dotprod() { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
#else
bool has_dotprod() { return true; }  // every Apple processor that runs 64-bit macOS
#endif

}  // namespace

const std::vector<Level>& all_levels() {
  static const std::vector<Level> levels = {
      {"neon_dotprod", &neon_dotprod::kTable, &neon_dotprod::kTable, has_dotprod},
  };
  return levels;
}
#else
#error "no kernels for this architecture"
#endif

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
