//===- EmitDensity.cpp - Emission of densities ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ArrayFunctions.h"
#include "DensityEmitter.h"

#include "flowc/Frontend/Data.h"
#include "flowc/Frontend/Emit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <numbers>

namespace flowc {

using namespace mlir;
using namespace flow;
using ast::MathExpr;
using Kind = MathExpr::Kind;

/// Whether every element of the part follows from the same elements of its operands.
static bool isElementwise(const MathExpr &part) {
  switch (part.kind) {
  case Kind::Number:
  case Kind::Name:
  case Kind::Array:
  case Kind::Index:
  case Kind::Slice:
  case Kind::Let:
  case Kind::Column:
  case Kind::Gather:
  case Kind::Scan:
  case Kind::Over:
  case Kind::Absent:
    return false;
  default:
    return !getArrayFunction(part);
  }
}

static bool isVector(Value value) { return isa<RankedTensorType>(value.getType()); }

Value DensityEmitter::toCondition(ImplicitLocOpBuilder &at, Value number) {
  return arith::CmpFOp::create(at, arith::CmpFPredicate::UNE, number, buildConstant(at, element, 0));
}

Value DensityEmitter::emit(Value x, ValueRange arrays) {
  names.push_back({formula.item.variable, x});
  llvm::append_range(data, arrays);
  return emitPart(formula.item.formula);
}

Value DensityEmitter::emitPart(const MathExpr &part) {
  SourceLocation place = formula.source->locate(part.loc);
  builder.setLoc(FileLineColLoc::get(builder.getContext(), file, place.line, place.column));
  switch (part.kind) {
  case Kind::Number:
    return getConstant(element, part.number);
  case Kind::Name:
  case Kind::Column:
    return emitName(part);
  case Kind::Gather:
    return emitGather(part);
  case Kind::Scan:
    return emitScan(part);
  case Kind::Array:
    return emitArray(part);
  case Kind::Index:
  case Kind::Slice:
    return emitAccess(part);
  case Kind::Let: {
    Value value = emitPart(part.operands[0]);
    names.push_back({part.text, value});
    Value result = emitPart(part.operands[1]);
    names.pop_back();
    return result;
  }
  default:
    return getArrayFunction(part) ? emitArrayFunction(part) : emitElementwise(part);
  }
}

Value DensityEmitter::emitName(const MathExpr &name) {
  if (name.data >= 0)
    return data[name.data];
  auto known = llvm::find_if(llvm::reverse(names), [&](const auto &entry) { return entry.first == name.text; });
  return known == names.rend() ? getConstant(element, std::numbers::pi) : known->second;
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

void DensityEmitter::collectSources(const MathExpr &part, Sources &sources) {
  if (part.kind == Kind::Number)
    return;
  if (!isElementwise(part)) {
    sources[&part] = emitPart(part);
    return;
  }
  for (const MathExpr &operand : part.operands)
    collectSources(operand, sources);
}

Value DensityEmitter::emitElement(ImplicitLocOpBuilder &at, const MathExpr &part, const Sources &elements) {
  if (part.kind == Kind::Number)
    return buildConstant(at, element, part.number);
  if (auto source = elements.find(&part); source != elements.end())
    return source->second;
  SmallVector<Value> operands;
  for (const MathExpr &operand : part.operands)
    operands.push_back(emitElement(at, operand, elements));
  return part.kind == Kind::Call ? emitMathFunction(at, part.text, operands)
                                 : emitMathOperator(at, part.kind, operands);
}

/// Emits a map over the elements of `parts`, given their sources, of which at
/// least one is a vector.
MapOp DensityEmitter::emitMap(ArrayRef<const MathExpr *> parts, const Sources &sources, ElementsFn body) {
  llvm::SetVector<Value> indexed, shared;
  for (const auto &[part, value] : sources)
    (isVector(value) ? indexed : shared).insert(value);
  int64_t extent = getNumElements(indexed.front().getType());
  FailureOr<MapOp> map = buildMap(builder, extent, indexed.getArrayRef(), shared.getArrayRef(),
                                  [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
                                    IRMapping inside;
                                    inside.map(indexed.getArrayRef(), arguments.take_front(indexed.size()));
                                    inside.map(shared.getArrayRef(), arguments.drop_front(indexed.size()));
                                    Sources elements;
                                    for (const auto &[part, value] : sources) {
                                      Value argument = inside.lookup(value);
                                      elements[part] =
                                          conditions.contains(value) ? toCondition(at, argument) : argument;
                                    }
                                    SmallVector<Value> results;
                                    for (const MathExpr *part : parts)
                                      results.push_back(emitElement(at, *part, elements));
                                    body(at, results, yields);
                                    return success();
                                  });
  return *map;
}

Value DensityEmitter::emitElementwise(const MathExpr &part) {
  Location loc = builder.getLoc();
  auto toNumber = [&](ImplicitLocOpBuilder &at, Value value) -> Value {
    if (value.getType() == element)
      return value;
    return arith::SelectOp::create(at, value, buildConstant(at, element, 1), buildConstant(at, element, 0));
  };
  bool isCondition = part.kind >= Kind::Less && part.kind <= Kind::NotEqual;
  Sources sources;
  collectSources(part, sources);
  builder.setLoc(loc);
  Value result;
  if (llvm::none_of(sources, [](const auto &source) { return isVector(source.second); })) {
    for (auto &[source, value] : sources)
      if (conditions.contains(value))
        value = toCondition(builder, value);
    result = toNumber(builder, emitElement(builder, part, sources));
  } else {
    MapOp map = emitMap(&part, sources, [&](ImplicitLocOpBuilder &at, ValueRange elements, MapYields &yields) {
      yields.stacked.push_back(toNumber(at, elements.front()));
    });
    result = map.getStacked().front();
  }
  if (isCondition)
    conditions.insert(result);
  return result;
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

void emitDensity(ModuleOp module, const Node &density, DType dtype, StringRef file) {
  MLIRContext *context = module.getContext();
  context->loadDialect<FlowDialect, SampleDialect, arith::ArithDialect, math::MathDialect, func::FuncDialect>();
  FloatType element = dtype == F64 ? FloatType(Float64Type::get(context)) : FloatType(Float32Type::get(context));
  Location loc = FileLineColLoc::get(context, file, density.location.line, density.location.column);
  ImplicitLocOpBuilder builder(loc, context);
  builder.setInsertionPointToEnd(module.getBody());
  SmallVector<Type> types{RankedTensorType::get(density.shape, element)};
  std::vector<const DataArray *> arrays = getDataArrays(density);
  for (const DataArray *array : arrays) {
    Type type = array->isPositions ? Type(builder.getI32Type()) : element;
    types.push_back(array->shape.empty() ? type : RankedTensorType::get(array->shape, type));
  }
  auto function = func::FuncOp::create(builder, "density", builder.getFunctionType(types, element));
  function.setArgAttr(0, SampleDialect::kRowAttr, builder.getUnitAttr());
  for (auto [i, array] : llvm::enumerate(arrays))
    function.setArgAttr(i + 1, SampleDialect::kNameAttr, builder.getStringAttr(array->name));
  Block &block = *function.addEntryBlock();
  builder.setInsertionPointToEnd(&block);
  ValueRange arguments = block.getArguments();
  Value result =
      DensityEmitter(builder, element, *density.formula, file).emit(arguments.front(), arguments.drop_front());
  builder.setLoc(loc);
  func::ReturnOp::create(builder, result);
  eraseDeadOps(block);
}

} // namespace flowc
