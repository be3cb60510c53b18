// An engine's memory: one range of addresses reserved at once, given pages as it grows. Byte address a of a Program
// lies at base() + a. New pages hold zeros. Not safe for use by several threads at once, save reading base().
#pragma once

#include <cstddef>
#include <cstdint>

namespace millet {

class Arena {
 public:
#if defined(_WIN32)
  static constexpr bool kMapsFiles = false;
#else
  static constexpr bool kMapsFiles = true;
#endif

  // Reserves addresses; takes no memory yet. Check valid().
  explicit Arena(size_t reserved_bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  bool valid() const { return base_ != nullptr; }
  uint8_t* base() const { return base_; }
  size_t reserved() const { return reserved_; }
  size_t committed() const { return committed_; }

  // Makes the first `bytes` bytes usable; asks for large pages for the new ones if they are to be `large`: those are
  // faster to go through, and cleared as a whole when they are first touched. False if the system refuses; nothing is
  // lost then.
  bool grow(size_t bytes, bool large = true);

  // Shows the bytes of an open file at the same addresses, whole pages within what is committed, in place of what was
  // there. Nothing is read yet. Writing copies a page and never changes the file. False if the system refuses; the
  // range is then as it was.
  bool map(int file, size_t start, size_t bytes);

  // Puts zeroed memory there again. False if the system refuses.
  bool unmap(size_t start, size_t bytes);

  // Gives the whole pages within [start, start + bytes) back to the system; they read as zeros afterwards.
  void release(size_t start, size_t bytes);

 private:
  bool whole_pages(size_t start, size_t bytes) const;

  uint8_t* base_ = nullptr;
  size_t reserved_ = 0;
  size_t committed_ = 0;
};

}  // namespace millet
