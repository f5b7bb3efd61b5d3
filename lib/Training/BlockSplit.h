//===- BlockSplit.h - A random division without a list ----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of every block of neighbours the same share is chosen, up to a whole number, so
// that how many there are before a block is a formula. Which ones are chosen is a
// function of the seed and the block.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_TRAINING_BLOCKSPLIT_H
#define FLOWC_LIB_TRAINING_BLOCKSPLIT_H

#include <algorithm>
#include <cstdint>
#include <vector>

namespace flowc {

/// Uniform numbers of a stream of a seed: draw `index` of number `block` in `epoch`.
struct BlockRandom {
  uint64_t seed;
  uint32_t stream;
  uint64_t epoch = 0;

  /// A whole number below `bound`, which is below 2^32; its bias is below bound / 2^64.
  uint64_t below(uint64_t bound, uint64_t block, uint32_t index) const;
};

/// Divides places 0 ... `places` - 1 in `chosen` chosen ones and the rest.
class BlockSplit {
public:
  static constexpr int64_t kBlock = 1024;

  BlockSplit(int64_t places, int64_t chosen, uint64_t seed, uint32_t stream)
      : places(places), numChosen(chosen), random{seed, stream} {}

  int64_t numBlocks() const { return (places + kBlock - 1) / kBlock; }
  int64_t blockSize(int64_t block) const { return std::min(kBlock, places - block * kBlock); }
  /// How many places of a part there are, and how many of them are before a block.
  int64_t size(bool chosen) const { return chosen ? numChosen : places - numChosen; }
  int64_t before(int64_t block, bool chosen) const;
  /// Appends the places of a part of a block, in order.
  void list(int64_t block, bool chosen, std::vector<int64_t> &to) const;

private:
  int64_t places, numChosen;
  BlockRandom random;
};

} // namespace flowc

#endif // FLOWC_LIB_TRAINING_BLOCKSPLIT_H
