//===- RowOrder.cpp - In which order an epoch takes rows ------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowOrder.h"

#include "Batches.h"
#include "BlockSplit.h"

#include <algorithm>
#include <array>
#include <future>
#include <limits>

using namespace flowc;

namespace {

/// Random streams: how the rows are divided, and the order of both parts.
enum Stream : uint32_t { Split, TrainOrder, ValOrder };

/// A list, shuffled as a whole.
class ListedOrder : public RowOrder {
public:
  /// The rows `begin` ... `begin + count - 1` of the list.
  ListedOrder(std::shared_ptr<const std::vector<uint32_t>> list, int64_t begin, int64_t count, uint64_t seed,
              Stream stream)
      : all(std::move(list)), rows(std::span(*all).subspan(static_cast<size_t>(begin), static_cast<size_t>(count))),
        order(rows.size()), seed(seed), stream(stream) {}

  void startEpoch(int64_t epoch) override {
    if (std::exchange(orderedEpoch, epoch) == epoch)
      return;
    randomPermutation(seed, stream, static_cast<uint64_t>(epoch), std::span(order));
    for (uint32_t &entry : order)
      entry = rows[entry];
  }
  void list(int64_t begin, std::span<int64_t> to) override {
    std::copy_n(order.begin() + begin, to.size(), to.begin());
  }
  void forEach(const std::function<void(std::span<const int64_t>)> &visit) const override {
    for (uint32_t row : rows) {
      int64_t wide = row;
      visit({&wide, 1});
    }
  }

private:
  std::shared_ptr<const std::vector<uint32_t>> all;
  std::span<const uint32_t> rows;
  std::vector<uint32_t> order;
  uint64_t seed;
  Stream stream;
  int64_t orderedEpoch = -1;
};

/// Blocks in random order, shuffled in windows. A block is one of a `BlockSplit` of
/// the places of a subset, of which this order has one part.
class WindowedOrder : public RowOrder {
public:
  /// Blocks of a window.
  static constexpr int64_t kBlocks = 1024;

  WindowedOrder(std::shared_ptr<const RowSubset> rows, BlockSplit split, bool chosen, Stream stream,
                const OrderOptions &options, std::vector<RowsView> views)
      : rows(std::move(rows)), split(split), chosen(chosen), stream(stream), seed(options.seed),
        launch(options.threads == 1 ? std::launch::deferred : std::launch::async), views(std::move(views)) {}

  void startEpoch(int64_t epoch) override;
  void list(int64_t begin, std::span<int64_t> to) override;
  void forEach(const std::function<void(std::span<const int64_t>)> &visit) const override;

private:
  std::span<const uint32_t> blocksOf(int64_t window) const;
  /// Appends the rows of this part of a block.
  void listBlock(int64_t block, std::vector<int64_t> &to) const;
  /// The rows of a window in their order.
  std::vector<int64_t> makeWindow(int64_t window) const;
  void loadWindow(int64_t window);
  /// Starts to read the rows of a window's blocks.
  void fetch(int64_t window) const;

  std::shared_ptr<const RowSubset> rows;
  BlockSplit split;
  bool chosen;
  Stream stream;
  uint64_t seed;
  std::launch launch;
  std::vector<RowsView> views;

  int64_t epoch = -1, loaded = -1;
  std::vector<uint32_t> blocks; ///< In the order of the epoch.
  std::vector<int64_t> starts;  ///< The first place of every window, and the end.
  std::vector<int64_t> window;  ///< The rows of the loaded one.
  /// Those of the one behind it; the last member, since it reads the others.
  std::future<std::vector<int64_t>> next;
};

void WindowedOrder::startEpoch(int64_t wanted) {
  if (epoch == wanted)
    return;
  next = {}; // Waits: it is of the old order.
  epoch = wanted;
  loaded = -1;
  blocks.resize(static_cast<size_t>(split.numBlocks()));
  randomPermutation(seed, stream, static_cast<uint64_t>(epoch), std::span(blocks));
  starts.assign(1, 0);
  for (int64_t w = 0; w * kBlocks < split.numBlocks(); ++w) {
    int64_t end = starts.back();
    for (uint32_t block : blocksOf(w))
      end += split.before(block + int64_t(1), chosen) - split.before(block, chosen);
    starts.push_back(end);
  }
}

std::span<const uint32_t> WindowedOrder::blocksOf(int64_t w) const {
  auto begin = static_cast<size_t>(w * kBlocks);
  return std::span(blocks).subspan(begin, std::min<size_t>(kBlocks, blocks.size() - begin));
}

void WindowedOrder::listBlock(int64_t block, std::vector<int64_t> &to) const {
  size_t begin = to.size();
  split.list(block, chosen, to);
  // From places of the subset to rows: those of a block are listed in one go.
  std::array<int64_t, BlockSplit::kBlock> all;
  int64_t first = block * BlockSplit::kBlock;
  rows->list(first, std::span(all).first(static_cast<size_t>(split.blockSize(block))));
  for (size_t i = begin; i < to.size(); ++i)
    to[i] = all[static_cast<size_t>(to[i] - first)];
}

void WindowedOrder::fetch(int64_t w) const {
  for (uint32_t block : blocksOf(w)) {
    int64_t ends[2], first = block * BlockSplit::kBlock;
    rows->list(first, std::span(ends, 1));
    rows->list(first + split.blockSize(block) - 1, std::span(ends + 1, 1));
    for (const RowsView &view : views)
      view.willNeed(ends[0], ends[1] - ends[0] + 1);
  }
}

std::vector<int64_t> WindowedOrder::makeWindow(int64_t w) const {
  std::vector<int64_t> list;
  list.reserve(static_cast<size_t>(starts[w + 1] - starts[w]));
  for (uint32_t block : blocksOf(w))
    listBlock(block, list);
  BlockRandom random{seed, stream, static_cast<uint64_t>(epoch)};
  for (size_t i = list.size(); i > 1; --i)
    std::swap(list[i - 1], list[random.below(i, static_cast<uint64_t>(w), static_cast<uint32_t>(i))]);
  return list;
}

void WindowedOrder::loadWindow(int64_t w) {
  bool isNext = next.valid() && loaded + 1 == w;
  if (!isNext)
    fetch(w);
  window = isNext ? next.get() : makeWindow(w);
  loaded = w;
  next = {};
  if (w + 2 < std::ssize(starts)) {
    fetch(w + 1);
    next = std::async(launch, &WindowedOrder::makeWindow, this, w + 1);
  }
}

void WindowedOrder::list(int64_t begin, std::span<int64_t> to) {
  for (size_t done = 0; done < to.size();) {
    int64_t place = begin + static_cast<int64_t>(done);
    int64_t w = std::ranges::upper_bound(starts, place) - starts.begin() - 1;
    if (w != loaded)
      loadWindow(w);
    auto offset = static_cast<size_t>(place - starts[w]), count = std::min(window.size() - offset, to.size() - done);
    std::copy_n(window.begin() + static_cast<int64_t>(offset), count, to.begin() + static_cast<int64_t>(done));
    done += count;
  }
}

void WindowedOrder::forEach(const std::function<void(std::span<const int64_t>)> &visit) const {
  std::vector<int64_t> part;
  for (int64_t block = 0; block < split.numBlocks(); ++block) {
    part.clear();
    listBlock(block, part);
    visit(part);
  }
}

bool isListed(const RowSubset &rows, const OrderOptions &options) {
  return rows.size() <= std::min<int64_t>(options.listedRows, std::numeric_limits<uint32_t>::max());
}

std::vector<uint32_t> listAll(const RowSubset &rows) {
  std::vector<uint32_t> all;
  all.reserve(static_cast<size_t>(rows.size()));
  std::array<int64_t, BlockSplit::kBlock> some;
  while (static_cast<int64_t>(all.size()) < rows.size()) {
    auto begin = static_cast<int64_t>(all.size());
    auto part = std::span(some).first(static_cast<size_t>(std::min(BlockSplit::kBlock, rows.size() - begin)));
    rows.list(begin, part);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

} // namespace

SplitOrders flowc::splitRows(std::shared_ptr<const RowSubset> rows, int64_t validationRows, const OrderOptions &options,
                             const std::vector<RowsView> &views) {
  int64_t count = rows->size(), trainRows = count - validationRows;
  if (!isListed(*rows, options)) {
    BlockSplit split(count, validationRows, options.seed, Split);
    return {std::make_unique<WindowedOrder>(rows, split, false, TrainOrder, options, views),
            std::make_unique<WindowedOrder>(rows, split, true, ValOrder, options, views)};
  }
  auto list = std::make_shared<std::vector<uint32_t>>(static_cast<size_t>(count));
  randomPermutation(options.seed, Split, 0, std::span(*list));
  std::vector<uint32_t> inOrder = listAll(*rows);
  for (uint32_t &place : *list)
    place = inOrder[place];
  return {std::make_unique<ListedOrder>(list, 0, trainRows, options.seed, TrainOrder),
          std::make_unique<ListedOrder>(list, trainRows, validationRows, options.seed, ValOrder)};
}

std::unique_ptr<RowOrder> flowc::validationOrder(std::shared_ptr<const RowSubset> rows, const OrderOptions &options,
                                                 const std::vector<RowsView> &views) {
  int64_t count = rows->size();
  if (isListed(*rows, options))
    return std::make_unique<ListedOrder>(std::make_shared<std::vector<uint32_t>>(listAll(*rows)), 0, count,
                                         options.seed, ValOrder);
  BlockSplit split(count, 0, options.seed, Split);
  return std::make_unique<WindowedOrder>(std::move(rows), split, false, ValOrder, options, views);
}
