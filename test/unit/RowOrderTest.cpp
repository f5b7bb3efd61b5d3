//===- RowOrderTest.cpp - Divisions and orders of rows --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowOrder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

using namespace flowc;

namespace {

/// Nothing is listed: everything goes by blocks.
constexpr int64_t kNoList = 0, kAllListed = int64_t(1) << 24;

std::vector<int64_t> listAll(const RowSubset &rows) {
  std::vector<int64_t> all(static_cast<size_t>(rows.size()));
  rows.list(0, all);
  return all;
}

/// An epoch, taken `batch` rows at a time.
std::vector<int64_t> epochOf(RowOrder &order, int64_t count, int64_t epoch, int64_t batch) {
  order.startEpoch(epoch);
  std::vector<int64_t> rows(static_cast<size_t>(count));
  for (int64_t begin = 0; begin < count; begin += batch)
    order.list(begin, std::span(rows).subspan(begin, static_cast<size_t>(std::min(batch, count - begin))));
  return rows;
}

std::vector<int64_t> sorted(std::vector<int64_t> rows) {
  std::ranges::sort(rows);
  return rows;
}

std::vector<int64_t> iota(int64_t count) {
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

} // namespace

TEST(HoldOutTest, PartsAreADivision) {
  for (int64_t listed : {kNoList, kAllListed})
    for (int64_t rows : {1, 7, 1024, 1025, 5000, 100003})
      for (double share : {0.0, 0.1, 0.5, 0.99}) {
        HeldOut parts = holdOutRows(rows, share, 3, listed);
        EXPECT_EQ(parts.out->size(), std::nearbyint(share * static_cast<double>(rows)));
        std::vector<int64_t> kept = listAll(*parts.kept), out = listAll(*parts.out);
        EXPECT_TRUE(std::ranges::is_sorted(kept)) << rows << " " << share;
        EXPECT_TRUE(std::ranges::is_sorted(out));
        kept.insert(kept.end(), out.begin(), out.end());
        EXPECT_EQ(sorted(kept), iota(rows)) << rows << " " << share;
      }
}

TEST(HoldOutTest, AnyStretchCanBeListed) {
  HeldOut parts = holdOutRows(5000, 0.3, 3, kNoList);
  for (const RowSubset *part : {parts.kept.get(), parts.out.get()}) {
    std::vector<int64_t> all = listAll(*part);
    for (int64_t begin : {0, 1, 306, 307, 308, 716, 717, 718, 1000, 1499})
      for (int64_t count : {1, 2, 400}) {
        std::vector<int64_t> some(static_cast<size_t>(std::min(count, part->size() - begin)));
        part->list(begin, some);
        EXPECT_TRUE(std::ranges::equal(some, std::span(all).subspan(begin, some.size()))) << begin << ", " << count;
      }
  }
}

TEST(HoldOutTest, BlocksGiveEqualShares) {
  HeldOut parts = holdOutRows(102400, 0.1, 3, kNoList);
  std::vector<int64_t> perBlock(100), perPlace(64);
  for (int64_t row : listAll(*parts.out)) {
    ++perBlock[row / 1024];
    ++perPlace[row % 1024 / 16];
  }
  for (int64_t count : perBlock)
    EXPECT_THAT(count, testing::AllOf(testing::Ge(102), testing::Le(103)));
  // Binomial of 1,600 rows with probability 0.1: mean 160, deviation 12; five of them.
  for (int64_t count : perPlace)
    EXPECT_NEAR(static_cast<double>(count), 160, 60);
  EXPECT_NE(listAll(*parts.out), listAll(*holdOutRows(102400, 0.1, 4, kNoList).out));
}

TEST(RowOrderTest, EveryRowComesOnce) {
  // More than one window (1,048,576 rows), and an end that fills no block.
  constexpr int64_t rows = (int64_t(1) << 21) + 777, validation = 200003;
  for (int64_t listed : {kNoList, kAllListed}) {
    SplitOrders orders = splitRows(allRows(rows), validation, {5, listed, 0}, {});
    std::vector<int64_t> first = epochOf(*orders.train, rows - validation, 0, 100000),
                         second = epochOf(*orders.train, rows - validation, 1, 100000),
                         held = epochOf(*orders.validation, validation, 0, 70000);
    EXPECT_NE(first, second);
    EXPECT_EQ(sorted(first), sorted(second)) << "the split is the same in every epoch";
    std::vector<int64_t> all = first;
    all.insert(all.end(), held.begin(), held.end());
    EXPECT_EQ(sorted(all), iota(rows));
    // `forEach` sees the same rows.
    std::vector<int64_t> base;
    orders.train->forEach([&](std::span<const int64_t> some) { base.insert(base.end(), some.begin(), some.end()); });
    EXPECT_EQ(sorted(base), sorted(first));
  }
}

TEST(RowOrderTest, DoesNotDependOnHowItIsTaken) {
  constexpr int64_t rows = (int64_t(1) << 21) + 777;
  SplitOrders orders = splitRows(allRows(rows), 0, {5, kNoList, 0}, {});
  std::vector<int64_t> whole = epochOf(*orders.train, rows, 2, rows);
  EXPECT_EQ(epochOf(*splitRows(allRows(rows), 0, {5, kNoList, 0}, {}).train, rows, 2, 9999), whole);
  EXPECT_NE(epochOf(*splitRows(allRows(rows), 0, {6, kNoList, 0}, {}).train, rows, 2, rows), whole);
  // A resumed run begins in the middle of an epoch.
  auto later = splitRows(allRows(rows), 0, {5, kNoList, 0}, {}).train;
  std::vector<int64_t> end(5000);
  later->startEpoch(2);
  later->list(rows - 5000, end);
  EXPECT_TRUE(std::ranges::equal(end, std::span(whole).last(5000)));
}

TEST(RowOrderTest, WindowsMixFarRows) {
  // A batch of 1,000 of 2^22 rows comes from all parts of the file, and neighbours in
  // the order are no neighbours in the file.
  constexpr int64_t rows = int64_t(1) << 22;
  SplitOrders orders = splitRows(allRows(rows), 0, {1, kNoList, 0}, {});
  orders.train->startEpoch(0);
  std::vector<int64_t> batch(1000);
  orders.train->list(500, batch);
  std::vector<int64_t> perSixteenth(16);
  int64_t neighbours = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    ++perSixteenth[batch[i] / (rows / 16)];
    neighbours += i > 0 && batch[i] / 1024 == batch[i - 1] / 1024;
  }
  // Means 62.5; deviations about 8 of the rows and 7 of the window's blocks: five of both together.
  for (int64_t count : perSixteenth)
    EXPECT_NEAR(static_cast<double>(count), 62.5, 55);
  EXPECT_LT(neighbours, 10) << "of 1,024 blocks, one is expected";
}

TEST(RowOrderTest, SubsetsAndSplitsGoTogether) {
  HeldOut parts = holdOutRows(50000, 0.2, 1, kNoList);
  SplitOrders orders = splitRows(parts.kept, 4000, {1, kNoList, 0}, {});
  std::vector<int64_t> all = epochOf(*orders.train, 36000, 3, 1000), held = epochOf(*orders.validation, 4000, 0, 10);
  all.insert(all.end(), held.begin(), held.end());
  EXPECT_EQ(sorted(all), listAll(*parts.kept));
}
