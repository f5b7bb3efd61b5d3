//===- FlowFormula.cpp - Bijections given by a formula --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowFormula.h"
#include "FormulaBuilder.h"
#include "flowc/Dialect/Sample/IR/Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace flowc::flow;
using flowc::symbolic::Expr;
using flowc::symbolic::Interval;

//===----------------------------------------------------------------------===//
// Syntax: parameters(%a as "a" positive, %c as "c" interval(0, 2) : types)
//===----------------------------------------------------------------------===//

static ParseResult parseDomain(OpAsmParser &parser, double &low, double &high) {
  StringRef keyword;
  SMLoc loc = parser.getCurrentLocation();
  low = -Interval::kInfinity, high = Interval::kInfinity;
  if (parser.parseKeyword(&keyword))
    return failure();
  if (keyword == "real")
    return success();
  if (keyword == "positive") {
    low = 0;
    return success();
  }
  if (keyword != "interval")
    return parser.emitError(loc, "expected 'real', 'positive' or 'interval(low, high)'");
  return failure(parser.parseLParen() || parser.parseFloat(low) || parser.parseComma() || parser.parseFloat(high) ||
                 parser.parseRParen());
}

static ParseResult parseFormulaParameters(OpAsmParser &parser,
                                          SmallVectorImpl<OpAsmParser::UnresolvedOperand> &parameters,
                                          SmallVectorImpl<Type> &types, ArrayAttr &names, DenseF64ArrayAttr &lower,
                                          DenseF64ArrayAttr &upper) {
  SmallVector<Attribute> nameList;
  SmallVector<double> lows, highs;
  auto parseOne = [&]() -> ParseResult {
    std::string name;
    return failure(parser.parseOperand(parameters.emplace_back()) || parser.parseKeyword("as") ||
                   parser.parseString(&name) || parseDomain(parser, lows.emplace_back(), highs.emplace_back()) ||
                   (nameList.push_back(parser.getBuilder().getStringAttr(name)), false));
  };
  if (succeeded(parser.parseOptionalKeyword("parameters")) &&
      (parser.parseLParen() || parser.parseCommaSeparatedList(parseOne) || parser.parseColonTypeList(types) ||
       parser.parseRParen()))
    return failure();
  names = parser.getBuilder().getArrayAttr(nameList);
  lower = parser.getBuilder().getDenseF64ArrayAttr(lows);
  upper = parser.getBuilder().getDenseF64ArrayAttr(highs);
  return success();
}

static void printFormulaParameters(OpAsmPrinter &printer, FormulaOp op, ValueRange parameters, TypeRange types,
                                   ArrayAttr names, DenseF64ArrayAttr lower, DenseF64ArrayAttr upper) {
  if (parameters.empty())
    return;
  printer << "parameters(";
  MLIRContext *context = op.getContext();
  auto number = [&](double value) { return FloatAttr::get(Float64Type::get(context), value); };
  llvm::interleaveComma(llvm::seq<size_t>(0, parameters.size()), printer, [&](size_t i) {
    double low = lower[i], high = upper[i];
    printer << parameters[i] << " as " << names[i] << " ";
    if (std::isfinite(high)) {
      printer << "interval(";
      printer.printAttributeWithoutType(number(low));
      printer << ", ";
      printer.printAttributeWithoutType(number(high));
      printer << ")";
    } else {
      printer << (low == 0 ? "positive" : "real");
    }
  });
  printer << " : " << types << ")";
}

#define GET_OP_CLASSES
#include "flowc/Dialect/Flow/IR/FlowFormula.cpp.inc"

//===----------------------------------------------------------------------===//
// Derivation
//===----------------------------------------------------------------------===//

/// A number that is typical of a domain.
static double getTypical(double low, double high) {
  if (!std::isfinite(low))
    return 0.5;
  return std::isfinite(high) ? low + (high - low) / 2 : low + 1;
}

std::unique_ptr<FormulaDerivation> flowc::flow::deriveFormula(FormulaOp op, bool withInverse) {
  auto derivation = std::make_unique<FormulaDerivation>();
  ExpressionReader reader(derivation->algebra);
  Block &body = *op.getBlock();
  reader.addSymbol(body.getArgument(0), "x");
  for (auto [i, argument] : llvm::enumerate(body.getArguments().drop_front())) {
    double low = op.getLower()[i], high = op.getUpper()[i];
    std::string name = cast<StringAttr>(op.getNames()[i]).str();
    derivation->parameters.push_back(
        reader.addSymbol(argument, name, Interval::open(low, high), getTypical(low, high)));
  }
  Value yielded = body.getTerminator()->getOperand(0);
  Expr function = reader.read(yielded);
  derivation->result =
      flowc::symbolic::derive(derivation->algebra, {function, reader.getCondition(yielded)}, withInverse);
  return derivation;
}

LogicalResult FormulaOp::verify() {
  size_t count = getParameters().size();
  // formula_c1: every parameter has a name and a domain.
  if (getNames().size() != count || getLower().size() != count || getUpper().size() != count)
    return emitOpError("must have a name and a domain for each of its ") << count << " parameters";
  for (size_t i = 0; i < count; ++i)
    if (!(getLower()[i] < getUpper()[i]))
      return emitOpError("domain of parameter ") << getNames()[i] << " is empty";
  // formula_c2: every parameter has the event's type.
  for (Value parameter : getParameters())
    if (parameter.getType() != getX().getType())
      return emitOpError("parameter must have the event's type ")
             << getX().getType() << " but has " << parameter.getType();
  // formula_c3: the body takes an element, and one of each parameter.
  Type element = getElementTypeOrSelf(getX().getType());
  Block &body = *getBlock();
  bool takesElements = body.getNumArguments() == count + 1 &&
                       llvm::all_of(body.getArgumentTypes(), [&](Type type) { return type == element; });
  if (!takesElements)
    return emitOpError("body must take ") << count + 1 << " values of type " << element;
  // formula_c4: it yields one element.
  OperandRange yielded = body.getTerminator()->getOperands();
  if (yielded.size() != 1 || yielded.front().getType() != element)
    return emitOpError("body must yield one ") << element;
  return success();
}

LogicalResult FormulaOp::verifyRegions() {
  // formula_c5: every op has a meaning as mathematics.
  for (Operation &op : getBlock()->without_terminator())
    if (!ExpressionReader::isKnown(&op) && !isa<arith::ConstantOp>(op))
      return op.emitOpError("has no place in a formula");
  // What is read before it is made leads in circles; MLIR says so, after this.
  for (Operation &op : getBlock()->without_terminator())
    for (Value operand : op.getOperands())
      if (Operation *made = operand.getDefiningOp();
          made && made->getBlock() == getBlock() && !made->isBeforeInBlock(&op))
        return success();
  // formula_c6: the formula has an inverse.
  std::unique_ptr<FormulaDerivation> derivation = deriveFormula(*this);
  if (!derivation->result.error.empty())
    return emitOpError("has no inverse: ") << derivation->result.error;
  return success();
}

InverseKind FormulaOp::getInverseKind() {
  return deriveFormula(*this)->result.isAnalytic() ? InverseKind::Analytic : InverseKind::Root;
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

/// The tolerance that the flow asks for; 0 if it asks for none.
static double getTolerance(FormulaOp op) {
  auto tolerance = op->getAttrOfType<FloatAttr>(kToleranceAttr);
  return tolerance ? tolerance.getValueAsDouble() : 0;
}

static Transformed buildFormulaElement(FormulaOp op, ImplicitLocOpBuilder &builder, Value event, ValueRange parameters,
                                       bool isInverse) {
  std::unique_ptr<FormulaDerivation> derivation = deriveFormula(op, isInverse);
  FormulaBuilder formula(*derivation, builder, event.getType());
  formula.bind(derivation->parameters, parameters);
  formula.setTolerance(getTolerance(op));
  return isInverse ? formula.inverse(event) : formula.forward(event);
}

Transformed FormulaOp::buildElement(ImplicitLocOpBuilder &builder, Value x, ValueRange parameters) {
  return buildFormulaElement(*this, builder, x, parameters, /*isInverse=*/false);
}

Transformed FormulaOp::buildElementInverse(ImplicitLocOpBuilder &builder, Value y, ValueRange parameters) {
  return buildFormulaElement(*this, builder, y, parameters, /*isInverse=*/true);
}

namespace {
/// A formula on a tensor: what depends on parameters only gets maps of its own, which can leave
/// the loop over rows.
class FormulaMaps {
public:
  FormulaMaps(FormulaOp op, Specializer &specializer, RankedTensorType type, bool isInverse)
      : op(op), builder(specializer.getBuilder()), element(type.getElementType()), extent(type.getNumElements()),
        isInverse(isInverse), derivation(deriveFormula(op, isInverse)), known(derivation->parameters) {
    for (Value parameter : op.getParameters())
      indexed.push_back(specializer.lookup(parameter));
  }

  /// Emits parts of parameters only, which the other maps then read.
  LogicalResult buildUniform();
  /// Emits the elements and, `withLogDet`, the sum of their log-determinants.
  FailureOr<Transformed> buildElements(Value event, bool withLogDet);
  /// Whether the log-determinant depends on parameters only, and is not zero.
  bool hasUniformLogDet() const { return isLogDetUniform() && !derivation->result.logDerivative->isConstant(0); }
  bool isLogDetUniform() const {
    return !derivation->algebra.dependsOn(derivation->result.logDerivative, derivation->result.variable);
  }
  FailureOr<Value> buildUniformLogDet();

private:
  Transformed emit(ImplicitLocOpBuilder &at, Value x, ValueRange arguments);

  FormulaOp op;
  ImplicitLocOpBuilder &builder;
  Type element;
  int64_t extent;
  bool isInverse;
  std::unique_ptr<FormulaDerivation> derivation;
  /// Expressions that maps read, and tensors of their values.
  SmallVector<Expr> known;
  SmallVector<Value> indexed;
};
} // namespace

LogicalResult FormulaMaps::buildUniform() {
  llvm::SetVector<Expr> uniform = FormulaBuilder(*derivation, builder, element).getUniform(isInverse);
  if (uniform.empty())
    return success();
  FailureOr<MapOp> map =
      buildMap(builder, extent, indexed, {}, [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
        ExpressionEmitter emitter(at, element);
        for (auto [symbol, argument] : llvm::zip_equal(derivation->parameters, arguments))
          emitter.bind(symbol, argument);
        for (Expr e : uniform)
          yields.stacked.push_back(emitter.emit(e));
        return success();
      });
  if (failed(map))
    return failure();
  llvm::append_range(known, uniform);
  llvm::append_range(indexed, map->getStacked());
  return success();
}

Transformed FormulaMaps::emit(ImplicitLocOpBuilder &at, Value x, ValueRange arguments) {
  FormulaBuilder formula(*derivation, at, element);
  formula.bind(known, arguments);
  formula.setTolerance(getTolerance(op));
  return isInverse ? formula.inverse(x) : formula.forward(x);
}

FailureOr<Transformed> FormulaMaps::buildElements(Value event, bool withLogDet) {
  SmallVector<Value> withEvent{event};
  llvm::append_range(withEvent, indexed);
  FailureOr<MapOp> map =
      buildMap(builder, extent, withEvent, {}, [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
        Transformed mapped = emit(at, arguments.front(), arguments.drop_front());
        yields.stacked.push_back(mapped.event);
        if (withLogDet)
          yields.summands.push_back(mapped.logDet);
        return success();
      });
  if (failed(map))
    return failure();
  return Transformed{map->getStacked().front(), withLogDet ? map->getSums().front() : Value()};
}

FailureOr<Value> FormulaMaps::buildUniformLogDet() {
  FailureOr<MapOp> map =
      buildMap(builder, extent, indexed, {}, [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
        Value unused = buildConstant(at, element, 0);
        yields.summands.push_back(emit(at, unused, arguments).logDet);
        return success();
      });
  if (failed(map))
    return failure();
  return Value(map->getSums().front());
}

static FailureOr<Transformed> buildFormula(FormulaOp op, Specializer &specializer, Value event, bool isInverse) {
  auto tensor = dyn_cast<RankedTensorType>(event.getType());
  if (!tensor)
    return buildElementwise(op, specializer, event, isInverse);
  FormulaMaps maps(op, specializer, tensor, isInverse);
  if (failed(maps.buildUniform()))
    return failure();
  bool wantsLogDet = specializer.wantsLogDets();
  FailureOr<Transformed> whole = maps.buildElements(event, wantsLogDet && !maps.isLogDetUniform());
  if (failed(whole) || !wantsLogDet || !maps.hasUniformLogDet())
    return whole;
  FailureOr<Value> logDet = maps.buildUniformLogDet();
  if (failed(logDet))
    return failure();
  whole->logDet = *logDet;
  return whole;
}

FailureOr<Transformed> FormulaOp::buildTransform(Specializer &specializer, Value x) {
  return buildFormula(*this, specializer, x, /*isInverse=*/false);
}

FailureOr<Transformed> FormulaOp::buildInverse(Specializer &specializer, Value y) {
  return buildFormula(*this, specializer, y, /*isInverse=*/true);
}
