//===- WellFormed.cpp - What holds of every op of a program ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/WellFormed.h"

#include "flowc/Dialect/Flow/IR/FlowDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

#include <algorithm>

using namespace mlir;
using namespace flowc::flow;

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

/// Checks one op without what is inside of it.
static LogicalResult verifyOne(Operation *op, int64_t leastExtent) {
  TypeChecker types(op, leastExtent);
  if (failed(types.check(op->getOperandTypes())) || failed(types.check(op->getResultTypes())))
    return failure();
  bool isOurs = isa_and_nonnull<FlowDialect>(op->getDialect());
  for (Region &region : op->getRegions()) {
    if (region.empty())
      continue;
    Block &block = region.front();
    if (isOurs && (!region.hasOneBlock() || block.empty() || !isa<YieldOp>(block.back())))
      return op->emitOpError("needs regions of one block that ends in flow.yield");
    if (failed(types.check(TypeRange(block.getArgumentTypes()))))
      return failure();
  }
  return success();
}

LogicalResult flowc::flow::verifyWellFormed(Operation *function, int64_t leastExtent) {
  WalkResult result = function->walk<WalkOrder::PreOrder>([&](Operation *op) {
    return succeeded(verifyOne(op, leastExtent)) ? WalkResult::advance() : WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

LogicalResult flowc::flow::verifyPermutation(Operation *op, Value indices, Value inverse) {
  auto getValues = [](Value value) {
    auto constant = value.getDefiningOp<arith::ConstantOp>();
    auto dense = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue()) : nullptr;
    return dense ? std::optional(llvm::to_vector(dense.getValues<int32_t>())) : std::nullopt;
  };
  std::optional<SmallVector<int32_t>> to = getValues(indices), from = getValues(inverse);
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
