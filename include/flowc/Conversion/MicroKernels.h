//===- MicroKernels.h - Hand-scheduled inner loops --------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private functions of the tile program, emitted once per module and driven by
// extents and tables at run time, so that the size of the code depends neither
// on the model's widths nor on the number of its layers.
//
// A tile buffer is an array [row][4 * lanes], contiguous, aligned to a vector.
// A row holds one quantity for 4 * lanes samples; `nv`, from 1 to 4, says how
// many of its vectors are in use, `n` how many of its lanes. Every lane sees the
// same operations in the same order whatever these are.
//
// All pointers are `!llvm.ptr` to elements of the tile's type, all extents and
// offsets count elements and are of type `index`.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_CONVERSION_MICROKERNELS_H
#define FLOWC_CONVERSION_MICROKERNELS_H

#include "flowc/Target/TargetInfo.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <array>
#include <functional>
#include <string>

namespace flowc {

/// Rows and columns of a weight gradient that `dots` computes at once.
struct DotsShape {
  int64_t rows, columns;
};

/// The element type and the vectors of a tile program.
struct TileShape {
  TileShape(mlir::FloatType element, const VectorUnit &unit)
      : element(element), lanes(unit.bits / element.getWidth()), unit(&unit) {}

  /// f32 or f64.
  mlir::FloatType element;
  /// Elements of a vector; a power of two.
  int64_t lanes;
  const VectorUnit *unit;

  mlir::VectorType vectorType() const { return mlir::VectorType::get({lanes}, element); }
  /// Elements between two rows of a tile buffer.
  int64_t rowStride() const { return 4 * lanes; }
  /// Rows of a block of a dense layer at most.
  int64_t denseBlockRows() const { return unit->registers >= 32 ? 4 : 6; }
  /// How many rows the blocks of a dense layer have: as many as possible, unless that
  /// leaves fewer for the last one than keep 16 registers busy.
  llvm::SmallVector<int64_t> splitDenseRows(int64_t rows) const;
  /// The shapes of blocks that `dots` may have for weights of so many columns: none with
  /// 16 registers, which are too few for the sums.
  llvm::SmallVector<DotsShape> dotsShapes(int64_t columns) const;
};

/// What a dense layer applies to its sums before it stores them.
struct Epilogue {
  /// Distinguishes functions: one is emitted per name.
  std::string name = "identity";
  /// Builds the result from a vector of sums and, if there is one, of the operand; empty
  /// for the identity.
  std::function<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::Value sum, mlir::Value operand)> build;
  /// Apply it to the register block. Otherwise the sums are stored and a loop
  /// over the stored rows applies it, which keeps the code small: better for
  /// more than a few ops.
  bool inRegisters = false;
  /// It has an operand, a tile like the result. Only in registers.
  bool hasOperand = false;
};

/// Entries of one block in the table of a dense layer; int32 each.
enum DenseTable : int64_t {
  RowBegin,
  RowCount,
  InputBegin,
  InputCount,
  BiasOffset,
  WeightOffset,
  RowStride,
  ColumnStride,
  DenseTableStride
};

/// Rows of a block of an outer product at most.
constexpr int64_t maxOuterRows = 4;

/// Elements behind a weight gradient that an outer product may write, with what was there.
inline int64_t outerPadding(const TileShape &shape) { return shape.unit->hasMasks ? 0 : shape.lanes; }

/// What a dense layer does about lanes that are not in use, if it saves time not to
/// compute them. Values that lanes in use depend on are not affected.
enum class UnusedLanes : int64_t {
  Computed, ///< They are computed all the same.
  Zero,     ///< They get zeros, as cotangents must.
  Repeated  ///< They get the values of lanes in use, which are as good as their own.
};

/// The table of a dense layer that reads its weights as they lie, with these distances
/// between rows and between columns. Blocks have so many rows, one after the other, and
/// `columns` columns.
llvm::SmallVector<int32_t> makeDenseTable(llvm::ArrayRef<int64_t> rowCounts, int64_t columns, int64_t rowStride,
                                          int64_t columnStride, bool hasBias);

/// A dense layer on a tile, over blocks [firstBlock, lastBlock) of `table`:
///   void dense(ptr weights, ptr biases, ptr table, ptr x, ptr y, [ptr operand,]
///              index firstBlock, index lastBlock, index n, index unusedLanes)
///   y[row0 + r] = epilogue(bias[r] + sum over k < kn of w[r, k] * x[k0 + k])
/// `table` has int32 {row0, nrows, k0, kn, biasOffset, weightOffset, rowStride,
/// columnStride} per block, nrows from 1 to `denseBlockRows`; bias[r] is biases[biasOffset + r]
/// and w[r, k] is weights[weightOffset + r * rowStride + k * columnStride]. The
/// two may be parts of one array. A sum is a chain of fused multiply-adds in
/// ascending k. `x` and `y` may be parts of one buffer, as long as a call reads
/// no row that it writes. With `accumulate` the chain starts from y instead of the bias.
/// `unusedLanes` is an `UnusedLanes`, about lanes from n on of the last vector.
mlir::func::FuncOp getOrCreateDense(mlir::ModuleOp module, const TileShape &shape, const Epilogue &epilogue = {},
                                    bool accumulate = false);

/// Transposes a tile for `outer`:
///   void transpose(ptr x, ptr scratch, index K, index Kpad, index nv)
///   scratch[lane][k] = x[k][lane], scratch[lane][K] = 1, zeros up to Kpad
/// Kpad is K rounded up to `lanes` (then there may be no column of ones);
/// scratch holds 4 * lanes * Kpad elements.
mlir::func::FuncOp getOrCreateTranspose(mlir::ModuleOp module, const TileShape &shape);

/// Which weights an outer product updates.
enum class OuterMask {
  None,
  AtLeast, ///< Those with rank of row >= rank of column.
  Above    ///< Those with rank of row > rank of column.
};

/// The weight gradient of a dense layer of M rows and K columns from one tile,
/// over blocks [firstBlock, lastBlock) of a `table` as of a dense layer, nrows from 1 to
/// `maxOuterRows` (the offsets and strides are not used):
///   void outer(ptr g, ptr scratch, ptr weight, ptr bias, ptr table, ptr outRanks, ptr inRanks,
///              index firstBlock, index lastBlock, index K, index n, index first)
///   weight[m][k] += sum over lanes of g[m][lane] * x[k][lane]   where the mask allows it
///   bias[m] += sum over lanes of g[m][lane]
/// with `scratch` made from x by `transpose`. If `first` is not
/// 0, what was there before counts as zero. With a mask, k covers the block's
/// range, and other weights are not written. Ranks are int32, those of columns
/// are read up to Kpad. `columns` is K: its remainder decides about the shape of
/// the last register block. Lanes from n on must hold g = 0. `outerPadding` elements
/// behind the weight's gradient must exist; they keep what they hold. With `wholeOnly` and no
/// mask, only as many columns as fill vectors are computed, no biases, and scratch is made from
/// as many.
mlir::func::FuncOp getOrCreateOuter(mlir::ModuleOp module, const TileShape &shape, int64_t columns,
                                    OuterMask mask = OuterMask::None, bool wholeOnly = false);

/// The same for few rows or few columns, without transposed inputs:
///   void dots(ptr g, ptr x, ptr weight, ptr bias, ptr table, ptr outRanks, ptr inRanks,
///             index firstBlock, index lastBlock, index M, index K, index n, index first)
/// with blocks of at most `block.rows` rows, one of `TileShape::dotsShapes(columns)`, where
/// `columns` is K; k covers the block's range, or all if that is not empty and a block has
/// all columns. All of `bias` is updated. As many rows behind the last ones of g and x,
/// and as many ranks behind the last ones, as a vector has lanes are read, whatever they
/// are; lanes from n on are not.
mlir::func::FuncOp getOrCreateDots(mlir::ModuleOp module, const TileShape &shape, DotsShape block, int64_t columns,
                                   OuterMask mask = OuterMask::None);

/// Rows of a row-major array to a tile:
///   void loadRows(ptr data, ptr tile, index columns, index stride,
///                 index firstRow, index endRow, index nv)
///   tile[d][lane] = data[min(firstRow + lane, endRow - 1)][d], d < columns
/// with `stride` elements between rows of `data`, which needs no alignment.
mlir::func::FuncOp getOrCreateLoadRows(mlir::ModuleOp module, const TileShape &shape);

/// The reverse; rows from endRow on are not stored:
///   void storeRows(ptr data, ptr tile, index columns, index stride,
///                  index firstRow, index endRow, index nv)
mlir::func::FuncOp getOrCreateStoreRows(mlir::ModuleOp module, const TileShape &shape);

/// Standard normal draws, by Philox4x32-10 and Box-Muller:
///   void philoxNormal(ptr tile, index count, i64 seed, i64 first, index nv)
///   tile[c][lane] = draw c of sample first + lane, c < count
/// A draw depends on (seed, sample, c) only. The key is the seed, the counter
/// is (sample low, sample high, coordinate block, 0); a block is 4 draws in
/// f32 and 2 in f64.
mlir::func::FuncOp getOrCreatePhiloxNormal(mlir::ModuleOp module, const TileShape &shape);

/// Uniform draws u by their distance from the nearer end of (0, 1), otherwise like
/// `philoxNormal`, with `stream` in the upper byte of the counter's last word:
///   void philoxTail(ptr tile, index count, i64 seed, i64 first, index nv)
///   tile[c][lane] = u if u <= 1/2, u - 1 otherwise; never 0
mlir::func::FuncOp getOrCreatePhiloxTail(mlir::ModuleOp module, const TileShape &shape, int64_t stream);

/// Gamma draws, gamma * exp(factor), by the method of Marsaglia and Tsang:
///   void philoxGamma(ptr concentration, ptr gamma, ptr factor,
///                    index count, i64 seed, i64 first, index nv)
/// All are tiles of `count` rows. `factor` is 0 for a concentration of at least 1.
/// The counter is (sample low, sample high, coordinate, stream and attempt); a
/// lane's attempts are its own.
mlir::func::FuncOp getOrCreatePhiloxGamma(mlir::ModuleOp module, const TileShape &shape, int64_t stream);

/// Uniform draws in the open interval (0, 1), otherwise like `philoxNormal`:
///   void philoxUniform(ptr tile, index count, i64 seed, i64 first, index nv)
mlir::func::FuncOp getOrCreatePhiloxUniform(mlir::ModuleOp module, const TileShape &shape);

/// The sum of all lanes by halving: a fixed tree.
mlir::Value reduceLanes(mlir::ImplicitLocOpBuilder &b, mlir::Value vector);

/// Ten rounds of Philox4x32. A word is the low half of an i64, or of an element
/// of a vector of i64; high halves are ignored, and unspecified in the result.
/// All words are of one type.
std::array<mlir::Value, 4> buildPhilox(mlir::ImplicitLocOpBuilder &b, std::array<mlir::Value, 4> counter,
                                       std::array<mlir::Value, 2> key);

} // namespace flowc

#endif // FLOWC_CONVERSION_MICROKERNELS_H
