//===- Converter.cpp - From the program of a sample to ONNX ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Converter.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

using namespace flowc::onnx;
using namespace mlir;

llvm::ArrayRef<int64_t> flowc::onnx::shapeOf(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor ? tensor.getShape() : ArrayRef<int64_t>();
}

int64_t flowc::onnx::rankOf(Value value) { return static_cast<int64_t>(shapeOf(value).size()); }

int64_t flowc::onnx::countElements(Value value) { return ShapedType::getNumElements(shapeOf(value)); }

std::vector<Tensor> Converter::getAll(ValueRange range) const {
  std::vector<Tensor> tensors;
  for (Value value : range)
    tensors.push_back(get(value));
  return tensors;
}

ElementType Converter::convertType(Type type) const {
  Type element = getElementTypeOrSelf(type);
  if (isa<FloatType>(element))
    return b.real;
  return element.isInteger(1) ? ElementType::Bool : ElementType::Int32;
}

FailureOr<std::vector<Tensor>> Converter::convert(Block &block) {
  for (Operation &op : block.without_terminator()) {
    const Patterns::Convert *convert = patterns.find(op.getName().getStringRef());
    if (!convert)
      return op.emitError("'") << op.getName() << "' has no form in ONNX";
    if (failed((*convert)(*this, &op)))
      return failure();
  }
  return getAll(block.getTerminator()->getOperands());
}
