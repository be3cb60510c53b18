// Arena over VirtualAlloc: pages are committed as it grows. Files cannot be shown in it; their readers copy.
#include "arena.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

namespace millet {

namespace {

constexpr size_t kStep = size_t{2} << 20;
constexpr size_t kPage = 4096;

size_t round_up(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

}  // namespace

Arena::Arena(size_t reserved_bytes) : reserved_(round_up(reserved_bytes, kStep)) {
  base_ = static_cast<uint8_t*>(VirtualAlloc(nullptr, reserved_, MEM_RESERVE, PAGE_NOACCESS));
}

Arena::~Arena() {
  if (base_ != nullptr) VirtualFree(base_, 0, MEM_RELEASE);
}

// Windows gives large pages to few: all are small.
bool Arena::grow(size_t bytes, bool) {
  if (bytes <= committed_) return true;
  if (bytes > reserved_) return false;
  const size_t end = round_up(bytes, kStep);
  if (VirtualAlloc(base_ + committed_, end - committed_, MEM_COMMIT, PAGE_READWRITE) == nullptr) return false;
  committed_ = end;
  return true;
}

bool Arena::whole_pages(size_t start, size_t bytes) const {
  return bytes != 0 && start % kPage == 0 && bytes % kPage == 0 && start <= committed_ && bytes <= committed_ - start;
}

bool Arena::map(int, size_t, size_t) { return false; }

bool Arena::unmap(size_t start, size_t bytes) {
  if (!whole_pages(start, bytes)) return false;
  release(start, bytes);
  return true;
}

// Pages that are committed anew are zero.
void Arena::release(size_t start, size_t bytes) {
  const size_t end = start + bytes;
  if (end < start || end > committed_) return;
  const size_t first = round_up(start, kPage);
  const size_t last = end / kPage * kPage;
  if (first >= last) return;
  VirtualFree(base_ + first, last - first, MEM_DECOMMIT);
  VirtualAlloc(base_ + first, last - first, MEM_COMMIT, PAGE_READWRITE);
}

}  // namespace millet
#endif
