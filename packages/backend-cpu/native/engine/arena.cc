// Arena over mmap: PROT_NONE pages cost nothing, mprotect makes them usable, MADV_DONTNEED gives them back.
#include "arena.h"

#if !defined(_WIN32)
#include <sys/mman.h>
#include <unistd.h>

namespace millet {

namespace {

// Growth in steps of a huge page, so that the system can back weights with huge pages.
constexpr size_t kStep = size_t{2} << 20;

size_t round_up(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

void advise_huge([[maybe_unused]] void* start, [[maybe_unused]] size_t bytes) {
#ifdef MADV_HUGEPAGE
  madvise(start, bytes, MADV_HUGEPAGE);  // advice: a refusal costs speed, nothing else
#endif
}

}  // namespace

Arena::Arena(size_t reserved_bytes) : reserved_(round_up(reserved_bytes, kStep)) {
  void* range = mmap(nullptr, reserved_ + kStep, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return;
  uint8_t* start = static_cast<uint8_t*>(range);
  const size_t skip = round_up(reinterpret_cast<uintptr_t>(start), kStep) - reinterpret_cast<uintptr_t>(start);
  if (skip != 0) munmap(start, skip);
  if (skip != kStep) munmap(start + skip + reserved_, kStep - skip);
  base_ = start + skip;
}

Arena::~Arena() {
  if (base_ != nullptr) munmap(base_, reserved_);
}

bool Arena::grow(size_t bytes, bool large) {
  if (bytes <= committed_) return true;
  if (bytes > reserved_) return false;
  const size_t end = round_up(bytes, kStep);
  uint8_t* start = base_ + committed_;
  if (mprotect(start, end - committed_, PROT_READ | PROT_WRITE) != 0) return false;
  if (large) advise_huge(start, end - committed_);
  committed_ = end;
  return true;
}

bool Arena::whole_pages(size_t start, size_t bytes) const {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes != 0 && start % page == 0 && bytes % page == 0 && start <= committed_ && bytes <= committed_ - start;
}

// Private and writable, so that a stray write is no crash. Where the file's pages are huge and offset and address agree
// modulo their size, as they do here, the system maps them as huge pages.
bool Arena::map(int file, size_t start, size_t bytes) {
  if (!whole_pages(start, bytes)) return false;
  constexpr int kFlags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED;
  void* range = mmap(base_ + start, bytes, PROT_READ | PROT_WRITE, kFlags, file, static_cast<off_t>(start));
  return range != MAP_FAILED;
}

bool Arena::unmap(size_t start, size_t bytes) {
  if (!whole_pages(start, bytes)) return false;
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  if (mmap(base_ + start, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0) == MAP_FAILED) return false;
  advise_huge(base_ + start, bytes);
  return true;
}

void Arena::release(size_t start, size_t bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t end = start + bytes;
  if (end < start || end > committed_) return;
  const size_t first = round_up(start, page);
  const size_t last = end / page * page;
  if (first < last) madvise(base_ + first, last - first, MADV_DONTNEED);
}

}  // namespace millet
#endif
