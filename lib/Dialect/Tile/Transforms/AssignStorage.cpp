//===- AssignStorage.cpp - Where buffers of the workspace lie -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One buffer behind the other, in the order of the program. What carries buffers from
// layer to layer carries the offsets that were assigned to them.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Tile/Transforms/Passes.h"
#include "flowc/Runtime/KernelABI.h"
#include "flowc/Target/TargetInfo.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace flowc::tile {
#define GEN_PASS_DEF_ASSIGNSTORAGEPASS
#include "flowc/Dialect/Tile/Transforms/Passes.h.inc"
} // namespace flowc::tile

using namespace mlir;
using namespace flowc;
using namespace flowc::tile;

/// Everything that is reached by a vector access starts at a multiple of this many elements,
/// 64 bytes for float.
static constexpr int64_t kAlignment = 16;

/// Elements of the kernel's type that a buffer takes, for vectors of so many lanes.
static int64_t getSize(BufferType type, int64_t lanes) {
  constexpr int64_t tileVectors = 4;
  switch (type.getLayout()) {
  case Layout::Uniform:
    return type.getElements();
  case Layout::Rows:
    return type.getElements() * tileVectors * lanes;
  case Layout::Sums:
    return type.getElements() * lanes;
  }
  llvm_unreachable("unknown layout");
}

/// Gives every tile.alloc of `function` its place; the elements that are taken in the end.
static int64_t placeBuffers(func::FuncOp function, int64_t lanes) {
  auto reserved = function->getAttrOfType<IntegerAttr>(TileDialect::kReservedAttr);
  int64_t end = reserved ? reserved.getInt() : 0;
  function.walk([&](AllocOp op) {
    int64_t offset = llvm::alignTo(end, kAlignment);
    end = llvm::alignTo(offset + getSize(op.getBuffer().getType(), lanes), kAlignment);
    OpBuilder b(op);
    Value at = arith::ConstantIndexOp::create(b, op.getLoc(), offset);
    op.replaceAllUsesWith(BufferOp::create(b, op.getLoc(), op.getBuffer().getType(), op.getMemory(), at).getBuffer());
    op.erase();
  });
  return llvm::alignTo(end, kAlignment);
}

/// The place of a buffer; null if an op of another kind makes it.
static BufferOp findPlace(Value buffer) { return buffer.getDefiningOp<BufferOp>(); }

/// Lets a loop that carries buffers carry their offsets.
static LogicalResult carryOffsets(scf::ForOp loop) {
  if (!llvm::any_of(loop.getInitArgs().getTypes(), llvm::IsaPred<BufferType>))
    return success();
  SmallVector<Value> inits;
  SmallVector<BufferOp> places;
  for (Value init : loop.getInitArgs()) {
    BufferOp place = isa<BufferType>(init.getType()) ? findPlace(init) : BufferOp();
    if (isa<BufferType>(init.getType()) && !place)
      return loop.emitError("carries a buffer that has no place of its own in the workspace");
    places.push_back(place);
    inits.push_back(place ? place.getOffset() : init);
  }
  OpBuilder b(loop);
  auto fresh = scf::ForOp::create(b, loop.getLoc(), loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), inits);
  fresh.getRegion().takeBody(loop.getRegion());
  Block &body = *fresh.getBody();
  b.setInsertionPointToStart(&body);
  for (auto [i, place] : llvm::enumerate(places))
    if (place) {
      BlockArgument old = body.getArgument(i + 1), offset = body.insertArgument(i + 1, b.getIndexType(), loop.getLoc());
      old = body.getArgument(i + 2);
      old.replaceAllUsesWith(
          BufferOp::create(b, loop.getLoc(), place.getBuffer().getType(), place.getMemory(), offset).getBuffer());
      body.eraseArgument(i + 2);
    }
  auto yield = cast<scf::YieldOp>(body.getTerminator());
  for (OpOperand &operand : yield->getOpOperands())
    if (isa<BufferType>(operand.get().getType())) {
      BufferOp place = findPlace(operand.get());
      if (!place)
        return yield.emitError("yields a buffer that has no place of its own in the workspace");
      operand.set(place.getOffset());
    }
  b.setInsertionPointAfter(fresh);
  for (auto [i, place] : llvm::enumerate(places)) {
    Value result = fresh.getResult(i);
    if (place)
      result = BufferOp::create(b, loop.getLoc(), place.getBuffer().getType(), place.getMemory(), result);
    loop.getResult(i).replaceAllUsesWith(result);
  }
  loop.erase();
  return success();
}

/// Tells those who run the kernel what its workspace takes.
static void setWorkspace(ModuleOp module, int64_t elements) {
  constexpr size_t index = offsetof(KernelInfo, workspaceElements) / sizeof(int64_t);
  auto info = module.lookupSymbol<TableOp>("info");
  auto numbers = info ? dyn_cast<DenseIntElementsAttr>(info.getNumbers()) : DenseIntElementsAttr();
  if (!numbers || !numbers.getElementType().isInteger(64) || numbers.getNumElements() <= int64_t(index))
    return;
  auto values = llvm::to_vector(numbers.getValues<int64_t>());
  values[index] = elements;
  info.setNumbersAttr(DenseElementsAttr::get(cast<ShapedType>(numbers.getType()), ArrayRef(values)));
}

namespace {
struct AssignStoragePass : flowc::tile::impl::AssignStoragePassBase<AssignStoragePass> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    ShapeAttr shape = findShape(module);
    if (!shape) {
      module.emitError() << "needs the attribute '" << TileDialect::kShapeAttr
                         << "', which convert-sample-to-tile gives a module";
      return signalPassFailure();
    }
    int64_t lanes = (*getVectorUnit(shape.getVectors().str()))->bits / shape.getElement().getWidth();
    for (auto function : module.getOps<func::FuncOp>()) {
      int64_t elements = placeBuffers(function, lanes);
      if (function.getName() == "kernel")
        setWorkspace(module, elements);
      // From the outside in: what an outer loop carries, an inner one may take over.
      SmallVector<scf::ForOp> loops;
      function.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) { loops.push_back(loop); });
      for (scf::ForOp loop : loops)
        if (failed(carryOffsets(loop)))
          return signalPassFailure();
    }
  }
};
} // namespace
