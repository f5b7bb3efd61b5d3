//===- RowSubset.cpp - Rows that are held out -----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Training/RowSubset.h"

#include "Batches.h"
#include "BlockSplit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ranges>

using namespace flowc;

namespace {

class AllRows : public RowSubset {
public:
  explicit AllRows(int64_t rows) : rows(rows) {}
  int64_t size() const override { return rows; }
  void list(int64_t begin, std::span<int64_t> to) const override { std::iota(to.begin(), to.end(), begin); }

private:
  int64_t rows;
};

class ListedRows : public RowSubset {
public:
  explicit ListedRows(std::vector<uint32_t> rows) : rows(std::move(rows)) {}
  int64_t size() const override { return static_cast<int64_t>(rows.size()); }
  void list(int64_t begin, std::span<int64_t> to) const override {
    std::copy_n(rows.begin() + begin, to.size(), to.begin());
  }

private:
  std::vector<uint32_t> rows;
};

/// Some of another subset.
class EveryNth : public RowSubset {
public:
  EveryNth(std::shared_ptr<const RowSubset> all, int64_t count) : all(std::move(all)), count(count) {}
  int64_t size() const override { return count; }
  void list(int64_t begin, std::span<int64_t> to) const override {
    for (size_t i = 0; i < to.size(); ++i) {
      // The product may be more than 64 bits have.
      auto place = static_cast<int64_t>(static_cast<__int128>(begin + static_cast<int64_t>(i)) * all->size() / count);
      all->list(place, to.subspan(i, 1));
    }
  }

private:
  std::shared_ptr<const RowSubset> all;
  int64_t count;
};

/// A part of a division by blocks.
class BlockRows : public RowSubset {
public:
  BlockRows(BlockSplit split, bool chosen) : split(split), chosen(chosen) {}
  int64_t size() const override { return split.size(chosen); }
  void list(int64_t begin, std::span<int64_t> to) const override {
    auto blocks = std::views::iota(int64_t(0), split.numBlocks());
    // The last block with no more than `begin` rows before it; its first ones are skipped.
    int64_t block =
        *std::ranges::upper_bound(blocks, begin, {}, [&](int64_t b) { return split.before(b + 1, chosen); });
    int64_t skipped = begin - split.before(block, chosen);
    std::vector<int64_t> rows;
    for (size_t done = 0; done < to.size(); skipped = 0) {
      rows.clear();
      split.list(block++, chosen, rows);
      size_t count = std::min(rows.size() - static_cast<size_t>(skipped), to.size() - done);
      std::copy_n(rows.begin() + skipped, count, to.begin() + static_cast<int64_t>(done));
      done += count;
    }
  }

private:
  BlockSplit split;
  bool chosen;
};

} // namespace

std::shared_ptr<const RowSubset> flowc::allRows(int64_t rows) { return std::make_shared<AllRows>(rows); }

std::shared_ptr<const RowSubset> flowc::listedRows(std::vector<uint32_t> rows) {
  return std::make_shared<ListedRows>(std::move(rows));
}

std::shared_ptr<const RowSubset> flowc::everyNth(std::shared_ptr<const RowSubset> all, int64_t count) {
  if (count >= all->size())
    return all;
  return std::make_shared<EveryNth>(std::move(all), count);
}

HeldOut flowc::holdOutRows(int64_t rows, double share, uint64_t seed, int64_t listedRows) {
  constexpr uint32_t stream = 16;
  auto count = static_cast<int64_t>(std::nearbyint(share * static_cast<double>(rows)));
  if (count == 0)
    return {allRows(rows), allRows(0)};
  if (rows > listedRows) {
    BlockSplit split(rows, count, seed, stream);
    return {std::make_shared<BlockRows>(split, false), std::make_shared<BlockRows>(split, true)};
  }
  std::vector<uint32_t> order(static_cast<size_t>(rows));
  randomPermutation(seed, stream, 0, std::span(order));
  std::sort(order.begin(), order.begin() + count);
  std::sort(order.begin() + count, order.end());
  return {std::make_shared<ListedRows>(std::vector<uint32_t>(order.begin() + count, order.end())),
          std::make_shared<ListedRows>(std::vector<uint32_t>(order.begin(), order.begin() + count))};
}

Expected<void> flowc::forEachBlock(const RowsView &rows, const RowSubset &subset, DType dtype,
                                   const std::function<Expected<void>(const void *, int64_t)> &visit) {
  // An even number: whole words of 64 bits, whatever the type.
  constexpr int64_t pairs = 1 << 19;
  const int64_t step = 2 * std::max<int64_t>(1, pairs / std::max<int64_t>(1, rows.columns()));
  std::vector<int64_t> places(static_cast<size_t>(std::min(step, subset.size())));
  std::vector<double> block(places.size() *
                            static_cast<size_t>(rows.columns())); // Doubles are aligned for floats, too.
  for (int64_t begin = 0; begin < subset.size(); begin += step) {
    int64_t count = std::min(step, subset.size() - begin);
    auto chosen = std::span(places).first(static_cast<size_t>(count));
    subset.list(begin, chosen);
    rows.copy(chosen, dtype, block.data());
    if (auto ok = visit(block.data(), count); !ok)
      return ok;
  }
  return {};
}
