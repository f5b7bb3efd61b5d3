//===- EmitDensity.cpp - Emission of densities ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A density's formula works on vectors. All that acts element by element between
// two other operations becomes one flow.map, sums are sums of maps, and extrema
// are scans: the number of ops does not depend on the lengths of vectors.
//
//===----------------------------------------------------------------------===//

#include "EmitMath.h"

#include "flowc/Dialect/Flow/IR/FlowBuilders.h"
#include "flowc/Dialect/Flow/IR/FlowObjective.h"
#include "flowc/Frontend/Emit.h"
#include "flowc/Frontend/Formula.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/MapVector.h"

#include <limits>
#include <numbers>

namespace flowc {

using namespace mlir;
using namespace flow;
using ast::MathExpr;
using Kind = MathExpr::Kind;

namespace {

class DensityEmitter {
public:
  DensityEmitter(ImplicitLocOpBuilder &builder, FloatType element, const Formula &formula, StringRef file)
      : builder(builder), element(element), formula(formula), file(file) {}

  /// Emits the whole formula of the event `x`.
  Value emit(Value x) {
    names.push_back({formula.item.variable, x});
    return emitPart(formula.item.formula);
  }

private:
  /// Parts that elementwise ones take their elements from, with their values.
  using Sources = llvm::MapVector<const MathExpr *, Value>;
  /// Uses elements of some parts: emits what a map yields.
  using ElementsFn = llvm::function_ref<void(ImplicitLocOpBuilder &, ValueRange, MapYields &)>;

  Value emitPart(const MathExpr &part);
  Value emitElementwise(const MathExpr &part);
  Value emitReduction(const MathExpr &call);
  Value emitLogSumExp(const MathExpr &argument);
  Value emitExtremum(StringRef name, Value vector);
  Value emitArray(const MathExpr &array);
  Value emitAccess(const MathExpr &access);
  void collectSources(const MathExpr &part, Sources &sources);
  MapOp emitMap(ArrayRef<const MathExpr *> parts, const Sources &sources, ElementsFn body);
  Value emitElement(ImplicitLocOpBuilder &at, const MathExpr &part, const Sources &elements);
  Value toCondition(ImplicitLocOpBuilder &at, Value number);
  Value getConstant(Type type, double value) { return buildConstant(builder, type, value); }

  ImplicitLocOpBuilder &builder;
  FloatType element;
  const Formula &formula;
  StringRef file;
  /// The variable and the `let`s around the current place.
  SmallVector<std::pair<StringRef, Value>> names;
  /// Values that stand for conditions: they hold 1 where it is true, else 0.
  llvm::DenseSet<Value> conditions;
};

} // namespace

static bool isReduction(const MathExpr &part) {
  if (part.kind != Kind::Call)
    return false;
  StringRef name = part.text;
  return name == "sum" || name == "dot" || name == "logsumexp" ||
         ((name == "max" || name == "min") && part.operands.size() == 1);
}

/// Whether every element of the part follows from the same elements of its operands.
static bool isElementwise(const MathExpr &part) {
  switch (part.kind) {
  case Kind::Number:
  case Kind::Name:
  case Kind::Array:
  case Kind::Index:
  case Kind::Slice:
  case Kind::Let:
  case Kind::Absent:
    return false;
  default:
    return !isReduction(part);
  }
}

static bool isVector(Value value) { return isa<RankedTensorType>(value.getType()); }

Value DensityEmitter::toCondition(ImplicitLocOpBuilder &at, Value number) {
  return arith::CmpFOp::create(at, arith::CmpFPredicate::UNE, number, buildConstant(at, element, 0));
}

Value DensityEmitter::emitPart(const MathExpr &part) {
  SourceLocation place = formula.source->locate(part.loc);
  builder.setLoc(FileLineColLoc::get(builder.getContext(), file, place.line, place.column));
  switch (part.kind) {
  case Kind::Number:
    return getConstant(element, part.number);
  case Kind::Name: {
    auto known = llvm::find_if(llvm::reverse(names), [&](const auto &name) { return name.first == part.text; });
    return known == names.rend() ? getConstant(element, std::numbers::pi) : known->second;
  }
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
    return isReduction(part) ? emitReduction(part) : emitElementwise(part);
  }
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
// Reductions
//===----------------------------------------------------------------------===//

Value DensityEmitter::emitReduction(const MathExpr &call) {
  if (call.text == "logsumexp")
    return emitLogSumExp(call.operands[0]);
  if (call.text == "max" || call.text == "min")
    return emitExtremum(call.text, emitPart(call.operands[0]));
  // A sum of elements or, for `dot`, of products.
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
  auto scan =
      ScanOp::create(builder, TypeRange{element}, TypeRange{}, getNumElements(vector.getType()),
                     /*reverse=*/false, ValueRange{getConstant(element, worst)}, ValueRange{vector}, ValueRange{});
  Region &region = scan.getBody();
  Block &block = region.empty() ? region.emplaceBlock() : region.front();
  Location loc = builder.getLoc();
  Value best = block.addArgument(element, loc), next = block.addArgument(element, loc);
  ImplicitLocOpBuilder inner = getBodyBuilder(loc, block);
  YieldOp::create(inner, emitMathFunction(inner, name, {best, next}));
  return scan.getFinals().front();
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

/// `v[i]` or `v[i:j]`; positions have been checked.
Value DensityEmitter::emitAccess(const MathExpr &access) {
  Location loc = builder.getLoc();
  Value vector = emitPart(access.operands[0]);
  builder.setLoc(loc);
  int64_t length = getNumElements(vector.getType());
  auto getPosition = [&](size_t i, int64_t otherwise) {
    if (i >= access.operands.size() || access.operands[i].kind == Kind::Absent)
      return otherwise;
    auto position = static_cast<int64_t>(*foldConstant(access.operands[i]));
    return position < 0 ? position + length : position;
  };
  bool isIndex = access.kind == Kind::Index;
  int64_t begin = getPosition(1, 0), end = isIndex ? begin + 1 : getPosition(2, length);
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

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

void emitDensity(ModuleOp module, const Node &density, DType dtype, StringRef file) {
  MLIRContext *context = module.getContext();
  context->loadDialect<FlowDialect, arith::ArithDialect, math::MathDialect, func::FuncDialect>();
  FloatType element = dtype == F64 ? FloatType(Float64Type::get(context)) : FloatType(Float32Type::get(context));
  Location loc = FileLineColLoc::get(context, file, density.location.line, density.location.column);
  ImplicitLocOpBuilder builder(loc, context);
  builder.setInsertionPointToEnd(module.getBody());
  auto event = RankedTensorType::get(density.shape, element);
  auto function = func::FuncOp::create(builder, "density", builder.getFunctionType(event, element));
  function.setArgAttr(0, FlowDialect::kRowAttr, builder.getUnitAttr());
  Block &block = *function.addEntryBlock();
  builder.setInsertionPointToEnd(&block);
  Value result = DensityEmitter(builder, element, *density.formula, file).emit(block.getArgument(0));
  builder.setLoc(loc);
  func::ReturnOp::create(builder, result);
  eraseDeadOps(block);
}

} // namespace flowc
