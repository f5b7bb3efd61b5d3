//===- EmitDensityArrays.cpp - Densities: whole vectors -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayFunctions.h"
#include "DensityEmitter.h"

#include "flowc/Dialect/Sample/IR/Objective.h"
#include "flowc/Dialect/Sample/IR/Pick.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/RegionUtils.h"

#include <limits>

namespace flowc {

using namespace mlir;
using namespace flow;
using Kind = ast::MathExpr::Kind;

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Value DensityEmitter::emitArrayFunction(const MathExpr &call) {
  using symbolic::Function;
  switch (*getArrayFunction(call)) {
  case Function::LogSumExp:
    return emitLogSumExp(call.operands[0]);
  case Function::Max:
  case Function::Min:
    return emitExtremum(call.text, emitPart(call.operands[0]));
  case Function::Cumsum:
    return emitCumsum(call.operands[0]);
  case Function::Dot:
    return emitDot(call);
  case Function::Mean:
    return emitMean(call);
  case Function::Detach:
    return DetachOp::create(builder, emitPart(call.operands[0]));
  default:
    return emitSum(call);
  }
}

/// A sum of elements or, for `dot`, of products.
Value DensityEmitter::emitSum(const MathExpr &call) {
  Location loc = builder.getLoc();
  SmallVector<const MathExpr *> parts;
  Sources sources;
  for (const MathExpr &operand : call.operands) {
    parts.push_back(&operand);
    collectSources(operand, sources);
  }
  builder.setLoc(loc);
  MapOp map = emitMap(parts, sources, [&](ImplicitLocOpBuilder &at, ValueRange elements, MapYields &yields) {
    Value summand = elements.front();
    if (elements.size() == 2)
      summand = arith::MulFOp::create(at, summand, elements.back());
    yields.summands.push_back(summand);
  });
  return map.getSums().front();
}

Value DensityEmitter::emitMean(const MathExpr &call) {
  Location loc = builder.getLoc();
  Value vector = emitPart(call.operands[0]);
  builder.setLoc(loc);
  int64_t count = getNumElements(vector.getType());
  FailureOr<MapOp> map =
      buildMap(builder, count, vector, {}, [](ImplicitLocOpBuilder &, ValueRange arguments, MapYields &yields) {
        yields.summands.push_back(arguments[0]);
        return success();
      });
  return arith::DivFOp::create(builder, map->getSums().front(), getConstant(element, static_cast<double>(count)));
}

/// The array of data that `part` names if that is a matrix, else null.
static Value findMatrix(const ast::MathExpr &part, ArrayRef<Value> data) {
  Value array = part.data >= 0 && part.kind != Kind::Gather ? data[part.data] : Value();
  auto type = array ? dyn_cast<RankedTensorType>(array.getType()) : RankedTensorType();
  return type && type.getRank() == 2 ? array : Value();
}

Value DensityEmitter::emitDot(const MathExpr &call) {
  Value left = findMatrix(call.operands[0], data), right = findMatrix(call.operands[1], data);
  Value matrix = left ? left : right;
  if (!matrix)
    return emitSum(call);
  Location loc = builder.getLoc();
  Value vector = emitPart(call.operands[left ? 1 : 0]);
  builder.setLoc(loc);
  auto type = RankedTensorType::get({cast<RankedTensorType>(matrix.getType()).getDimSize(left ? 0 : 1)}, element);
  return DenseOp::create(builder, type, matrix, vector, /*bias=*/Value(), /*transposed=*/!left, RankMaskAttr());
}

/// y[i] = v[0] + ... + v[i].
Value DensityEmitter::emitCumsum(const MathExpr &argument) {
  Location loc = builder.getLoc();
  Value vector = emitPart(argument);
  builder.setLoc(loc);
  sample::ScanOp scan = buildScan(getConstant(element, 0), vector, /*isStacked=*/true, [&](ValueRange arguments) {
    return arith::AddFOp::create(builder, arguments[0], arguments[1]).getResult();
  });
  return scan.getStacked().front();
}

/// m + log(sum exp(v - m)) with the largest element m, or 0 if that is infinite.
/// The result does not depend on m, so its derivative need not either.
Value DensityEmitter::emitLogSumExp(const MathExpr &argument) {
  Location loc = builder.getLoc();
  Value vector = emitPart(argument);
  builder.setLoc(loc);
  Value largest = DetachOp::create(builder, emitExtremum("max", vector));
  Value size = math::AbsFOp::create(builder, largest);
  Value isInfinite = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, size,
                                           getConstant(element, std::numeric_limits<double>::infinity()));
  Value shift = arith::SelectOp::create(builder, isInfinite, getConstant(element, 0), largest);
  FailureOr<MapOp> map = buildMap(builder, getNumElements(vector.getType()), vector, shift,
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    yields.summands.push_back(
                                        math::ExpOp::create(at, arith::SubFOp::create(at, arguments[0], arguments[1])));
                                    return success();
                                  });
  return arith::AddFOp::create(builder, shift, math::LogOp::create(builder, map->getSums().front()));
}

/// The largest or smallest element, by a scan.
Value DensityEmitter::emitExtremum(StringRef name, Value vector) {
  double worst = std::numeric_limits<double>::infinity() * (name == "max" ? -1 : 1);
  sample::ScanOp scan = buildScan(getConstant(element, worst), vector, /*isStacked=*/false,
                                  [&](ValueRange arguments) { return emitMathFunction(builder, name, arguments); });
  return scan.getFinals().front();
}

//===----------------------------------------------------------------------===//
// Scans
//===----------------------------------------------------------------------===//

sample::ScanOp DensityEmitter::buildScan(Value start, ValueRange over, bool isStacked,
                                         llvm::function_ref<Value(ValueRange)> body) {
  Location loc = builder.getLoc();
  int64_t length = cast<RankedTensorType>(over.front().getType()).getDimSize(0);
  SmallVector<Type> stacked(isStacked, sample::ScanOp::getStackType(start.getType(), length));
  auto scan =
      sample::ScanOp::create(builder, start.getType(), stacked, length, /*reverse=*/false, start, over, ValueRange());
  Region &region = scan.getBody();
  Block &block = region.empty() ? region.emplaceBlock() : region.front();
  block.addArgument(start.getType(), loc);
  for (Value vector : over)
    block.addArgument(sample::ScanOp::getSliceType(vector.getType()), loc);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&block);
    Value next = body(block.getArguments());
    builder.setLoc(loc);
    sample::YieldOp::create(builder, isStacked ? ValueRange{next, next} : ValueRange{next});
  }
  // What the body uses of its surroundings are shared operands.
  llvm::SetVector<Value> outside;
  getUsedValuesDefinedAbove(region, region, outside);
  for (Value value : outside)
    replaceAllUsesInRegionWith(value, block.addArgument(value.getType(), loc), region);
  scan.getSharedMutable().append(outside.getArrayRef());
  return scan;
}

/// The vector of the states after each step.
Value DensityEmitter::emitScan(const MathExpr &scan) {
  Location loc = builder.getLoc();
  Value start = emitPart(scan.operands.front());
  ArrayRef<MathExpr> vectors = ArrayRef(scan.operands).drop_front().drop_back();
  SmallVector<Value> over;
  for (const MathExpr &vector : vectors)
    over.push_back(emitPart(vector.operands[0]));
  builder.setLoc(loc);
  size_t numNames = names.size();
  sample::ScanOp op = buildScan(start, over, /*isStacked=*/true, [&](ValueRange arguments) {
    names.push_back({scan.text, arguments.front()});
    for (auto [vector, argument] : llvm::zip_equal(vectors, arguments.drop_front()))
      names.push_back({vector.text, argument});
    return emitPart(scan.operands.back());
  });
  names.truncate(numNames);
  return op.getStacked().front();
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value DensityEmitter::emitArray(const MathExpr &array) {
  Location loc = builder.getLoc();
  auto type = RankedTensorType::get({static_cast<int64_t>(array.operands.size())}, element);
  SmallVector<mlir::Attribute> numbers;
  for (const MathExpr &operand : array.operands)
    if (std::optional<double> number = foldConstant(operand))
      numbers.push_back(builder.getFloatAttr(element, *number));
  if (numbers.size() == array.operands.size())
    return arith::ConstantOp::create(builder, DenseElementsAttr::get(type, numbers));
  SmallVector<Value> elements;
  for (const MathExpr &operand : array.operands)
    elements.push_back(emitPart(operand));
  builder.setLoc(loc);
  return ConcatOp::create(builder, type, elements);
}

/// `v[i]` or `v[i:j]`; positions are numbers in the tree.
Value DensityEmitter::emitAccess(const MathExpr &access) {
  Location loc = builder.getLoc();
  Value vector = emitPart(access.operands[0]);
  builder.setLoc(loc);
  int64_t length = getNumElements(vector.getType());
  bool isIndex = access.kind == Kind::Index;
  auto begin = static_cast<int64_t>(access.operands[1].number);
  int64_t end = isIndex ? begin + 1 : static_cast<int64_t>(access.operands[2].number);
  auto getType = [&](int64_t size) { return RankedTensorType::get({size}, element); };
  Type type = isIndex ? Type(element) : Type(getType(end - begin));
  Value result;
  if (end - begin == length) {
    result = isIndex ? ReshapeOp::create(builder, type, vector).getY() : vector;
  } else {
    SmallVector<Type> pieces;
    if (begin > 0)
      pieces.push_back(getType(begin));
    pieces.push_back(type);
    if (end < length)
      pieces.push_back(getType(length - end));
    result = SplitOp::create(builder, pieces, vector).getPieces()[begin > 0];
  }
  if (conditions.contains(vector))
    conditions.insert(result);
  return result;
}

/// Elements at positions that are data.
Value DensityEmitter::emitGather(const MathExpr &gather) {
  Location loc = builder.getLoc();
  Value vector = emitPart(gather.operands[0]), positions = data[gather.data];
  builder.setLoc(loc);
  auto type = RankedTensorType::get({getNumElements(positions.getType())}, element);
  Value result = PickOp::create(builder, type, vector, positions);
  if (conditions.contains(vector))
    conditions.insert(result);
  return result;
}

} // namespace flowc
