//===- Handover.h - Work that other threads do ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// oneTBB hands the pieces of a loop to its threads by means that the thread sanitizer does
// not see, as the library is not compiled with it. `handOver` tells it; in other
// builds that costs nothing.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_SUPPORT_HANDOVER_H
#define FLOWC_SUPPORT_HANDOVER_H

#ifdef FLOWC_SANITIZED_THREADS
extern "C" {
void __tsan_acquire(void *address);
void __tsan_release(void *address);
}
#endif

namespace flowc {

namespace detail {
#ifdef FLOWC_SANITIZED_THREADS
/// Loops share it: the address of a loop's own would have to be handed over, too.
inline char handoverMark;
inline void markGiven() { __tsan_release(&handoverMark); }
inline void markTaken() { __tsan_acquire(&handoverMark); }
#else
inline void markGiven() {}
inline void markTaken() {}
#endif
} // namespace detail

/// Runs a parallel loop: `run(body)` calls its argument on some threads as it would call
/// `piece`, and returns when all is done. What was written before is there for each piece,
/// and what pieces wrote is there afterwards.
template <typename Piece, typename Run>
void handOver(const Piece &piece, const Run &run) {
  auto body = [&piece](const auto &part) {
    detail::markTaken();
    piece(part);
    detail::markGiven();
  };
  detail::markGiven();
  run(body);
  detail::markTaken();
}

} // namespace flowc

#endif // FLOWC_SUPPORT_HANDOVER_H
