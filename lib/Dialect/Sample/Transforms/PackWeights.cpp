//===- PackWeights.cpp - Dense weights as panels --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A panel holds the weights of blocks of up to four rows in the order in which
// the dense micro-kernel reads them. A block covers the columns between the
// first and the last that any of its rows has, so that zero blocks of masked
// layers cost nothing. A weight without a mask needs no panel: the micro-kernel
// reads it as it lies.
//
// A step of a sweep has few units: a block of one row reads as many inputs as one of four.
// So the units of some steps in a row become one block, which is computed ahead, from what is
// there at the first of these steps; each step adds what has come since.
//
//===----------------------------------------------------------------------===//

#include "ScanUtils.h"
#include "flowc/Dialect/Sample/IR/SampleDialect.h"
#include "flowc/Dialect/Sample/Transforms/KernelFunctions.h"
#include "flowc/Dialect/Sample/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace flowc::sample {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "flowc/Dialect/Sample/Transforms/Passes.h.inc"
} // namespace flowc::sample

using namespace mlir;
using namespace flowc::sample;

namespace {

/// Rows of a block at most, and the numbers that describe it.
constexpr int64_t kBlockRows = PackOp::kMaxBlockRows, kBlockFields = PackOp::kBlockFields;

/// The blocks of a panel and what they amount to.
struct Layout {
  SmallVector<int32_t> blocks; ///< {row0, rows, k0, columns, offset} each
  int64_t elements = 0;        ///< of the panel
  int64_t macs = 0;            ///< weights that exist
  bool hasHoles = false;       ///< a block covers weights that do not exist

  int64_t countBlocks() const { return int64_t(blocks.size()) / kBlockFields; }

  void addBlock(int64_t row0, int64_t rows, int64_t k0, int64_t columns) {
    for (int64_t field : {row0, rows, k0, columns, elements})
      blocks.push_back(field);
    elements += rows * (1 + columns);
  }
};

/// Blocks of a dense layer. `mask` refers to the stored weight.
Layout layOutDense(int64_t rows, int64_t columns, std::optional<RankMaskAttr> mask, bool transposed) {
  Layout layout;
  auto exists = [&](int64_t r, int64_t c) { return !mask || (transposed ? mask->exists(c, r) : mask->exists(r, c)); };
  for (int64_t row0 = 0; row0 < rows; row0 += kBlockRows) {
    int64_t count = std::min(kBlockRows, rows - row0), first = columns, last = 0, weights = 0;
    for (int64_t r = row0; r < row0 + count; ++r)
      for (int64_t c = 0; c < columns; ++c)
        if (exists(r, c)) {
          first = std::min(first, c);
          last = std::max(last, c + 1);
          ++weights;
        }
    first = std::min(first, last);
    layout.addBlock(row0, count, first, last - first);
    layout.macs += weights;
    layout.hasHoles |= weights != count * (last - first);
  }
  return layout;
}

/// A stage of a sweep.
class StageLayout {
public:
  StageLayout(SweepOp op, int64_t t) : op(op), t(t), extent(op.getExtent()), rowEnds(op.getStageRowEnds(t)) {}

  void layOut();

  Layout layout;
  /// The first block of every step, and how many of its blocks are computed ahead (if any are).
  SmallVector<int32_t> ends, ahead;

private:
  struct Range {
    int64_t first, last;
    int64_t count() const { return last - first; }
  };
  /// What is there at step s: see the description of sample.sweep.
  Range inputsAt(int64_t s);
  /// The first of the steps that share a block with each step; none if that does not pay.
  SmallVector<int64_t> findLeaders();
  void addRows(int64_t begin, int64_t end, Range inputs);

  SweepOp op;
  int64_t t, extent;
  ArrayRef<int64_t> rowEnds;
};
} // namespace

StageLayout::Range StageLayout::inputsAt(int64_t s) {
  int64_t prefix = op.getPrefix() ? op.getPrefix().getType().getNumElements() : 0, group = op.getStatePerStep();
  if (op.getReverse())
    return t == 0 ? Range{prefix + (s + 1) * group, prefix + extent * group}
                  : Range{op.getStageRowEnds(t - 1)[s], op.getStageRowEnds(t - 1).back()};
  return {0, t == 0 ? prefix + s * group : op.getStageRowEnds(t - 1)[s + 1]};
}

SmallVector<int64_t> StageLayout::findLeaders() {
  // Sums of fewer inputs are not worth two calls.
  constexpr int64_t leastInputs = 16;
  SmallVector<int64_t> leaders(extent);
  int64_t leader = 0, groups = 0, rows = kBlockRows + 1, ahead = 0, all = 0;
  for (int64_t i = 0; i < extent; ++i) {
    int64_t s = op.getReverse() ? extent - 1 - i : i, own = rowEnds[s + 1] - rowEnds[s];
    if (rows + own > kBlockRows) {
      leader = s;
      rows = 0;
      ++groups;
    }
    rows += own;
    leaders[s] = leader;
    ahead += own * inputsAt(leader).count();
    all += own * inputsAt(s).count();
  }
  int64_t most = inputsAt(op.getReverse() ? 0 : extent - 1).count();
  bool pays = 3 * groups <= 2 * extent && most >= leastInputs && 2 * ahead >= all;
  return pays ? leaders : SmallVector<int64_t>();
}

void StageLayout::addRows(int64_t begin, int64_t end, Range inputs) {
  for (int64_t row = begin; row < end; row += kBlockRows) {
    int64_t count = std::min(kBlockRows, end - row);
    layout.addBlock(row, count, inputs.first, inputs.count());
    layout.macs += count * inputs.count();
  }
}

void StageLayout::layOut() {
  SmallVector<int64_t> leaders = findLeaders();
  for (int64_t s = 0; s < extent; ++s) {
    ends.push_back(layout.countBlocks());
    Range inputs = inputsAt(s);
    if (leaders.empty()) {
      addRows(rowEnds[s], rowEnds[s + 1], inputs);
      continue;
    }
    if (leaders[s] == s) {
      int64_t begin = llvm::find(leaders, s) - leaders.begin();
      addRows(rowEnds[begin], rowEnds[begin + llvm::count(leaders, s)], inputs);
    }
    ahead.push_back(layout.countBlocks() - ends.back());
    Range before = inputsAt(leaders[s]);
    addRows(rowEnds[s], rowEnds[s + 1],
            op.getReverse() ? Range{inputs.first, before.first} : Range{before.last, inputs.last});
  }
  ends.push_back(layout.countBlocks());
}

namespace {

/// How a value inside scans is reached from an argument of the kernel: the
/// scans from the outside in, and whether it is sliced (over) or shared there.
struct Route {
  BlockArgument argument;
  SmallVector<std::pair<ScanOp, bool>> steps;
};

FailureOr<Route> findRoute(Value value, func::FuncOp kernel, Operation *user) {
  Route route;
  while (true) {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument)
      return emitError(user->getLoc(), "a weight must be a parameter");
    if (argument.getOwner() == &kernel.getBody().front()) {
      if (kernel.getArgAttr(argument.getArgNumber(), SampleDialect::kRowAttr))
        return emitError(user->getLoc(), "a weight must be a parameter, not a row input");
      route.argument = argument;
      std::reverse(route.steps.begin(), route.steps.end());
      return route;
    }
    auto scan = dyn_cast<ScanOp>(argument.getOwner()->getParentOp());
    if (!scan || argument.getArgNumber() < scan.getCarries().size())
      return emitError(user->getLoc(), "a weight must be a parameter");
    unsigned number = argument.getArgNumber() - scan.getCarries().size();
    bool over = number < scan.getOver().size();
    value = over ? scan.getOver()[number] : scan.getShared()[number - scan.getOver().size()];
    route.steps.push_back({scan, over});
  }
}

/// The pass's state: the functions, and panels made so far.
struct Packer {
  func::FuncOp kernel, prepare;

  /// A scan that a panel has a slice for in each layer, since the weight or the bias
  /// has one.
  struct Level {
    int64_t layers;
    bool slicesWeight, slicesBias;
    bool operator==(const Level &) const = default;
  };

  struct Key {
    unsigned weight;
    std::optional<unsigned> bias;
    Attribute blocks, mask;
    bool transposed;
    SmallVector<Level> levels;
    bool operator==(const Key &) const = default;
  };
  SmallVector<std::pair<Key, BlockArgument>> panels;

  func::ReturnOp getReturn(func::FuncOp function) {
    return cast<func::ReturnOp>(function.getBody().front().getTerminator());
  }

  /// The prepared value behind an argument of the kernel.
  Value getPrepared(BlockArgument argument) {
    unsigned rows = llvm::count_if(llvm::seq<unsigned>(0, argument.getArgNumber()), [&](unsigned i) {
      return kernel.getArgAttr(i, SampleDialect::kRowAttr) != nullptr;
    });
    return getReturn(prepare).getOperand(argument.getArgNumber() - rows);
  }

  /// Emits the pack of a weight and a bias, each with a leading axis for every level
  /// that slices it.
  Value emitPack(ImplicitLocOpBuilder &b, Value weight, Value bias, ArrayRef<Level> levels, const Layout &layout,
                 bool transposed, std::optional<RankMaskAttr> mask) {
    Type element = cast<RankedTensorType>(weight.getType()).getElementType();
    if (levels.empty())
      return PackOp::create(b, RankedTensorType::get({layout.elements}, element), weight, bias, layout.blocks,
                            transposed, mask && layout.hasHoles ? *mask : RankMaskAttr());
    SmallVector<int64_t> shape;
    for (const Level &level : levels)
      shape.push_back(level.layers);
    shape.push_back(layout.elements);
    const Level &level = levels.front();
    SmallVector<Value> over, shared;
    (level.slicesWeight ? over : shared).push_back(weight);
    if (bias)
      (level.slicesBias ? over : shared).push_back(bias);
    auto scan = ScanOp::create(b, TypeRange(), TypeRange{RankedTensorType::get(shape, element)}, level.layers,
                               /*reverse=*/false, ValueRange(), over, shared);
    OpBuilder::InsertionGuard guard(b);
    Block *body = &scan.getBody().emplaceBlock();
    for (Value operand : over)
      body->addArgument(ScanOp::getSliceType(operand.getType()), operand.getLoc());
    for (Value operand : shared)
      body->addArgument(operand.getType(), operand.getLoc());
    b.setInsertionPointToEnd(body);
    // Sliced operands come first.
    bool biasFirst = bias && level.slicesBias && !level.slicesWeight;
    Value inner = emitPack(b, body->getArgument(biasFirst), bias ? body->getArgument(!biasFirst) : Value(),
                           levels.drop_front(), layout, transposed, mask);
    YieldOp::create(b, ValueRange{inner});
    return scan.getStacked().front();
  }

  /// The panel of `weight` and `bias`, as a value where `weight` is.
  FailureOr<Value> getPanel(Operation *user, Value weight, Value bias, const Layout &layout, bool transposed,
                            std::optional<RankMaskAttr> mask) {
    FailureOr<Route> route = findRoute(weight, kernel, user);
    FailureOr<Route> biasRoute = bias ? findRoute(bias, kernel, user) : FailureOr<Route>(Route());
    if (failed(route) || failed(biasRoute))
      return failure();
    // Both go through the scans around their user.
    SmallVector<Level> levels;
    SmallVector<bool> isSliced;
    for (auto [i, step] : llvm::enumerate(route->steps)) {
      Level level{int64_t(step.first.getLayers()), step.second, bias && biasRoute->steps[i].second};
      isSliced.push_back(level.slicesWeight || level.slicesBias);
      if (isSliced.back())
        levels.push_back(level);
    }
    Key key{route->argument.getArgNumber(),
            std::nullopt,
            DenseI32ArrayAttr::get(kernel.getContext(), layout.blocks),
            mask && layout.hasHoles ? Attribute(*mask) : Attribute(),
            transposed,
            levels};
    if (bias)
      key.bias = biasRoute->argument.getArgNumber();
    BlockArgument argument;
    for (auto &[known, panel] : panels)
      if (known == key)
        argument = panel;
    if (!argument) {
      func::ReturnOp results = getReturn(prepare);
      ImplicitLocOpBuilder b(weight.getLoc(), results);
      Value panel = emitPack(b, getPrepared(route->argument), bias ? getPrepared(biasRoute->argument) : Value(), levels,
                             layout, transposed, mask);
      results->insertOperands(results->getNumOperands(), panel);
      argument = kernel.getBody().front().addArgument(panel.getType(), weight.getLoc());
      updateTypes();
      panels.push_back({key, argument});
    }
    Value value = argument;
    for (auto [step, slices] : llvm::zip_equal(route->steps, isSliced))
      value = slices ? appendOver(step.first, value) : appendShared(step.first, value);
    return value;
  }

  /// Makes the functions' types agree with their blocks again.
  void updateTypes() {
    for (func::FuncOp function : {kernel, prepare}) {
      unsigned before = function.getNumArguments();
      auto type = FunctionType::get(function.getContext(), function.getBody().front().getArgumentTypes(),
                                    getReturn(function).getOperandTypes());
      SmallVector<DictionaryAttr> attributes;
      for (unsigned i = 0; i < type.getNumInputs(); ++i) {
        DictionaryAttr attribute = i < before ? function.getArgAttrDict(i) : DictionaryAttr();
        attributes.push_back(attribute ? attribute : DictionaryAttr::get(function.getContext()));
      }
      function.setFunctionType(type);
      function.setAllArgAttrs(attributes);
    }
  }

  LogicalResult packDense(DenseOp op) {
    auto type = op.getWeight().getType();
    bool transposed = op.getTransposed();
    Layout layout =
        layOutDense(type.getDimSize(transposed ? 1 : 0), type.getDimSize(transposed ? 0 : 1), op.getMask(), transposed);
    FailureOr<Value> panel = getPanel(op, op.getWeight(), op.getBias(), layout, transposed, op.getMask());
    if (failed(panel))
      return failure();
    OpBuilder builder(op);
    auto packed =
        PanelDenseOp::create(builder, op.getLoc(), op.getType(), *panel, op.getX(), layout.blocks, layout.macs);
    packed.getActivation().takeBody(op.getActivation());
    op.replaceAllUsesWith(packed.getY());
    op.erase();
    return success();
  }

  LogicalResult packSweep(SweepOp op) {
    OpBuilder builder(op);
    SmallVector<Value> stagePanels;
    SmallVector<Attribute> blocks, ends, ahead;
    int64_t macs = 0;
    for (int64_t t = 0; t < op.getNumStages(); ++t) {
      StageLayout stage(op, t);
      stage.layOut();
      Value bias = op.getBiases().empty() ? Value() : op.getBiases()[t];
      FailureOr<Value> panel = getPanel(op, op.getWeights()[t], bias, stage.layout, op.getTransposed(), std::nullopt);
      if (failed(panel))
        return failure();
      stagePanels.push_back(*panel);
      blocks.push_back(builder.getDenseI32ArrayAttr(stage.layout.blocks));
      ends.push_back(builder.getDenseI32ArrayAttr(stage.ends));
      ahead.push_back(builder.getDenseI32ArrayAttr(stage.ahead));
      macs += stage.layout.macs;
    }
    auto packed = PanelSweepOp::create(
        builder, op.getLoc(), op.getUnits().getTypes(), op.getState().getType(), op.getExtras().getTypes(),
        op.getSums().getTypes(), op.getExtent(), op.getReverse(), op.getPrefix(), stagePanels, op.getIndexed(),
        op.getShared(), op.getInit(), op.getIndexedStage(), op.getRowEnds(), builder.getArrayAttr(blocks),
        builder.getArrayAttr(ends), builder.getArrayAttr(ahead), macs, op.getNumStages());
    for (auto [from, to] : llvm::zip_equal(op.getStages(), packed.getStages()))
      to.takeBody(from);
    op->replaceAllUsesWith(packed->getResults());
    op.erase();
    return success();
  }

  /// Drops prepared values that the kernel no longer reads.
  void dropUnused() {
    kernel.walk<WalkOrder::PostOrder>([](ScanOp scan) { dropUnusedOperands(scan); });
    BitVector arguments, results;
    for (BlockArgument argument : kernel.getArguments()) {
      bool isRow = kernel.getArgAttr(argument.getArgNumber(), SampleDialect::kRowAttr) != nullptr;
      bool isUnused = !isRow && argument.use_empty();
      arguments.push_back(isUnused);
      if (!isRow)
        results.push_back(isUnused);
    }
    getReturn(prepare)->eraseOperands(results);
    (void)kernel.eraseArguments(arguments);
    updateTypes();
  }
};

struct PackWeights : flowc::sample::impl::PackWeightsPassBase<PackWeights> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<KernelFunctions> functions = findKernelFunctions(module, {"kernel", "prepare"});
    if (failed(functions))
      return signalPassFailure();
    Packer packer{functions->kernel, functions->prepare, {}};
    SmallVector<Operation *> work;
    packer.kernel.walk([&](Operation *op) {
      auto dense = dyn_cast<DenseOp>(op);
      if (isa<SweepOp>(op) || (dense && dense.getMask()))
        work.push_back(op);
    });
    for (Operation *op : work) {
      auto dense = dyn_cast<DenseOp>(op);
      if (failed(dense ? packer.packDense(dense) : packer.packSweep(cast<SweepOp>(op))))
        return signalPassFailure();
    }
    packer.dropUnused();
  }
};
} // namespace
