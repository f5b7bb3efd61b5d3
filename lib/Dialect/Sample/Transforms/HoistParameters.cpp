//===- HoistParameters.cpp - Split off what depends on parameters only ----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A value is uniform if it depends on leaves only. Uniform ops move to @prepare.
// In the body of a scan over layers, a uniform value becomes a slice of a stack
// that a scan without carries computes in @prepare, or a shared operand.
//
//===----------------------------------------------------------------------===//

#include "ScanUtils.h"
#include "flowc/Dialect/Sample/IR/Draws.h"
#include "flowc/Dialect/Sample/IR/Functions.h"
#include "flowc/Dialect/Sample/Transforms/KernelFunctions.h"
#include "flowc/Dialect/Sample/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/TypeUtilities.h"

namespace flowc::sample {
#define GEN_PASS_DEF_HOISTPARAMETERSPASS
#include "flowc/Dialect/Sample/Transforms/Passes.h.inc"
} // namespace flowc::sample

using namespace mlir;
using namespace flowc::sample;

/// Whether `op` gives every row something of its own.
static bool isPerSample(Operation *op) { return op->hasTrait<PerRow>(); }

/// Whether `op` makes a condition. The rest of a program computes those again: they
/// are cheap, and have no place among prepared numbers.
static bool isCondition(Operation *op) {
  return op->getNumResults() == 1 && op->hasTrait<OpTrait::Elementwise>() &&
         getElementTypeOrSelf(op->getResult(0).getType()).isInteger(1);
}

/// The conditions among the ops of `block` that `isMoved` holds for, but that what
/// stays needs.
static DenseSet<Operation *> findKeptConditions(Block &block, llvm::function_ref<bool(Operation *)> isMoved) {
  DenseSet<Operation *> kept;
  for (Operation &op : llvm::reverse(block))
    if (isMoved(&op) && isCondition(&op) &&
        llvm::any_of(op.getUsers(), [&](Operation *user) { return !isMoved(user) || kept.contains(user); }))
      kept.insert(&op);
  return kept;
}

/// Whether `value`, or a slice of it, is an operand of an op that takes whole tensors
/// of parameters: of none that maps or moves elements.
static bool isWeight(Value value, llvm::function_ref<bool(Operation *)> isUser) {
  if (!isa<RankedTensorType>(value.getType()))
    return false;
  return llvm::any_of(value.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (!isUser(user))
      return false;
    if (auto scan = dyn_cast<ScanOp>(user))
      return isWeight(scan.getBlock()->getArgument(use.getOperandNumber()), isUser);
    return !isa<MapOp, YieldOp>(user);
  });
}

namespace {

/// Moves uniform ops of `block` in front of `anchor`, an op of an enclosing
/// block: repeated from the innermost block outwards, this leaves every uniform
/// op at the outermost level.
struct Hoister {
  /// Uniform values: leaves, constants and what is computed from them. Slices of
  /// uniform stacks are uniform too.
  DenseSet<Value> uniform;
  /// Whether weights that all layers of a scan share are prepared for each of them.
  bool stackWeights = false;

  bool isUniform(Operation *op) const {
    if (op->getNumResults() == 0 || isPerSample(op))
      return false;
    if (!llvm::all_of(op->getOperands(), [&](Value v) { return uniform.contains(v); }))
      return false;
    // Draws and row weights may hide in a region.
    return !op->walk([](Operation *inner) {
                return isPerSample(inner) ? WalkResult::interrupt() : WalkResult::advance();
              }).wasInterrupted();
  }

  void markBlock(Block &block) {
    for (Operation &op : block) {
      if (isUniform(&op)) {
        for (Value result : op.getResults())
          uniform.insert(result);
        continue;
      }
      if (auto scan = dyn_cast<ScanOp>(op)) {
        Block &body = *scan.getBlock();
        unsigned first = scan.getCarries().size();
        for (auto [i, operand] : llvm::enumerate(llvm::concat<Value>(scan.getOver(), scan.getShared())))
          if (uniform.contains(operand))
            uniform.insert(body.getArgument(first + i));
        markBlock(body);
        hoistFromScan(scan);
      }
    }
  }

  /// Replaces the uniform values that the rest of a scan's body uses by slices of
  /// stacks that a new uniform scan in front of it computes, or, if they are the same
  /// in all layers, by shared operands.
  void hoistFromScan(ScanOp scan) {
    Block &body = *scan.getBlock();
    auto isMoved = [&](Operation *op) {
      return op->getBlock() == &body && !isa<arith::ConstantOp>(op) && op->getNumResults() > 0 &&
             llvm::all_of(op->getResults(), [&](Value v) { return uniform.contains(v); });
    };
    DenseSet<Operation *> kept = findKeptConditions(body, isMoved);
    auto stays = [&](Operation *op) { return !isMoved(op) || kept.contains(op); };
    auto isStackedWeight = [&](Value value) { return stackWeights && isWeight(value, stays); };
    SmallVector<Operation *> moved;
    SmallVector<Value> needed, wholes;
    DenseSet<Value> varying;
    unsigned firstOver = scan.getCarries().size(), firstShared = firstOver + scan.getOver().size();
    for (BlockArgument argument : body.getArguments().drop_front(firstOver)) {
      if (argument.getArgNumber() < firstShared)
        varying.insert(argument);
      else if (uniform.contains(argument) && isStackedWeight(argument))
        needed.push_back(argument);
    }
    for (Operation &op : body.without_terminator()) {
      if (!isMoved(&op))
        continue;
      moved.push_back(&op);
      bool varies = llvm::any_of(op.getOperands(), [&](Value operand) { return varying.contains(operand); });
      for (Value result : op.getResults()) {
        if (varies)
          varying.insert(result);
        if (!kept.contains(&op) && llvm::any_of(result.getUsers(), stays))
          (varies || isStackedWeight(result) ? needed : wholes).push_back(result);
      }
    }
    hoistWholes(scan, moved, varying, wholes, stays);
    if (needed.empty())
      return eraseUnused(moved);

    ScanOp prepared = buildPreparedScan(scan, moved, needed);
    // The old body reads slices of the new stacks.
    for (auto [value, stack] : llvm::zip_equal(needed, prepared.getStacked())) {
      BlockArgument argument = appendOver(scan, stack);
      uniform.insert(argument);
      value.replaceUsesWithIf(argument, [&](OpOperand &use) { return stays(use.getOwner()); });
    }
    eraseUnused(moved);
  }

  /// Computes `needed`, values of a scan's body, in a scan over the uniform stacks in
  /// front of it; `moved` are the ops that do.
  ScanOp buildPreparedScan(ScanOp scan, ArrayRef<Operation *> moved, ArrayRef<Value> needed) {
    Block &body = *scan.getBlock();
    ImplicitLocOpBuilder b(scan.getLoc(), scan);
    SmallVector<Value> over, shared;
    SmallVector<BlockArgument> overArguments, sharedArguments;
    unsigned first = scan.getCarries().size();
    for (auto [i, operand] : llvm::enumerate(scan.getOver()))
      if (uniform.contains(operand)) {
        over.push_back(operand);
        overArguments.push_back(body.getArgument(first + i));
      }
    for (auto [i, operand] : llvm::enumerate(scan.getShared()))
      if (uniform.contains(operand)) {
        shared.push_back(operand);
        sharedArguments.push_back(body.getArgument(first + scan.getOver().size() + i));
      }
    SmallVector<Type> stacks;
    for (Value value : needed)
      stacks.push_back(ScanOp::getStackType(value.getType(), scan.getLayers()));
    auto prepared =
        ScanOp::create(b, TypeRange(), stacks, scan.getLayers(), scan.getReverse(), ValueRange(), over, shared);
    Block *block = &prepared.getBody().emplaceBlock();
    IRMapping mapping;
    for (BlockArgument argument : llvm::concat<BlockArgument>(overArguments, sharedArguments))
      mapping.map(argument, block->addArgument(argument.getType(), argument.getLoc()));
    b.setInsertionPointToEnd(block);
    for (Operation &op : body.without_terminator())
      if (isa<arith::ConstantOp>(op) || llvm::is_contained(moved, &op))
        b.clone(op, mapping);
    SmallVector<Value> yielded;
    for (Value value : needed)
      yielded.push_back(mapping.lookup(value));
    YieldOp::create(b, yielded);
    for (Value stack : prepared.getStacked())
      uniform.insert(stack);
    return prepared;
  }

  /// Computes `wholes`, values of a scan's body that are the same in all layers, in
  /// front of the scan.
  void hoistWholes(ScanOp scan, ArrayRef<Operation *> moved, const DenseSet<Value> &varying, ArrayRef<Value> wholes,
                   llvm::function_ref<bool(Operation *)> stays) {
    if (wholes.empty())
      return;
    OpBuilder builder(scan);
    IRMapping outside;
    for (auto [argument, operand] :
         llvm::zip_equal(scan.getBlock()->getArguments().take_back(scan.getShared().size()), scan.getShared()))
      outside.map(argument, operand);
    for (Operation &op : scan.getBlock()->without_terminator()) {
      bool isWhole =
          isa<arith::ConstantOp>(op) || (llvm::is_contained(moved, &op) && !varying.contains(op.getResult(0)));
      if (isWhole)
        for (Value result : builder.clone(op, outside)->getResults())
          uniform.insert(result);
    }
    for (Value value : wholes) {
      BlockArgument argument = appendShared(scan, outside.lookup(value));
      uniform.insert(argument);
      value.replaceUsesWithIf(argument, [&](OpOperand &use) { return stays(use.getOwner()); });
    }
  }

  static void eraseUnused(ArrayRef<Operation *> moved) {
    for (Operation *op : llvm::reverse(moved))
      if (op->use_empty())
        op->erase();
  }
};

/// Splits @kernel: what depends on leaves only becomes @prepare.
class KernelSplitter {
public:
  KernelSplitter(func::FuncOp kernel, const DenseSet<Value> &uniform)
      : kernel(kernel), body(kernel.getBody().front()), uniform(uniform),
        kept(findKeptConditions(body, [this](Operation *op) { return isMoved(op); })) {}

  void run() {
    findPrepared();
    buildPrepare();
    reduceKernel();
  }

private:
  bool isRow(BlockArgument argument) {
    return kernel.getArgAttr(argument.getArgNumber(), SampleDialect::kRowAttr) != nullptr;
  }
  bool isMoved(Operation *op) const {
    return op->getBlock() == &body && !isa<arith::ConstantOp>(op) && op->getNumResults() > 0 &&
           llvm::all_of(op->getResults(), [&](Value v) { return uniform.contains(v); });
  }
  bool stays(Operation *op) const { return !isMoved(op) || kept.contains(op); }

  void findPrepared();
  void buildPrepare();
  void reduceKernel();

  func::FuncOp kernel;
  Block &body;
  const DenseSet<Value> &uniform;
  DenseSet<Operation *> kept;
  /// What the per-sample rest reads of the uniform part, in order.
  llvm::SetVector<Value> prepared;
};

void KernelSplitter::findPrepared() {
  for (Operation &op : body) {
    if (!stays(&op))
      continue;
    for (Value operand : op.getOperands()) {
      Operation *producer = operand.getDefiningOp();
      bool isAtHand = producer && (isa<arith::ConstantOp>(producer) || kept.contains(producer));
      if (uniform.contains(operand) && !isAtHand)
        prepared.insert(operand);
    }
  }
}

/// @prepare: leaves to prepared values.
void KernelSplitter::buildPrepare() {
  SmallVector<BlockArgument> leaves;
  for (BlockArgument argument : body.getArguments())
    if (!isRow(argument))
      leaves.push_back(argument);
  OpBuilder builder(kernel);
  auto getType = [](Value value) { return value.getType(); };
  auto type = builder.getFunctionType(llvm::map_to_vector(leaves, getType), llvm::map_to_vector(prepared, getType));
  auto prepare = func::FuncOp::create(builder, kernel.getLoc(), "prepare", type);
  Block *entry = prepare.addEntryBlock();
  IRMapping mapping;
  // All at once: each setting of one makes a new list of all.
  SmallVector<DictionaryAttr> attributes;
  for (auto [i, leaf] : llvm::enumerate(leaves)) {
    mapping.map(leaf, entry->getArgument(i));
    DictionaryAttr known = kernel.getArgAttrDict(leaf.getArgNumber());
    attributes.push_back(known ? known : builder.getDictionaryAttr({}));
  }
  prepare.setAllArgAttrs(attributes);
  builder.setInsertionPointToEnd(entry);
  for (Operation &op : body)
    if (isMoved(&op) || isa<arith::ConstantOp>(op))
      builder.clone(op, mapping);
  auto results = llvm::map_to_vector(prepared, [&](Value value) { return mapping.lookup(value); });
  func::ReturnOp::create(builder, kernel.getLoc(), results);
}

/// @kernel: rows, then prepared values.
void KernelSplitter::reduceKernel() {
  OpBuilder builder(kernel);
  SmallVector<DictionaryAttr> attributes;
  BitVector erased(body.getNumArguments());
  for (BlockArgument argument : body.getArguments()) {
    if (isRow(argument))
      attributes.push_back(kernel.getArgAttrDict(argument.getArgNumber()));
    else
      erased.set(argument.getArgNumber());
  }
  for (Value value : prepared) {
    BlockArgument argument = body.addArgument(value.getType(), value.getLoc());
    value.replaceUsesWithIf(argument, [&](OpOperand &use) { return stays(use.getOwner()); });
    attributes.push_back(builder.getDictionaryAttr({}));
    erased.push_back(false);
  }
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isMoved(&op) && op.use_empty())
      op.erase();
  body.eraseArguments(erased);
  kernel.setFunctionType(builder.getFunctionType(body.getArgumentTypes(), kernel.getResultTypes()));
  kernel.setAllArgAttrs(attributes);
}

struct HoistParameters : flowc::sample::impl::HoistParametersPassBase<HoistParameters> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<KernelFunctions> functions = findKernelFunctions(module, {"kernel"});
    if (failed(functions))
      return signalPassFailure();
    func::FuncOp kernel = functions->kernel;
    if (functions->prepare) {
      functions->prepare.emitError("is there already: parameters are hoisted once");
      return signalPassFailure();
    }
    Block &body = kernel.getBody().front();
    Hoister hoister;
    hoister.stackWeights = stackWeights;
    for (BlockArgument argument : body.getArguments())
      if (!kernel.getArgAttr(argument.getArgNumber(), SampleDialect::kRowAttr))
        hoister.uniform.insert(argument);
    hoister.markBlock(body);
    kernel.walk<WalkOrder::PostOrder>([](ScanOp scan) { dropUnusedOperands(scan); });
    KernelSplitter(kernel, hoister.uniform).run();
  }
};
} // namespace
