//===- BlockSplit.cpp - A random division without a list ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockSplit.h"

#include "flowc/Support/Philox.h"

#include <array>
#include <bitset>
#include <numeric>

using namespace flowc;

uint64_t BlockRandom::below(uint64_t bound, uint64_t block, uint32_t index) const {
  // The last word keeps these draws apart from those of `randomPermutation`.
  constexpr uint32_t domain = 0x626c6f63; // "bloc"
  auto word =
      philox4x32({index, static_cast<uint32_t>(block), static_cast<uint32_t>(epoch), domain ^ (stream << 24)},
                 {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32) ^ static_cast<uint32_t>(block >> 32)});
  uint64_t random = static_cast<uint64_t>(word[0]) << 32 | word[1];
  return static_cast<uint64_t>(static_cast<unsigned __int128>(random) * bound >> 64);
}

int64_t BlockSplit::before(int64_t block, bool chosen) const {
  int64_t place = std::min(block * kBlock, places);
  auto chosenBefore = static_cast<int64_t>(static_cast<__int128>(numChosen) * place / std::max<int64_t>(1, places));
  return chosen ? chosenBefore : place - chosenBefore;
}

void BlockSplit::list(int64_t block, bool chosen, std::vector<int64_t> &to) const {
  int64_t size = blockSize(block), wanted = before(block + 1, true) - before(block, true);
  // The last steps of a shuffle: what they move to the end is chosen.
  std::array<uint16_t, kBlock> order;
  std::iota(order.begin(), order.end(), uint16_t(0));
  std::bitset<kBlock> isChosen;
  for (int64_t i = size; i > size - wanted; --i) {
    auto j = random.below(static_cast<uint64_t>(i), static_cast<uint64_t>(block), static_cast<uint32_t>(i));
    std::swap(order[i - 1], order[j]);
    isChosen.set(order[i - 1]);
  }
  for (int64_t i = 0; i < size; ++i)
    if (isChosen[i] == chosen)
      to.push_back(block * kBlock + i);
}
