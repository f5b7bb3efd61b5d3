//===- MicroKernelsTest.cpp - The micro-kernels against plain loops -------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Conversion/MicroKernels.h"
#include "ExpandMathJit.h"
#include "flowc/Conversion/ExpandMath.h"
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <random>

using namespace flowc;
using namespace flowc::test;
using namespace mlir;

namespace {

/// An array aligned like a tile.
template <typename T>
struct Aligned {
  explicit Aligned(size_t size, T value = T(0)) : count(size) {
    data = static_cast<T *>(std::aligned_alloc(64, (size * sizeof(T) + 63) / 64 * 64));
    std::fill_n(data, size, value);
  }
  Aligned(const Aligned &) = delete;
  ~Aligned() { std::free(data); }
  T &operator[](size_t i) { return data[i]; }
  void randomise(std::mt19937 &random) {
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (size_t i = 0; i < count; ++i)
      data[i] = T(uniform(random));
  }
  size_t count;
  T *data;
};

/// Tests run for both element types and for 512, 256 and 128 bits.
template <typename T, int bits>
struct Config {
  using Element = T;
  static constexpr int64_t lanes = bits / 8 / sizeof(T), stride = 4 * lanes;
  static TileShape shape(MLIRContext &context) {
    return TileShape(sizeof(T) == 4 ? FloatType(Float32Type::get(&context)) : FloatType(Float64Type::get(&context)),
                     **getVectorUnit(bits == 512   ? "avx512"
                                     : bits == 256 ? "avx"
                                                   : "sse2"));
  }
};

template <typename ConfigT>
struct MicroKernels : ::testing::Test {
  using T = typename ConfigT::Element;
  static constexpr int64_t lanes = ConfigT::lanes, stride = ConfigT::stride;

  MicroKernels() : module(ModuleOp::create(UnknownLoc::get(&context))), shape(ConfigT::shape(context)) {}

  /// Makes a micro-kernel visible to `kernel`.
  std::string publish(func::FuncOp function) {
    function.setPublic();
    function->removeAttr("llvm.linkage");
    return function.getName().str();
  }
  template <typename Function>
  Function *kernel(StringRef name) {
    if (!jit)
      jit = Jit::compile(*module);
    return jit ? jit->lookup<Function>(name) : nullptr;
  }

  TileContext context;
  OwningOpRef<ModuleOp> module;
  TileShape shape;
  std::unique_ptr<Jit> jit;
  std::mt19937 random{11};
};

using Configs = ::testing::Types<Config<float, 512>, Config<double, 512>, Config<float, 256>, Config<double, 256>,
                                 Config<float, 128>>;

struct ConfigNames {
  template <typename ConfigT>
  static std::string GetName(int) {
    return (sizeof(typename ConfigT::Element) == 4 ? "f32x" : "f64x") + std::to_string(ConfigT::lanes);
  }
};
TYPED_TEST_SUITE(MicroKernels, Configs, ConfigNames);

//===----------------------------------------------------------------------===//
// Dense layers
//===----------------------------------------------------------------------===//

template <typename T>
using DenseWithOperandFunction = void(const T *, const T *, const int32_t *, const T *, T *, const T *, int64_t,
                                      int64_t, int64_t, int64_t);
template <typename T>
using DenseFunction = void(const T *, const T *, const int32_t *, const T *, T *, int64_t, int64_t, int64_t, int64_t);

/// A layer with blocks of several numbers of rows up to `mostRows`, irregular ranges of k,
/// and weights that lie row by row or, in every other block, column by column.
template <typename T>
struct Layer {
  std::vector<int32_t> table;
  std::vector<T> weights;
  int64_t blocks = 0, outputs = 0, inputs;

  Layer(int64_t inputs, int64_t mostRows, std::mt19937 &random) : inputs(inputs) {
    std::uniform_real_distribution<double> uniform(-1, 1);
    std::vector<int32_t> rowCounts = {4, 1, 3, 2, 4, 2};
    for (int32_t rows = 5; rows <= mostRows; ++rows)
      rowCounts.insert(rowCounts.end(), 2, rows);
    for (int32_t wanted : rowCounts) {
      int32_t rows = std::min<int32_t>(wanted, static_cast<int32_t>(mostRows));
      auto all = static_cast<int32_t>(inputs), begin = std::min<int32_t>(blocks % 3, all);
      int32_t count = blocks == 3 ? 0 : std::max<int32_t>(all - begin - blocks % 2, 0);
      auto offset = static_cast<int32_t>(weights.size());
      bool byRows = blocks % 2;
      table.insert(table.end(), {static_cast<int32_t>(outputs), rows, begin, count, offset, offset + rows,
                                 byRows ? count + 1 : 1, byRows ? 1 : rows});
      for (int i = 0; i < rows * (count + 2); ++i)
        weights.push_back(T(uniform(random)));
      outputs += rows;
      ++blocks;
    }
  }
  int32_t entry(int64_t block, int64_t field) const { return table[block * DenseTableStride + field]; }
};

TYPED_TEST(MicroKernels, DenseIsAChainOfFusedMultiplyAdds) {
  using T = typename TypeParam::Element;
  constexpr int64_t lanes = TypeParam::lanes, stride = TypeParam::stride;
  auto relu = [](OpBuilder &b, Location loc, Value x, Value /*operand*/) -> Value {
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(x.getType()));
    Value positive = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, zero);
    return arith::SelectOp::create(b, loc, positive, x, zero);
  };
  std::string identity = this->publish(getOrCreateDense(*this->module, this->shape));
  std::string inRegisters = this->publish(getOrCreateDense(*this->module, this->shape, {"relu", relu, true}));
  std::string inLoop = this->publish(getOrCreateDense(*this->module, this->shape, {"relu_loop", relu, false}));
  std::string accumulating = this->publish(getOrCreateDense(*this->module, this->shape, {}, true));
  auto subtract = [](OpBuilder &b, Location loc, Value x, Value operand) -> Value {
    return arith::SubFOp::create(b, loc, x, operand);
  };
  std::string withOperand =
      this->publish(getOrCreateDense(*this->module, this->shape, {"with_operand", subtract, true, true}));

  Layer<T> layer(13, this->shape.denseBlockRows(), this->random);
  Aligned<T> x(layer.inputs * stride), y(layer.outputs * stride), start(layer.outputs * stride),
      operand(layer.outputs * stride);
  for (Aligned<T> *array : {&x, &start, &operand})
    array->randomise(this->random);
  for (const std::string &name : {identity, inRegisters, inLoop, accumulating, withOperand}) {
    auto *dense = this->template kernel<DenseFunction<T>>(name);
    auto *denseWithOperand = this->template kernel<DenseWithOperandFunction<T>>(withOperand);
    ASSERT_TRUE(dense && denseWithOperand);
    for (int64_t used : {int64_t(1), lanes, lanes + 1, 2 * lanes, 3 * lanes, 3 * lanes + 1, 3 * lanes + lanes / 2,
                         3 * lanes + lanes / 2 + 1, 4 * lanes}) {
      for (UnusedLanes unused : {UnusedLanes::Computed, UnusedLanes::Zero, UnusedLanes::Repeated}) {
        std::copy_n(start.data, start.count, y.data);
        const T *weights = layer.weights.data();
        if (name == withOperand)
          denseWithOperand(weights, weights, layer.table.data(), x.data, y.data, operand.data, 1, layer.blocks, used,
                           int64_t(unused));
        else
          dense(weights, weights, layer.table.data(), x.data, y.data, 1, layer.blocks, used, int64_t(unused));
        // The block of four vectors with 32 registers may end with half a one.
        bool isHalf = unused != UnusedLanes::Computed && this->shape.unit->registers == 32 && used > 3 * lanes &&
                      used <= 3 * lanes + lanes / 2;
        for (int64_t block = 0; block < layer.blocks; ++block) {
          int64_t rows = layer.entry(block, RowCount);
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t lane = 0; lane < stride; ++lane) {
              int64_t row = (layer.entry(block, RowBegin) + r) * stride, from = lane;
              bool isLeftOut = isHalf && lane >= 3 * lanes + lanes / 2;
              if (isLeftOut && unused == UnusedLanes::Repeated)
                from -= lanes / 2;
              T want = name == accumulating ? start[row + from] : weights[layer.entry(block, BiasOffset) + r];
              for (int64_t k = 0; k < layer.entry(block, InputCount); ++k)
                want = std::fma(weights[layer.entry(block, WeightOffset) + r * layer.entry(block, RowStride) +
                                        k * layer.entry(block, ColumnStride)],
                                x[(layer.entry(block, InputBegin) + k) * stride + from], want);
              if (isLeftOut && unused == UnusedLanes::Zero)
                want = 0;
              if ((name == inRegisters || name == inLoop) && !(want > 0))
                want = 0;
              if (name == withOperand)
                want -= operand[row + lane];
              if (block == 0 || lane >= (used + lanes - 1) / lanes * lanes)
                want = start[row + lane]; // outside the blocks or vectors asked for
              ASSERT_EQ(y[row + lane], want)
                  << name << " lanes " << used << " block " << block << " row " << r << " lane " << lane;
            }
          }
        }
      }
    }
  }
}

TYPED_TEST(MicroKernels, RowsOfLayersAreSplitIntoFullBlocks) {
  for (int64_t rows = 1; rows <= 100; ++rows) {
    llvm::SmallVector<int64_t> counts = this->shape.splitDenseRows(rows);
    ASSERT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t(0)), rows);
    auto [least, most] = std::minmax_element(counts.begin(), counts.end());
    EXPECT_LE(*most, this->shape.denseBlockRows()) << rows;
    // With 16 registers, a block of one or two rows has too few sums to keep them busy.
    EXPECT_TRUE(this->shape.unit->registers == 32 || *least >= std::min<int64_t>(rows, 3)) << rows;
    EXPECT_EQ(int64_t(counts.size()), llvm::divideCeil(rows, this->shape.denseBlockRows())) << rows;
  }
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

template <typename T>
using RowsFunction = void(T *, T *, int64_t, int64_t, int64_t, int64_t, int64_t);

TYPED_TEST(MicroKernels, LoadRowsTransposesAndRepeatsTheLastRow) {
  using T = typename TypeParam::Element;
  constexpr int64_t lanes = TypeParam::lanes, stride = TypeParam::stride;
  auto *load = this->template kernel<RowsFunction<T>>(this->publish(getOrCreateLoadRows(*this->module, this->shape)));
  ASSERT_TRUE(load);
  for (int64_t columns = 1; columns <= 2 * lanes + 1; ++columns) {
    for (int64_t vectors : {1, 3, 4}) {
      for (int64_t rows : {int64_t(1), lanes - 1, 3 * lanes + 1, vectors * lanes, 5 * lanes}) {
        int64_t pitch = columns + 2, firstRow = 3;
        // The array ends with its last element: reading on would be caught by
        // a sanitizer.
        std::vector<T> data((firstRow + rows - 1) * pitch + columns);
        std::iota(data.begin(), data.end(), T(1));
        Aligned<T> tile((columns + 1) * stride, T(-1));
        load(data.data(), tile.data, columns, pitch, firstRow, firstRow + rows, vectors);
        for (int64_t d = 0; d <= columns; ++d) {
          for (int64_t lane = 0; lane < stride; ++lane) {
            int64_t row = std::min(firstRow + lane, firstRow + rows - 1);
            T want = d == columns || lane >= vectors * lanes ? T(-1) : data[row * pitch + d];
            ASSERT_EQ(tile[d * stride + lane], want) << "columns " << columns << " nv " << vectors << " rows " << rows;
          }
        }
      }
    }
  }
}

TYPED_TEST(MicroKernels, StoreRowsWritesNothingElse) {
  using T = typename TypeParam::Element;
  constexpr int64_t lanes = TypeParam::lanes, stride = TypeParam::stride;
  auto *store = this->template kernel<RowsFunction<T>>(this->publish(getOrCreateStoreRows(*this->module, this->shape)));
  ASSERT_TRUE(store);
  for (int64_t columns = 1; columns <= 2 * lanes + 1; ++columns) {
    for (int64_t vectors : {1, 3, 4}) {
      for (int64_t rows : {int64_t(1), lanes - 1, 3 * lanes + 1, vectors * lanes, 5 * lanes}) {
        int64_t pitch = columns + 2, firstRow = 3;
        std::vector<T> data((firstRow + rows - 1) * pitch + columns, T(-1));
        Aligned<T> tile(columns * stride);
        std::iota(tile.data, tile.data + tile.count, T(1));
        store(data.data(), tile.data, columns, pitch, firstRow, firstRow + rows, vectors);
        for (size_t i = 0; i < data.size(); ++i) {
          int64_t row = static_cast<int64_t>(i) / pitch - firstRow, d = static_cast<int64_t>(i) % pitch;
          bool stored = row >= 0 && row < std::min(rows, vectors * lanes) && d < columns;
          ASSERT_EQ(data[i], stored ? tile[d * stride + row] : T(-1))
              << "columns " << columns << " nv " << vectors << " rows " << rows;
        }
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// Weight gradients
//===----------------------------------------------------------------------===//

template <typename T>
using TransposeFunction = void(const T *, T *, int64_t, int64_t, int64_t);
template <typename T>
using OuterFunction = void(const T *, const T *, T *, T *, const int32_t *, const int32_t *, const int32_t *, int64_t,
                           int64_t, int64_t, int64_t, int64_t);

template <typename T>
using DotsFunction = void(const T *, const T *, T *, T *, const int32_t *, const int32_t *, const int32_t *, int64_t,
                          int64_t, int64_t, int64_t, int64_t, int64_t);

/// A weight gradient of blocks 1 and later of a layer, and what it should be. What the
/// micro-kernels must not look at is NaN.
template <typename ConfigT>
struct Gradient {
  using T = typename ConfigT::Element;
  static constexpr int64_t lanes = ConfigT::lanes, stride = ConfigT::stride;
  int64_t inputs, used, pitch;
  OuterMask mask;
  bool first;
  Layer<T> layer;
  std::vector<int32_t> outRanks, inRanks;
  Aligned<T> x, g, weight, bias;
  std::vector<T> weightBefore, biasBefore;

  Gradient(int64_t inputs, OuterMask mask, int64_t blockRows, int64_t used, bool first, int64_t padding,
           std::mt19937 &random)
      : inputs(inputs), used(used), pitch((inputs + lanes - 1) / lanes * lanes), mask(mask), first(first),
        layer(inputs, blockRows, random), outRanks(layer.outputs + lanes), inRanks(pitch + lanes),
        x((inputs + lanes) * stride), g((layer.outputs + lanes) * stride), weight(layer.outputs * inputs + padding),
        bias(layer.outputs) {
    for (int64_t m = 0; m < layer.outputs; ++m)
      outRanks[m] = static_cast<int32_t>(m * inputs / layer.outputs);
    std::iota(inRanks.begin(), inRanks.end(), 0);
    for (Aligned<T> *array : {&x, &g, &weight, &bias})
      array->randomise(random);
    for (int64_t m = 0; m < layer.outputs; ++m)
      std::fill_n(g.data + m * stride + used, stride - used, T(0));
    weightBefore.assign(weight.data, weight.data + weight.count);
    biasBefore.assign(bias.data, bias.data + bias.count);
  }

  void forbidUnused() {
    T nan = std::numeric_limits<T>::quiet_NaN();
    for (int64_t row = 0; row < inputs; ++row)
      std::fill_n(x.data + row * stride + used, stride - used, nan);
    std::fill_n(x.data + inputs * stride, lanes * stride, nan);
    std::fill_n(g.data + layer.outputs * stride, lanes * stride, nan);
  }

  /// `firstBias`: the first block whose biases are summed. `covered`: columns before that are,
  /// without a mask, whatever the range of their block, and later ones are not.
  void check(const std::string &name, int64_t firstBias, std::optional<int64_t> covered) {
    for (size_t i = layer.outputs * inputs; i < weight.count; ++i)
      ASSERT_EQ(weight[i], weightBefore[i]) << name << " behind the last row";
    // Each of up to 64 terms is below 1 and is rounded once.
    constexpr double tolerance = 64 * 8 * std::numeric_limits<T>::epsilon();
    for (int64_t block = 0; block < layer.blocks; ++block) {
      for (int64_t r = 0; r < layer.entry(block, RowCount); ++r) {
        int64_t row = layer.entry(block, RowBegin) + r, begin = layer.entry(block, InputBegin);
        int64_t end = begin + layer.entry(block, InputCount);
        auto expected = [&](T before, bool isSummed, auto factor) {
          long double want = first && isSummed ? T(0) : before;
          for (int64_t lane = 0; isSummed && lane < used; ++lane)
            want += static_cast<long double>(g[row * stride + lane]) * factor(lane);
          return want;
        };
        ASSERT_NEAR(bias[row], expected(biasBefore[row], block >= firstBias, [](int64_t) { return T(1); }), tolerance)
            << name;
        for (int64_t k = 0; k < inputs; ++k) {
          T before = weightBefore[row * inputs + k];
          bool exists = outRanks[row] >= inRanks[k] + (mask == OuterMask::Above), inRange = k >= begin && k < end;
          bool isCovered = covered && mask == OuterMask::None && k < *covered;
          if ((mask != OuterMask::None && !exists) || (covered && k >= *covered)) {
            ASSERT_EQ(weight[row * inputs + k], before) << name << " row " << row << " k " << k;
          } else if (inRange || isCovered) {
            ASSERT_NEAR(weight[row * inputs + k],
                        expected(before, block > 0, [&](int64_t lane) { return x[k * stride + lane]; }), tolerance)
                << name << " inputs " << inputs << " lanes " << used << " row " << row << " k " << k;
          }
        }
      }
    }
  }
};

const std::vector<OuterMask> outerMasks = {OuterMask::None, OuterMask::AtLeast, OuterMask::Above};

TYPED_TEST(MicroKernels, OuterSumsOverLanes) {
  using T = typename TypeParam::Element;
  constexpr int64_t lanes = TypeParam::lanes, stride = TypeParam::stride;
  // Columns: a half, a whole or no last vector, alone and behind one to eight whole ones.
  const std::vector<int64_t> widths = {
      1,         lanes / 2 - 1,         lanes / 2,    lanes - 1, lanes, 2 * lanes + 1, 3 * lanes + 2,
      4 * lanes, 5 * lanes + lanes / 2, 7 * lanes + 1};
  std::string transposeName = this->publish(getOrCreateTranspose(*this->module, this->shape));
  std::map<std::pair<int64_t, OuterMask>, std::string> names;
  for (int64_t inputs : widths)
    for (OuterMask mask : outerMasks)
      names[{inputs, mask}] = this->publish(getOrCreateOuter(*this->module, this->shape, inputs, mask));
  auto *transpose = this->template kernel<TransposeFunction<T>>(transposeName);
  ASSERT_TRUE(transpose);
  for (auto [key, name] : names) {
    auto [inputs, mask] = key;
    auto *outer = this->template kernel<OuterFunction<T>>(name);
    ASSERT_TRUE(outer) << name;
    for (int64_t used : {int64_t(1), lanes, lanes + 3, 2 * lanes, 3 * lanes + 1, 4 * lanes}) {
      for (bool first : {false, true}) {
        Gradient<TypeParam> gradient(inputs, mask, maxOuterRows, used, first, outerPadding(this->shape), this->random);
        int64_t vectors = (used + lanes - 1) / lanes, pitch = gradient.pitch;
        Aligned<T> scratch(stride * pitch, T(9));
        transpose(gradient.x.data, scratch.data, inputs, pitch, vectors);
        for (int64_t lane = 0; lane < vectors * lanes; ++lane)
          for (int64_t k = 0; k < pitch; ++k)
            ASSERT_EQ(scratch[lane * pitch + k], k < inputs ? gradient.x[k * stride + lane] : T(k == inputs)) << inputs;
        outer(gradient.g.data, scratch.data, gradient.weight.data, gradient.bias.data, gradient.layer.table.data(),
              gradient.outRanks.data(), gradient.inRanks.data(), 1, gradient.layer.blocks, inputs, used, first);
        gradient.check(name, /*firstBias=*/1, /*covered=*/inputs);
      }
    }
  }
}

TYPED_TEST(MicroKernels, OuterOfWholeVectorsLeavesTheRest) {
  using T = typename TypeParam::Element;
  constexpr int64_t lanes = TypeParam::lanes, stride = TypeParam::stride, inputs = 2 * lanes + 1, whole = 2 * lanes;
  std::string transposeName = this->publish(getOrCreateTranspose(*this->module, this->shape));
  std::string name =
      this->publish(getOrCreateOuter(*this->module, this->shape, inputs, OuterMask::None, /*wholeOnly=*/true));
  auto *transpose = this->template kernel<TransposeFunction<T>>(transposeName);
  auto *outer = this->template kernel<OuterFunction<T>>(name);
  ASSERT_TRUE(transpose && outer);
  Gradient<TypeParam> gradient(inputs, OuterMask::None, maxOuterRows, lanes + 3, /*first=*/false,
                               outerPadding(this->shape), this->random);
  Aligned<T> scratch(stride * whole);
  transpose(gradient.x.data, scratch.data, whole, whole, 2);
  outer(gradient.g.data, scratch.data, gradient.weight.data, gradient.bias.data, gradient.layer.table.data(), nullptr,
        nullptr, 1, gradient.layer.blocks, inputs, gradient.used, /*first=*/false);
  gradient.check(name, /*firstBias=*/gradient.layer.blocks, whole);
}

TYPED_TEST(MicroKernels, DotsSumOverLanes) {
  using T = typename TypeParam::Element;
  constexpr int64_t lanes = TypeParam::lanes;
  EXPECT_EQ(this->shape.dotsShapes(3).empty(), !this->shape.unit->hasMasks);
  std::map<std::tuple<int64_t, OuterMask, int64_t>, std::string> names;
  for (int64_t inputs : {int64_t(1), int64_t(2), int64_t(3), lanes / 2, lanes - 1, lanes, 2 * lanes + 1})
    for (OuterMask mask : outerMasks)
      for (DotsShape block : this->shape.dotsShapes(inputs)) {
        ASSERT_LE(block.rows * block.columns, lanes);
        names[{inputs, mask, block.rows}] =
            this->publish(getOrCreateDots(*this->module, this->shape, block, inputs, mask));
      }
  for (auto [key, name] : names) {
    auto [inputs, mask, rows] = key;
    auto *dots = this->template kernel<DotsFunction<T>>(name);
    ASSERT_TRUE(dots) << name;
    for (int64_t used : {int64_t(1), lanes, lanes + 3, 3 * lanes + 1, 4 * lanes}) {
      for (bool first : {false, true}) {
        Gradient<TypeParam> gradient(inputs, mask, rows, used, first, /*padding=*/lanes, this->random);
        gradient.forbidUnused();
        dots(gradient.g.data, gradient.x.data, gradient.weight.data, gradient.bias.data, gradient.layer.table.data(),
             gradient.outRanks.data(), gradient.inRanks.data(), 1, gradient.layer.blocks, gradient.layer.outputs,
             inputs, used, first);
        gradient.check(name, /*firstBias=*/0, /*covered=*/{});
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

/// A plain Philox4x32-10, checked against the published vectors below.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> c, std::array<uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xd2511f53) * c[0], p1 = uint64_t(0xcd9e8d57) * c[2];
    c = {uint32_t(p1 >> 32) ^ c[1] ^ k[0], uint32_t(p1), uint32_t(p0 >> 32) ^ c[3] ^ k[1], uint32_t(p0)};
    k = {k[0] + 0x9e3779b9, k[1] + 0xbb67ae85};
  }
  return c;
}

TEST(Philox, KnownAnswers) {
  // kat_vectors of Random123: counter, key, result.
  struct Known {
    std::array<uint32_t, 4> counter;
    std::array<uint32_t, 2> key;
    std::array<uint32_t, 4> result;
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  TileContext context;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  ImplicitLocOpBuilder b(module->getLoc(), &context);
  b.setInsertionPointToEnd(module->getBody());
  Type i64 = b.getI64Type(), pointer = LLVM::LLVMPointerType::get(&context);
  auto function = func::FuncOp::create(b, "philox", b.getFunctionType({i64, i64, i64, i64, i64, i64, pointer}, {}));
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  auto args = entry->getArguments();
  std::array<Value, 4> result = buildPhilox(b, {args[0], args[1], args[2], args[3]}, {args[4], args[5]});
  for (auto [i, word] : llvm::enumerate(result))
    LLVM::StoreOp::create(b, word, LLVM::GEPOp::create(b, pointer, i64, args[6], ArrayRef<LLVM::GEPArg>{int32_t(i)}));
  func::ReturnOp::create(b);
  std::unique_ptr<Jit> jit = Jit::compile(*module);
  ASSERT_TRUE(jit);
  auto *compiled = jit->lookup<void(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t *)>("philox");
  for (const Known &k : known) {
    EXPECT_EQ(philox(k.counter, k.key), k.result);
    // Set high halves must not matter.
    uint64_t high = 0xdeadbeefull << 32, out[4];
    compiled(k.counter[0] | high, k.counter[1] | high, k.counter[2] | high, k.counter[3] | high, k.key[0] | high,
             k.key[1] | high, out);
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(uint32_t(out[i]), k.result[i]);
  }
}

template <typename T>
using RandomFunction = void(T *, int64_t, uint64_t, uint64_t, int64_t);

/// The draws that the header promises, in long double.
template <typename T>
long double expectedDraw(uint64_t seed, uint64_t sample, int64_t coordinate, bool normal) {
  constexpr int64_t perBlock = sizeof(T) == 4 ? 4 : 2;
  std::array<uint32_t, 4> w = philox({uint32_t(sample), uint32_t(sample >> 32), uint32_t(coordinate / perBlock), 0},
                                     {uint32_t(seed), uint32_t(seed >> 32)});
  auto unit = [&](int64_t i) -> long double {
    if (sizeof(T) == 4)
      return w[i] * 0x1p-32L;
    return ((uint64_t(w[2 * i + 1]) << 32 | w[2 * i]) >> 11) * 0x1p-53L;
  };
  int64_t i = coordinate % perBlock;
  long double half = sizeof(T) == 4 ? 0x1p-33L : 0x1p-54L;
  if (!normal)
    return unit(i) + half;
  int64_t pair = i / 2 * 2;
  long double radius = std::sqrt(-2 * std::log(static_cast<long double>(T(unit(pair) + half))));
  long double angle = 2 * std::acos(-1.0L) * unit(pair + 1);
  return radius * (i % 2 ? std::sin(angle) : std::cos(angle));
}

TYPED_TEST(MicroKernels, PhiloxDrawsDependOnSampleAndCoordinateOnly) {
  using T = typename TypeParam::Element;
  constexpr int64_t lanes = TypeParam::lanes, stride = TypeParam::stride;
  std::string names[] = {this->publish(getOrCreatePhiloxNormal(*this->module, this->shape)),
                         this->publish(getOrCreatePhiloxUniform(*this->module, this->shape))};
  uint64_t seed = 0x123456789abcdef0;
  for (bool normal : {true, false}) {
    auto *draw = this->template kernel<RandomFunction<T>>(names[normal ? 0 : 1]);
    ASSERT_TRUE(draw);
    for (int64_t count : {1, 2, 3, 4, 5, 11}) {
      for (uint64_t first : {uint64_t(0), uint64_t(1000), (uint64_t(1) << 32) - 5}) {
        for (int64_t vectors : {1, 4}) {
          Aligned<T> tile((count + 1) * stride, T(77));
          draw(tile.data, count, seed, first, vectors);
          for (int64_t c = 0; c <= count; ++c) {
            for (int64_t lane = 0; lane < stride; ++lane) {
              T got = tile[c * stride + lane];
              if (c == count || lane >= vectors * lanes) {
                ASSERT_EQ(got, T(77));
                continue;
              }
              long double want = expectedDraw<T>(seed, first + lane, c, normal);
              // Rounding of the angle and of sqrt(log), as a share of the
              // radius of at most 9.
              ASSERT_NEAR(got, want, 9 * 4 * std::numeric_limits<T>::epsilon()) << c << " " << lane;
            }
          }
        }
      }
    }
  }
}

TYPED_TEST(MicroKernels, PhiloxMomentsAreThoseOfANormal) {
  using T = typename TypeParam::Element;
  constexpr int64_t lanes = TypeParam::lanes, stride = TypeParam::stride;
  auto *draw =
      this->template kernel<RandomFunction<T>>(this->publish(getOrCreatePhiloxNormal(*this->module, this->shape)));
  ASSERT_TRUE(draw);
  constexpr int64_t count = 16;
  Aligned<T> tile(count * stride);
  double moments[5] = {};
  int64_t n = 0;
  for (int64_t first = 0; n < 1'000'000; first += 4 * lanes) {
    draw(tile.data, count, 3, first, 4);
    for (size_t i = 0; i < tile.count; ++i, ++n) {
      double z = tile[i], power = 1;
      for (double &moment : moments)
        moment += (power *= z);
    }
  }
  // Five standard deviations of each mean: variances of z^k are
  // 1, 2, 15, 96, 945.
  double expected[] = {0, 1, 0, 3, 0}, variance[] = {1, 2, 15, 96, 945};
  for (int k = 0; k < 5; ++k)
    EXPECT_NEAR(moments[k] / n, expected[k], 5 * std::sqrt(variance[k] / n)) << "moment " << k + 1;
}

} // namespace
