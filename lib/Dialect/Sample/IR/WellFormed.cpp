//===- WellFormed.cpp - What holds of every op of a program ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Sample/IR/WellFormed.h"

#include "flowc/Dialect/Sample/IR/SampleDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

#include <algorithm>

using namespace mlir;
using namespace flowc::sample;

namespace {

/// Looks at the types of one op.
class TypeChecker {
public:
  TypeChecker(Operation *op, int64_t leastExtent) : op(op), leastExtent(leastExtent) {}

  LogicalResult check(TypeRange types);

private:
  LogicalResult check(Type type);

  Operation *op;
  int64_t leastExtent;
  /// That of the first value with floats.
  Type real;
};

} // namespace

LogicalResult TypeChecker::check(Type type) {
  if (auto tensor = dyn_cast<ShapedType>(type)) {
    auto isExtent = [&](int64_t extent) { return !ShapedType::isDynamic(extent) && extent >= leastExtent; };
    if (!isa<RankedTensorType>(type) || tensor.getRank() == 0 || !llvm::all_of(tensor.getShape(), isExtent))
      return op->emitOpError("needs tensors of known extents, at least ") << leastExtent << ", but has " << type;
    // So is the number of elements. The product of the extents is computed often, in 64 bits.
    constexpr int64_t kMaxElements = int64_t(1) << 40;
    int64_t elements = 1;
    for (int64_t extent : tensor.getShape()) {
      if (extent > kMaxElements / std::max<int64_t>(elements, 1))
        return op->emitOpError("cannot hold the elements of ") << type;
      elements *= extent;
    }
  }
  auto element = dyn_cast<FloatType>(getElementTypeOrSelf(type));
  if (!element)
    return success();
  // Floats are f32 or f64, and of one type.
  if (!element.isF32() && !element.isF64())
    return op->emitOpError("works in f32 or f64 but has ") << type;
  if (real && real != element)
    return op->emitOpError("mixes ") << real << " and " << element;
  real = element;
  return success();
}

LogicalResult TypeChecker::check(TypeRange types) {
  for (Type type : types)
    if (failed(check(type)))
      return failure();
  return success();
}

bool flowc::sample::isEventType(Type type) {
  auto isReal = [](Type element) { return element.isF32() || element.isF64(); };
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getRank() == 1 && tensor.getDimSize(0) > 0 && isReal(tensor.getElementType()) : isReal(type);
}

/// Whether `block`, a region of `op`, ends in the yield of the op's dialect.
static bool endsInYield(Operation *op, Block &block) {
  return !block.empty() && block.back().getName().getDialectNamespace() == op->getName().getDialectNamespace() &&
         block.back().getName().stripDialect() == "yield";
}

LogicalResult flowc::sample::verifyOpTypes(Operation *op, int64_t leastExtent) {
  TypeChecker types(op, leastExtent);
  if (failed(types.check(op->getOperandTypes())) || failed(types.check(op->getResultTypes())))
    return failure();
  for (Region &region : op->getRegions()) {
    if (region.empty())
      continue;
    Block &block = region.front();
    if (op->hasTrait<WellTyped>() && (!region.hasOneBlock() || !endsInYield(op, block)))
      return op->emitOpError("needs regions of one block that ends in ")
             << op->getName().getDialectNamespace() << ".yield";
    if (failed(types.check(TypeRange(block.getArgumentTypes()))))
      return failure();
  }
  return success();
}

LogicalResult flowc::sample::verifyWellFormed(Operation *function, int64_t leastExtent) {
  WalkResult result = function->walk<WalkOrder::PreOrder>([&](Operation *op) {
    return succeeded(verifyOpTypes(op, leastExtent)) ? WalkResult::advance() : WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// The numbers of a constant tensor of i32.
static std::optional<SmallVector<int32_t>> getIndices(Value value) {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  auto dense = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue()) : nullptr;
  if (!dense || !dense.getElementType().isInteger(32))
    return std::nullopt;
  return llvm::to_vector(dense.getValues<int32_t>());
}

LogicalResult flowc::sample::verifyPermutation(Operation *op, Value indices, Value inverse) {
  std::optional<SmallVector<int32_t>> to = getIndices(indices), from = getIndices(inverse);
  for (const auto &order : {to, from}) {
    SmallVector<int32_t> sorted(order ? *order : SmallVector<int32_t>());
    llvm::sort(sorted);
    if (!llvm::equal(sorted, llvm::seq<int32_t>(0, static_cast<int32_t>(sorted.size()))))
      return op->emitOpError("has a constant permutation that is none: it needs each of 0 ... ")
             << sorted.size() - 1 << " once";
  }
  if (to && from)
    for (auto [i, index] : llvm::enumerate(*to))
      if ((*from)[static_cast<size_t>(index)] != static_cast<int32_t>(i))
        return op->emitOpError("has a constant permutation whose inverse is another one");
  return success();
}

LogicalResult flowc::sample::verifyConstantPositions(Operation *op, Value positions, int64_t count) {
  if (std::optional<SmallVector<int32_t>> constant = getIndices(positions))
    for (int32_t position : *constant)
      if (position < 0 || position >= count)
        return op->emitOpError("has the position ") << position << ", which is not in 0 ... " << count - 1;
  return success();
}
