//===- EmitParts.cpp - @prepare and @finish in parts ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layers of a flow hold parameters of their own: what is prepared of one, and what its
// gradient is, has nothing to do with the others. So threads can share the layers. Each
// number is computed as if there was one thread.
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::sample;

/// Whether `scan` gets `value` as it is, not a slice for each layer.
static bool isShared(ScanOp scan, Value value) { return llvm::is_contained(scan.getShared(), value); }

/// Scans without carries of as many layers as those which give most, by that number.
static int64_t findScans(Block &block, SmallPtrSetImpl<Operation *> &scans) {
  llvm::MapVector<int64_t, int64_t> elements; // By the number of layers.
  for (auto scan : block.getOps<ScanOp>())
    if (scan.getCarries().empty() && scan.getLayers() > 1)
      for (Value result : scan.getStacked())
        elements[scan.getLayers()] += getNumElements(result.getType());
  auto most = llvm::max_element(elements, [](const auto &a, const auto &b) { return a.second < b.second; });
  if (most == elements.end())
    return 1;
  for (auto scan : block.getOps<ScanOp>())
    if (scan.getCarries().empty() && int64_t(scan.getLayers()) == most->first)
      scans.insert(scan);
  return most->first;
}

/// Finds the scans whose layers are the parts.
void TileEmitter::findParts(Block &block) {
  parts = findScans(block, partScans);
  // What takes a value from one group and gives it to the other is in no part.
  bool isSeparate = false;
  while (!isSeparate) {
    isSeparate = true;
    auto leaveOut = [&](Operation *scan) { isSeparate &= !partScans.erase(scan); };
    for (Operation &op : block.without_terminator())
      op.walk([&](Operation *inner) {
        for (Value operand : inner->getOperands()) {
          Operation *source = operand.getDefiningOp();
          if (!source || source->getBlock() != &block || isa<arith::ConstantOp>(source))
            continue;
          bool isOf = partScans.contains(&op), isFrom = partScans.contains(source);
          if (isOf && (!isFrom || isShared(cast<ScanOp>(op), operand)))
            leaveOut(&op);
          else if (!isOf && isFrom)
            leaveOut(source);
        }
      });
  }
  if (partScans.empty())
    parts = 1;
}

func::FuncOp TileEmitter::beginInParts(StringRef name, ArrayRef<Type> arguments) {
  findParts(source.getBody().front());
  std::string wholeName = (name + ".tile").str(); // Until `source` is gone.
  if (parts == 1)
    return beginFunction(wholeName, arguments);
  SmallVector<Type> withRange(arguments);
  withRange.append(2, b.getI64Type());
  std::string partName = (name + "_part").str();
  func::FuncOp whole = beginFunction(wholeName, arguments);
  SmallVector<Value> values(whole.getArguments());
  values.push_back(arith::ConstantOp::create(b, b.getI64IntegerAttr(0)));
  values.push_back(arith::ConstantOp::create(b, b.getI64IntegerAttr(parts)));
  func::CallOp::create(b, partName, TypeRange(), values);
  func::ReturnOp::create(b);
  func::FuncOp part = beginFunction(partName, withRange);
  firstPart = arith::IndexCastOp::create(b, b.getIndexType(), part.getArgument(arguments.size()));
  lastPart = arith::IndexCastOp::create(b, b.getIndexType(), part.getArgument(arguments.size() + 1));
  return part;
}

TileEmitter::PartMemory TileEmitter::beginPart() {
  PartMemory memory{workspace, arith::ConstantIndexOp::create(b, 0), workspaceElements};
  workspace = tile::ShiftOp::create(b, workspace.getType(), workspace, mul(firstPart, memory.stride), shape.element);
  return memory;
}

void TileEmitter::endPart(const PartMemory &memory) {
  int64_t own = workspaceElements - memory.elements;
  memory.stride.getDefiningOp<arith::ConstantOp>().setValueAttr(b.getIndexAttr(own));
  workspaceElements += (parts - 1) * own;
  workspace = memory.whole;
}

/// `results` are where the values that `block` returns go, times `factor` if there is one.
LogicalResult TileEmitter::emitInParts(Block &block, ArrayRef<Storage> results, Value factor) {
  assignDestinations(block);
  auto give = [&](const Storage &from, const Storage &to) { factor ? copyScaled(from, to, factor) : copy(from, to); };
  auto emitGroup = [&](bool inParts) -> LogicalResult {
    for (Operation &op : block.without_terminator())
      if (partScans.contains(&op) == inParts && failed(emitOp(&op)))
        return failure();
    for (auto [value, to] : llvm::zip_equal(block.getTerminator()->getOperands(), results)) {
      bool isOfPart = value.getDefiningOp() && partScans.contains(value.getDefiningOp());
      Storage from = isOfPart == inParts ? find(value) : Storage();
      if (isOfPart != inParts || (!factor && isSame(from, to)))
        continue;
      if (!inParts) {
        give(from, to);
        continue;
      }
      int64_t elements = to.elements / parts;
      forRange(firstPart, lastPart, {}, [&, &to = to](Value part, ValueRange) {
        Value at = mul(part, index(elements));
        give(slice(from, at, elements), slice(to, at, elements));
        return SmallVector<Value>();
      });
    }
    return success();
  };
  if (parts == 1)
    return emitGroup(false);
  {
    OpBuilder::InsertionGuard guard(b);
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, firstPart, index(0));
    auto branch = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
    if (failed(emitGroup(false)))
      return failure();
  }
  return emitGroup(true);
}
