// Function attributes of code that kernels share. Such code must have internal linkage: kernels are compiled once per
// ISA level, and a linker that merged two levels' copies of a function would run AVX-512 code on a machine without it.
#pragma once

#define MILLET_INLINE static inline __attribute__((always_inline))
#define MILLET_INLINE_MEMBER static inline __attribute__((always_inline))
