//===- TileEmitter.h - Sample program to tile program -----------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the files of convert-sample-to-tile: where values live, and the
// emitter that turns one function of a sample program into one of the tile
// program. `@kernel` works on tiles, [element][lane]; `@prepare` and `@finish`
// hold uniform values only and work on plain arrays.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_CONVERSION_SAMPLETOTILE_TILEEMITTER_H
#define FLOWC_LIB_CONVERSION_SAMPLETOTILE_TILEEMITTER_H

#include "Body.h"
#include "flowc/Dialect/Tile/IR/TileDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace flowc {

namespace sample {
class WeightNormalizeOp;
class WeightNormalizeVjpOp;
class DiagonalOp;
class TriangleOp;
class TriangularInverseOp;
class TriangularInverseVjpOp;
class TriangularInverseJvpOp;
class AntiTransposeOp;
class CosineMatrixOp;
class PickOp;
class RandomGammaOp;
class RandomTailOp;
class ScatterSumOp;
class BlockDiagonalOp;
class BlockTriangleOp;
class BlockDenseOp;
class BlockOuterOp;
class BlockSweepOp;
class BlockAdjointOp;
} // namespace sample

/// Where a value of the sample program lives.
struct Storage {
  enum class Kind {
    Tile,     ///< a buffer of rows
    Uniform,  ///< a uniform buffer, or sums
    Constant, ///< every element is `constant`
  };
  Kind kind = Kind::Uniform;
  mlir::Value buffer; ///< !tile.buffer; null: a constant
  int64_t elements = 1;
  mlir::Type elementType;
  mlir::Attribute constant;
};

/// `value` rounded up. Everything that is reached by a vector access starts at a
/// multiple of this many elements, 64 bytes for float.
inline int64_t alignUp(int64_t value) { return int64_t(llvm::alignTo(value, 16)); }

/// Fields of a block in the attribute of an op on panels: row0, rows, k0,
/// columns, offset.
inline constexpr int64_t kPanelBlockFields = sample::PackOp::kBlockFields;

/// Emits one function.
class TileEmitter {
public:
  TileEmitter(mlir::ModuleOp module, const TileShape &shape, mlir::func::FuncOp source, bool uniform);

  /// What a dense layer applies to its sums: a body that takes the sum and perhaps an operand,
  /// as its arguments of these numbers; null: nothing.
  struct Activation {
    mlir::Block *body = nullptr;
    int64_t sum = 0;
    std::optional<int64_t> operand = std::nullopt;
  };

  /// Emit `source` as the function `kernel`, `prepare` or `finish` of KernelABI.h.
  mlir::LogicalResult emitKernel();
  mlir::LogicalResult emitPrepare();
  mlir::LogicalResult emitFinish(llvm::ArrayRef<int64_t> sumOffsets);

  /// Elements of the workspace that have places: all that the function needs, but for buffers of a kernel.
  int64_t getWorkspaceElements() const { return workspaceElements; }
  /// Offsets of the sum results in the sum output, and its size.
  llvm::ArrayRef<int64_t> getSumOffsets() const { return sumOffsets; }
  int64_t getSumElements() const { return sumElements; }
  int64_t getPreparedElements() const { return preparedElements; }
  int64_t getGradientElements() const { return gradientElements; }
  int64_t getMacs() const { return macs; }
  int64_t getNumInputs() const { return numInputs; }
  int64_t getNumOutputs() const { return numOutputs; }
  /// Parts of the work that may be done on different threads.
  int64_t getParts() const { return parts; }

private:
  // EmitFunctions.cpp
  struct KernelValues;
  mlir::func::FuncOp beginFunction(llvm::StringRef name, mlir::TypeRange arguments);
  Storage argument(mlir::Value arrays, int64_t i, mlir::Type type);
  Storage parameter(mlir::Value memory, int64_t offset, mlir::Type type);
  void readArguments(KernelValues &kernel);
  void assignResults(KernelValues &kernel);
  void clearSums(const KernelValues &kernel);
  mlir::LogicalResult emitTiles(const KernelValues &kernel);
  void reduceSums(const KernelValues &kernel);

  // EmitParts.cpp: @prepare and @finish in parts.
  /// Begins function `name` of these arguments or, if `source` has parts, the one that does some
  /// of them, and `name` as a call of it for all.
  mlir::func::FuncOp beginInParts(llvm::StringRef name, llvm::ArrayRef<mlir::Type> arguments);
  void findParts(mlir::Block &block);
  mlir::LogicalResult emitInParts(mlir::Block &block, llvm::ArrayRef<Storage> results, mlir::Value factor);
  /// The workspace as it was before a scan in parts, and the stride of what is in its body:
  /// calls of different parts have memory of their own.
  struct PartMemory {
    mlir::Value whole, stride;
    int64_t elements;
  };
  PartMemory beginPart();
  void endPart(const PartMemory &memory);

  // TileEmitter.cpp: blocks, storage.
  mlir::LogicalResult emitBlock(mlir::Block &block);
  mlir::LogicalResult emitOp(mlir::Operation *op);
  void assignDestinations(mlir::Block &block);
  bool canWriteTo(mlir::Value value, mlir::Block &block);
  Storage allocate(mlir::Type type);
  /// A buffer of the kernel's workspace, which gets its place from tile-assign-storage.
  Storage allocate(int64_t elements, mlir::Type element, tile::Layout layout);
  Storage allocateResult(mlir::Value value);
  Storage find(mlir::Value value);

  // EmitSums.cpp: sums over rows.
  void accumulateSum(mlir::Value value);
  mlir::Value rowsExist(mlir::Value vector);
  sample::OuterOp findOuter(mlir::Value value);
  /// Whether a single op uses `value`, be it several times.
  static bool hasOneUser(mlir::Value value);

  // EmitMap.cpp
  class MapEmitter;
  mlir::LogicalResult emitMap(sample::MapOp op);
  llvm::SmallVector<mlir::Value>
  sumInBlocks(int64_t extent, mlir::ValueRange init,
              llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> step);
  // EmitScan.cpp
  class ScanEmitter;
  mlir::LogicalResult emitScan(sample::ScanOp op);
  // EmitDraws.cpp: what each row has of its own.
  mlir::LogicalResult emitPerRow(sample::RowWeightOp op);
  mlir::LogicalResult emitPerRow(sample::RandomNormalOp op);
  mlir::LogicalResult emitPerRow(sample::RandomTailOp op);
  mlir::LogicalResult emitPerRow(sample::RandomGammaOp op);
  mlir::Value tileSample();
  // EmitRows.cpp: moves of rows.
  mlir::LogicalResult emitSplit(sample::SplitOp op);
  mlir::LogicalResult emitConcat(sample::ConcatOp op);
  mlir::LogicalResult emitGather(sample::GatherOp op);
  mlir::LogicalResult emitReverse(sample::ReverseOp op);
  // EmitPick.cpp: elements by position.
  mlir::LogicalResult emitPick(sample::PickOp op);
  mlir::LogicalResult emitScatterSum(sample::ScatterSumOp op);
  mlir::LogicalResult emitIntegers(mlir::Operation *op);
  mlir::Value findIntegers(mlir::Value integers);
  /// to[i] = from[positions[i]].
  void moveElements(const Storage &from, mlir::Value positions, const Storage &to);
  // EmitDense.cpp: dense layers and their weight gradients.
  mlir::LogicalResult emitDense(sample::DenseOp op);
  mlir::LogicalResult emitDense(sample::PanelDenseOp op);
  mlir::LogicalResult emitOuter(sample::OuterOp op);
  static Activation findActivation(mlir::Region &region);
  /// Blocks [firstBlock, lastBlock) of a dense layer.
  struct DenseCall {
    mlir::Value weights, biases, table;
    Storage x, y;
    mlir::Value firstBlock, lastBlock;
    tile::UnusedLanes unusedLanes = tile::UnusedLanes::Computed;
    /// Of the activation, if that has one.
    Storage operand = {};
    /// Add to y, instead of to biases.
    bool accumulate = false;
  };
  void callDense(const Activation &activation, const DenseCall &call);
  struct DenseResult {
    Activation activation;
    Storage to, operand;
  };
  DenseResult allocateDenseResult(mlir::Operation *dense);
  sample::MapOp findMapOfProduct(mlir::Operation *dense);
  /// The micro-kernel's table of a panel's blocks.
  mlir::Value panelTable(llvm::ArrayRef<int32_t> blocks);
  // EmitSweep.cpp
  class SweepEmitter;
  mlir::LogicalResult emitSweep(sample::PanelSweepOp op);
  // EmitUniform.cpp: layout of parameters.
  mlir::LogicalResult emitPack(sample::PackOp op);
  void emitShuffledRow(const Storage &from, mlir::Value source, const Storage &to, mlir::Value target,
                       llvm::ArrayRef<int64_t> order);
  mlir::LogicalResult emitReorder(sample::ReorderOp op);
  void emitMaskedProduct(sample::DenseOp op, const Storage &y);
  // EmitParameters.cpp: matrices of parameters.
  mlir::LogicalResult emitParameters(sample::WeightNormalizeOp op);
  mlir::LogicalResult emitParameters(sample::WeightNormalizeVjpOp op);
  mlir::LogicalResult emitParameters(sample::DiagonalOp op);
  mlir::LogicalResult emitParameters(sample::TriangleOp op);
  mlir::LogicalResult emitParameters(sample::TriangularInverseOp op);
  mlir::LogicalResult emitParameters(sample::TriangularInverseVjpOp op);
  mlir::LogicalResult emitParameters(sample::TriangularInverseJvpOp op);
  mlir::LogicalResult emitParameters(sample::AntiTransposeOp op);
  mlir::LogicalResult emitParameters(sample::CosineMatrixOp op);
  /// A dense layer in @prepare or @finish.
  mlir::LogicalResult emitUniformDense(sample::DenseOp op);
  mlir::Value sumOver(mlir::Value from, mlir::Value to, mlir::Type type,
                      llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> step);
  mlir::Value dot(int64_t count, const Storage &x, mlir::Value xFirst, const Storage &y, mlir::Value yFirst);
  // EmitBlock.cpp: block autoregressive networks.
  mlir::LogicalResult emitBlocks(sample::BlockDiagonalOp op);
  mlir::LogicalResult emitBlocks(sample::BlockTriangleOp op);
  mlir::LogicalResult emitBlocks(sample::BlockDenseOp op);
  mlir::LogicalResult emitBlockRows(sample::BlockDenseOp op);
  mlir::LogicalResult emitBlocks(sample::BlockOuterOp op);
  mlir::LogicalResult emitBlocks(sample::BlockSweepOp op);
  mlir::LogicalResult emitBlocks(sample::BlockAdjointOp op);
  struct BlockSweep;
  class BlockSolver;
  BlockSweep beginBlockSweep(mlir::ValueRange weights, mlir::ValueRange biases, mlir::ValueRange diagonals,
                             int64_t dim);
  void emitBlockProduct(const BlockSweep &sweep, int64_t layer, const Storage &from);
  mlir::Value loadLanes(const Storage &storage, mlir::Value element, mlir::Value vector, mlir::VectorType type);
  void storeLanes(const Storage &storage, mlir::Value element, mlir::Value vector, mlir::Value value);
  mlir::Value loadBlockWeight(const BlockSweep &sweep, int64_t layer, mlir::Value row, mlir::Value column);
  llvm::SmallVector<mlir::Value>
  forUnits(int64_t count, mlir::ValueRange init,
           llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  /// A block of a panel that is being packed.
  struct PackBlock {
    Storage panel;
    mlir::Value row0, column0, columns, weights;
  };
  struct MaskTables;
  mlir::Value loadPackedColumns(sample::PackOp op, const PackBlock &block, mlir::Value k, int64_t rows,
                                int64_t columns);
  void emitPackColumns(sample::PackOp op, const PackBlock &block, int64_t rows);
  std::optional<MaskTables> getMaskTables(std::optional<sample::RankMaskAttr> mask);
  Storage rankStorage(mlir::Value table);
  mlir::Value loadPlain(const Storage &array, mlir::Value element, mlir::Type type);
  void storePlain(const Storage &array, mlir::Value element, mlir::Value value);
  void forEachChunk(int64_t count, mlir::Type element, llvm::function_ref<void(mlir::Value, mlir::Type)> body);
  void copyScaled(const Storage &from, const Storage &to, mlir::Value factor);

  // Helpers. `vector` (index, may be null) selects a vector of lanes; `element`
  // is an index value.
  mlir::Value load(const Storage &storage, mlir::Value element, mlir::Value vector);
  void store(const Storage &storage, mlir::Value element, mlir::Value vector, mlir::Value value);
  /// The buffer, with an address that what follows does not compute again.
  mlir::Value pin(const Storage &storage);
  /// The buffer of so many elements, in elements of its own behind the beginning of memory.
  Storage place(mlir::Value memory, mlir::Value offset, int64_t elements, mlir::Type element, tile::Layout layout);
  Storage slice(const Storage &storage, mlir::Value firstElement, int64_t elements);
  /// Whether both are known to be the same memory.
  static bool isSame(const Storage &x, const Storage &y);
  void copy(const Storage &from, const Storage &to);
  /// to[i] = from[source(i)] for i < count.
  void moveElements(int64_t count, const Storage &from, const Storage &to,
                    llvm::function_ref<mlir::Value(mlir::Value)> source);
  /// A tile that holds `storage`.
  Storage materialize(const Storage &storage, mlir::Type type);
  void forEach(mlir::Value count, llvm::function_ref<void(mlir::Value)> body);
  void forEachVector(llvm::function_ref<void(mlir::Value)> body);
  /// A loop whose body gets the index and what the body before gave (first: `init`).
  llvm::SmallVector<mlir::Value>
  forRange(mlir::Value from, mlir::Value to, mlir::ValueRange init,
           llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value table(llvm::ArrayRef<int32_t> values);
  mlir::Value loadIndex(mlir::Value table, mlir::Value element);
  /// Loads the elements that a body sees at step `i` (null: the whole value).
  BodyValue loadBodyValue(const Storage &storage, mlir::Type bodyType, mlir::Value i, mlir::Value vector);
  /// Registers for BodyEmitter::addTable with what `argument` of a body sees at step
  /// `i`; none if its elements are not looked up or differ from lane to lane.
  llvm::SmallVector<mlir::Value> loadTable(const Storage &storage, mlir::BlockArgument argument, mlir::Value i);
  void storeBodyValue(const Storage &storage, const BodyValue &value, mlir::Value i, mlir::Value vector);
  int64_t bodyLanes() const { return uniform ? 0 : shape.lanes; }

  mlir::ModuleOp module;
  TileShape shape;
  mlir::func::FuncOp source;
  bool uniform;
  mlir::ImplicitLocOpBuilder b;
  mlir::Value workspace, numVectors, numRows, seed, firstSample, rows, firstRow, rowWeight;
  int64_t workspaceElements = 0, sumElements = 0, preparedElements = 0, gradientElements = 0, macs = 0;
  int64_t numInputs = 0, numOutputs = 0, macsFactor = 1;
  llvm::SmallVector<int64_t> sumOffsets;
  llvm::DenseMap<mlir::Value, Storage> storages;
  /// Storage that a value's op must write to, assigned before the op is reached.
  llvm::DenseMap<mlir::Value, Storage> destinations;
  /// Scans of @prepare or @finish whose layers have nothing to do with each other: a part
  /// is a layer of all of them. The first part has everything else, too.
  llvm::SmallPtrSet<mlir::Operation *, 4> partScans;
  int64_t parts = 1;
  mlir::Value firstPart, lastPart;
  /// Maps that are computed already, with the product that they use.
  llvm::SmallPtrSet<mlir::Operation *, 4> computedMaps;
  /// Pieces of concatenations that are computed in their place.
  llvm::DenseSet<mlir::OpOperand *> inPlace;
  /// Where a value is added up over rows: the sum output itself for outer
  /// products, else lane accumulators, those of element i at i * lanes.
  llvm::DenseMap<mlir::Value, Storage> sums;
};

/// A constant array of the module; equal ones are shared.
tile::TableOp getOrCreateTable(mlir::ModuleOp module, llvm::ArrayRef<int32_t> values);

} // namespace flowc

#endif // FLOWC_LIB_CONVERSION_SAMPLETOTILE_TILEEMITTER_H
