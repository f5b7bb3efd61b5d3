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
// layers cost nothing.
//
//===----------------------------------------------------------------------===//

#include "ScanUtils.h"
#include "flowc/Dialect/Flow/IR/FlowDialect.h"
#include "flowc/Dialect/Flow/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace flowc::flow {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "flowc/Dialect/Flow/Transforms/Passes.h.inc"
} // namespace flowc::flow

using namespace mlir;
using namespace flowc::flow;

namespace {

constexpr int64_t kBlockRows = 4;

/// The blocks of a panel and what they amount to.
struct Layout {
  SmallVector<int32_t> blocks; ///< {row0, rows, k0, columns, offset} each
  int64_t elements = 0;        ///< of the panel
  int64_t macs = 0;            ///< weights that exist
  bool hasHoles = false;       ///< a block covers weights that do not exist

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

/// Blocks of stage `t` of a sweep; `ends` gets the first block of every step.
Layout layOutStage(SweepOp op, int64_t t, SmallVector<int32_t> &ends) {
  Layout layout;
  ArrayRef<int64_t> rowEnds = op.getStageRowEnds(t);
  int64_t prefix = op.getPrefix() ? op.getPrefix().getType().getNumElements() : 0;
  int64_t group = op.getStatePerStep(), extent = op.getExtent();
  for (int64_t s = 0; s < extent; ++s) {
    // What is there at step s: see the description of flow.sweep.
    int64_t first = 0, last = 0;
    if (op.getReverse()) {
      first = t == 0 ? prefix + (s + 1) * group : op.getStageRowEnds(t - 1)[s];
      last = t == 0 ? prefix + extent * group : op.getStageRowEnds(t - 1).back();
    } else {
      last = t == 0 ? prefix + s * group : op.getStageRowEnds(t - 1)[s + 1];
    }
    ends.push_back(layout.blocks.size() / 5);
    for (int64_t row = rowEnds[s]; row < rowEnds[s + 1]; row += kBlockRows) {
      int64_t count = std::min(kBlockRows, rowEnds[s + 1] - row);
      layout.addBlock(row, count, first, last - first);
      layout.macs += count * (last - first);
    }
  }
  ends.push_back(layout.blocks.size() / 5);
  return layout;
}

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
      if (kernel.getArgAttr(argument.getArgNumber(), FlowDialect::kRowAttr))
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
  func::FuncOp kernel, prepare, finish;
  int64_t vectorElements;

  struct Key {
    unsigned weight;
    std::optional<unsigned> bias;
    Attribute blocks, mask;
    bool transposed;
    bool operator==(const Key &) const = default;
  };
  SmallVector<std::pair<Key, BlockArgument>> panels;

  func::ReturnOp getReturn(func::FuncOp function) {
    return cast<func::ReturnOp>(function.getBody().front().getTerminator());
  }

  /// The prepared value behind an argument of the kernel.
  Value getPrepared(BlockArgument argument) {
    unsigned rows = llvm::count_if(llvm::seq<unsigned>(0, argument.getArgNumber()),
                                   [&](unsigned i) { return kernel.getArgAttr(i, FlowDialect::kRowAttr) != nullptr; });
    return getReturn(prepare).getOperand(argument.getArgNumber() - rows);
  }

  /// Emits the pack of a weight that has `levels` leading axes.
  Value emitPack(ImplicitLocOpBuilder &b, Value weight, Value bias, int64_t levels, const Layout &layout,
                 bool transposed, std::optional<RankMaskAttr> mask) {
    Type element = cast<RankedTensorType>(weight.getType()).getElementType();
    auto panel = RankedTensorType::get({layout.elements}, element);
    if (levels == 0)
      return PackOp::create(b, panel, weight, bias, layout.blocks, transposed,
                            mask && layout.hasHoles ? *mask : RankMaskAttr());
    SmallVector<Value> over{weight};
    if (bias)
      over.push_back(bias);
    int64_t layers = cast<RankedTensorType>(weight.getType()).getDimSize(0);
    SmallVector<int64_t> shape(cast<RankedTensorType>(weight.getType()).getShape().take_front(levels));
    shape.push_back(layout.elements);
    auto scan = ScanOp::create(b, TypeRange(), TypeRange{RankedTensorType::get(shape, element)}, layers,
                               /*reverse=*/false, ValueRange(), over, ValueRange());
    OpBuilder::InsertionGuard guard(b);
    Block *body = &scan.getBody().emplaceBlock();
    for (Value operand : over)
      body->addArgument(ScanOp::getSliceType(operand.getType()), operand.getLoc());
    b.setInsertionPointToEnd(body);
    Value inner =
        emitPack(b, body->getArgument(0), bias ? body->getArgument(1) : Value(), levels - 1, layout, transposed, mask);
    YieldOp::create(b, ValueRange{inner});
    return scan.getStacked().front();
  }

  /// The panel of `weight` and `bias`, as a value where `weight` is.
  FailureOr<Value> getPanel(Operation *user, Value weight, Value bias, const Layout &layout, bool transposed,
                            std::optional<RankMaskAttr> mask) {
    FailureOr<Route> route = findRoute(weight, kernel, user);
    if (failed(route))
      return failure();
    Key key{route->argument.getArgNumber(), std::nullopt, DenseI32ArrayAttr::get(kernel.getContext(), layout.blocks),
            mask && layout.hasHoles ? Attribute(*mask) : Attribute(), transposed};
    BlockArgument biasArgument;
    if (bias) {
      FailureOr<Route> biasRoute = findRoute(bias, kernel, user);
      if (failed(biasRoute))
        return failure();
      biasArgument = biasRoute->argument;
      key.bias = biasArgument.getArgNumber();
    }
    BlockArgument argument;
    for (auto &[known, panel] : panels)
      if (known == key)
        argument = panel;
    if (!argument) {
      int64_t levels = llvm::count_if(route->steps, [](auto &step) { return step.second; });
      func::ReturnOp results = getReturn(prepare);
      ImplicitLocOpBuilder b(weight.getLoc(), results);
      Value panel = emitPack(b, getPrepared(route->argument), bias ? getPrepared(biasArgument) : Value(), levels,
                             layout, transposed, mask);
      results->insertOperands(results->getNumOperands(), panel);
      argument = kernel.getBody().front().addArgument(panel.getType(), weight.getLoc());
      updateTypes();
      panels.push_back({key, argument});
    }
    Value value = argument;
    for (auto [scan, over] : route->steps)
      value = over ? appendOver(scan, value) : appendShared(scan, value);
    return value;
  }

  /// Makes the functions' types agree with their blocks again.
  void updateTypes() {
    for (func::FuncOp function : {kernel, prepare, finish}) {
      if (!function)
        continue;
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
    SmallVector<Attribute> blocks, ends;
    int64_t macs = 0;
    for (int64_t t = 0; t < op.getNumStages(); ++t) {
      SmallVector<int32_t> stageEnds;
      Layout layout = layOutStage(op, t, stageEnds);
      Value bias = op.getBiases().empty() ? Value() : op.getBiases()[t];
      FailureOr<Value> panel = getPanel(op, op.getWeights()[t], bias, layout, op.getTransposed(), std::nullopt);
      if (failed(panel))
        return failure();
      stagePanels.push_back(*panel);
      blocks.push_back(builder.getDenseI32ArrayAttr(layout.blocks));
      ends.push_back(builder.getDenseI32ArrayAttr(stageEnds));
      macs += layout.macs;
    }
    auto packed = PanelSweepOp::create(
        builder, op.getLoc(), op.getUnits().getTypes(), op.getState().getType(), op.getExtras().getTypes(),
        op.getSums().getTypes(), op.getExtent(), op.getReverse(), op.getPrefix(), stagePanels, op.getIndexed(),
        op.getShared(), op.getInit(), op.getIndexedStage(), op.getRowEnds(), builder.getArrayAttr(blocks),
        builder.getArrayAttr(ends), macs, op.getNumStages());
    for (auto [from, to] : llvm::zip_equal(op.getStages(), packed.getStages()))
      to.takeBody(from);
    op->replaceAllUsesWith(packed->getResults());
    op.erase();
    return success();
  }

  /// Follows a value that is only summed over rows: the scans it is stacked by,
  /// and the number of the kernel's result (null if it is used otherwise).
  std::optional<unsigned> findSum(Value value, SmallVectorImpl<OpResult> &stacks) {
    while (value.hasOneUse()) {
      OpOperand &use = *value.use_begin();
      if (isa<func::ReturnOp>(use.getOwner()))
        return kernel.getResultAttr(use.getOperandNumber(), FlowDialect::kSumAttr)
                   ? std::optional<unsigned>(use.getOperandNumber())
                   : std::nullopt;
      auto scan = dyn_cast<ScanOp>(use.getOwner()->getParentOp());
      if (!scan || !isa<YieldOp>(use.getOwner()) || use.getOperandNumber() < scan.getFinals().size())
        return std::nullopt;
      stacks.push_back(scan->getResult(use.getOperandNumber()));
      value = stacks.back();
    }
    return std::nullopt;
  }

  /// Emits the unpacking of a panel with leading axes in @finish.
  std::pair<Value, Value> emitUnpack(ImplicitLocOpBuilder &b, Value panel, Type weight, Type bias,
                                     std::optional<RankMaskAttr> mask) {
    auto type = cast<RankedTensorType>(panel.getType());
    if (type.getRank() == 2) {
      auto unpack = UnpackOuterOp::create(b, weight, bias, panel, mask.value_or(RankMaskAttr()));
      return {unpack.getWeight(), unpack.getBias()};
    }
    auto scan = ScanOp::create(b, TypeRange(), TypeRange{weight, bias}, type.getDimSize(0), /*reverse=*/false,
                               ValueRange(), ValueRange{panel}, ValueRange());
    OpBuilder::InsertionGuard guard(b);
    Block *body = &scan.getBody().emplaceBlock();
    Value slice = body->addArgument(ScanOp::getSliceType(type), panel.getLoc());
    b.setInsertionPointToEnd(body);
    auto [w, v] = emitUnpack(b, slice, ScanOp::getSliceType(weight), ScanOp::getSliceType(bias), mask);
    YieldOp::create(b, ValueRange{w, v});
    return {scan.getStacked()[0], scan.getStacked()[1]};
  }

  LogicalResult packOuter(OuterOp op) {
    SmallVector<OpResult> weightStacks, biasStacks;
    std::optional<unsigned> weightSum = findSum(op.getWeight(), weightStacks);
    std::optional<unsigned> biasSum = op.getBias().use_empty() ? std::nullopt : findSum(op.getBias(), biasStacks);
    if (!weightSum || (!biasSum && !op.getBias().use_empty()) || !finish)
      return op.emitOpError("can only be summed over rows");
    auto type = op.getWeight().getType();
    int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
    int64_t padded = (columns + 1 + vectorElements - 1) / vectorElements * vectorElements;
    Layout layout = layOutDense(rows, columns, op.getMask(), /*transposed=*/false);
    std::optional<RankMaskAttr> mask = op.getMask();
    Type biasType = op.getBias().getType(), weightType = type;

    OpBuilder builder(op);
    auto panelType = RankedTensorType::get({rows, padded}, type.getElementType());
    auto panel = PanelOuterOp::create(builder, op.getLoc(), panelType, op.getG(), op.getX(), layout.blocks);
    op.getWeight().replaceAllUsesWith(panel.getPanel());
    Type stacked = panelType;
    for (OpResult stack : weightStacks) {
      int64_t layers = cast<ScanOp>(stack.getOwner()).getLayers();
      weightType = stack.getType();
      stacked = ScanOp::getStackType(stacked, layers);
      biasType = ScanOp::getStackType(biasType, layers);
      stack.setType(cast<TensorType>(stacked));
    }

    // @finish takes the panel and unpacks it.
    SmallVector<BlockArgument> cotangents;
    for (BlockArgument argument : finish.getArguments())
      if (finish.getArgAttr(argument.getArgNumber(), "flow.cotangent"))
        cotangents.push_back(argument);
    BlockArgument weightArgument = cotangents[*weightSum - 1];
    weightArgument.setType(stacked);
    ImplicitLocOpBuilder b(op.getLoc(), finish.getContext());
    b.setInsertionPointToStart(&finish.getBody().front());
    auto [weight, bias] = emitUnpack(b, weightArgument, weightType, biasType, mask);
    weightArgument.replaceUsesWithIf(weight, [&](OpOperand &use) {
      Operation *user = use.getOwner();
      return user != weight.getDefiningOp();
    });

    // The bias comes with the panel: its own sum goes.
    if (biasSum) {
      cotangents[*biasSum - 1].replaceAllUsesWith(bias);
      unsigned number = cotangents[*biasSum - 1].getArgNumber();
      (void)finish.eraseArgument(number);
      Operation *yield = *op.getBias().user_begin();
      unsigned operand = op.getBias().use_begin()->getOperandNumber();
      (void)kernel.eraseResult(*biasSum);
      getReturn(kernel)->eraseOperand(*biasSum);
      if (!biasStacks.empty()) {
        // Any value will do for results that are dropped next.
        yield->setOperand(operand, op.getG());
        for (OpResult stack : biasStacks)
          dropUnusedStacked(cast<ScanOp>(stack.getOwner()));
      }
    }
    op.erase();
    updateTypes();
    return success();
  }

  /// Drops prepared values that the kernel no longer reads.
  void dropUnused() {
    kernel.walk<WalkOrder::PostOrder>([](ScanOp scan) { dropUnusedOperands(scan); });
    Block &body = kernel.getBody().front();
    for (int64_t i = int64_t(body.getNumArguments()) - 1; i >= 0; --i) {
      BlockArgument argument = body.getArgument(i);
      if (kernel.getArgAttr(i, FlowDialect::kRowAttr) || !argument.use_empty())
        continue;
      unsigned rows = llvm::count_if(
          llvm::seq<int64_t>(0, i), [&](unsigned k) { return kernel.getArgAttr(k, FlowDialect::kRowAttr) != nullptr; });
      getReturn(prepare)->eraseOperand(i - rows);
      (void)kernel.eraseArgument(i);
    }
    updateTypes();
  }
};

struct PackWeights : flowc::flow::impl::PackWeightsPassBase<PackWeights> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Packer packer{module.lookupSymbol<func::FuncOp>("kernel"),
                  module.lookupSymbol<func::FuncOp>("prepare"),
                  module.lookupSymbol<func::FuncOp>("finish"),
                  vectorElements,
                  {}};
    if (!packer.kernel || !packer.prepare) {
      module.emitError("needs the functions @kernel and @prepare");
      return signalPassFailure();
    }
    SmallVector<Operation *> work;
    packer.kernel.walk([&](Operation *op) {
      if (isa<DenseOp, SweepOp, OuterOp>(op))
        work.push_back(op);
    });
    for (Operation *op : work) {
      LogicalResult result = success();
      if (auto dense = dyn_cast<DenseOp>(op))
        result = packer.packDense(dense);
      else if (auto sweep = dyn_cast<SweepOp>(op))
        result = packer.packSweep(sweep);
      else
        result = packer.packOuter(cast<OuterOp>(op));
      if (failed(result))
        return signalPassFailure();
    }
    packer.dropUnused();
  }
};
} // namespace
