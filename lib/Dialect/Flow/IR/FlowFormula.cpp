//===- FlowFormula.cpp - Bijections given by a formula --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/FlowFormula.h"
#include "flowc/Dialect/Sample/IR/Builders.h"
#include "flowc/Dialect/Sample/IR/Root.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace flowc::flow;
using flowc::symbolic::Algebra;
using flowc::symbolic::Derivation;
using flowc::symbolic::Expr;
using flowc::symbolic::Function;
using flowc::symbolic::Interval;
using flowc::symbolic::Kind;
using flowc::symbolic::Term;

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

/// Adds the largest parts of `e` that depend on parameters only and are not mere
/// parameters or constants.
static void collectUniform(const Algebra &algebra, Expr e, ArrayRef<Expr> varying, llvm::SetVector<Expr> &uniform) {
  auto varies = [&](Expr part) {
    return llvm::any_of(varying, [&](Expr symbol) { return algebra.dependsOn(part, symbol); });
  };
  if (varies(e)) {
    for (const Term &term : e->terms)
      collectUniform(algebra, term.node, varying, uniform);
    return;
  }
  // Conditions are no floats: what they compare is.
  if (e->kind == Kind::Compare)
    for (const Term &term : e->terms)
      collectUniform(algebra, term.node, varying, uniform);
  else if (e->kind != Kind::Symbol && !e->isConstant())
    uniform.insert(e);
}

namespace {
/// Emits both directions for one element.
class FormulaBuilder {
public:
  FormulaBuilder(FormulaDerivation &derivation, ImplicitLocOpBuilder &builder, Type type)
      : algebra(derivation.algebra), result(derivation.result), parameters(derivation.parameters), builder(builder),
        emitter(builder, type), type(type) {}

  /// Gives parameters, or parts that depend on parameters only, their values.
  void bind(ArrayRef<Expr> expressions, ValueRange values) {
    for (auto [e, value] : llvm::zip_equal(expressions, values))
      emitter.bind(e, value);
  }
  Transformed forward(Value x);
  Transformed inverse(Value y);
  /// How exact a root has to be; 0 asks for full precision.
  void setTolerance(double value) { tolerance = value; }
  /// Parts that depend on parameters only, of one direction.
  llvm::SetVector<Expr> getUniform(bool isInverse);

private:
  /// What the root is sought in: t, x(t), and g(x(t)) - target with its derivative.
  struct Equation {
    Expr t, position, target, function, slope;
  };
  Equation getEquation();
  /// Whether the root is bracketed by the bounds of the slope. A lower bound alone is
  /// no help: f may rise so fast that Newton's method creeps back from the far end.
  bool isBracketed() const;
  /// What a bracket needs of the parameters: f(0), 1 / f' at 0, at most and at least,
  /// and |f(0)| / f' at least.
  SmallVector<Expr> getBracketParts();
  RootBracket emitBracket();
  Value solve(Value y);

  Algebra &algebra;
  Derivation &result;
  ArrayRef<Expr> parameters;
  ImplicitLocOpBuilder &builder;
  ExpressionEmitter emitter;
  Type type;
  std::optional<Equation> equation;
  double tolerance = 0;
};
} // namespace

Transformed FormulaBuilder::forward(Value x) {
  emitter.bind(result.variable, x);
  Value y = emitter.emit(result.value);
  return {y, result.logDerivative->isConstant(0) ? Value() : emitter.emit(result.logDerivative)};
}

/// On a half line or an interval, x follows from a t that can be any number.
FormulaBuilder::Equation FormulaBuilder::getEquation() {
  if (equation)
    return *equation;
  const Interval &domain = result.rootDomain;
  bool hasLow = std::isfinite(domain.low), hasHigh = std::isfinite(domain.high);
  bool isOfImage = result.level == result.image;
  Expr target = isOfImage ? result.image : algebra.newSymbol("level");
  Equation made{result.variable, result.variable, target, result.part, result.partSlope};
  if (hasLow || hasHigh) {
    made.t = algebra.newSymbol("t");
    if (hasLow && hasHigh)
      made.position = algebra.sum(domain.low, {{domain.high - domain.low, algebra.call(Function::Sigmoid, made.t)}});
    else
      made.position =
          algebra.sum(hasLow ? domain.low : domain.high, {{hasLow ? 1.0 : -1.0, algebra.call(Function::Exp, made.t)}});
    made.function = algebra.substitute(result.part, result.variable, made.position);
    made.slope = algebra.factorize(algebra.derivative(made.function, made.t));
  }
  // x = high - exp(t) falls.
  bool isFlipped = hasHigh && !hasLow;
  if (result.isIncreasing == isFlipped)
    made.slope = algebra.negate(made.slope);
  made.function = algebra.subtract(made.function, made.target);
  if (result.isIncreasing == isFlipped)
    made.function = algebra.negate(made.function);
  equation = made;
  return made;
}

llvm::SetVector<Expr> FormulaBuilder::getUniform(bool isInverse) {
  llvm::SetVector<Expr> uniform;
  SmallVector<Expr> varying{result.variable, result.image};
  SmallVector<Expr> wanted;
  if (isInverse)
    wanted.push_back(result.position);
  if (!isInverse) {
    llvm::append_values(wanted, result.logDerivative, result.value);
  } else if (result.isAnalytic()) {
    llvm::append_values(wanted, result.logDerivative, result.inverse);
  } else {
    Equation made = getEquation();
    llvm::append_values(varying, made.t, made.target);
    llvm::append_values(wanted, result.inverseLogDerivative, made.position, made.function, made.slope, result.level);
    if (isBracketed())
      llvm::append_range(wanted, getBracketParts());
  }
  for (Expr e : wanted)
    collectUniform(algebra, e, varying, uniform);
  return uniform;
}

/// An infinite number becomes the largest finite one.
static Value clipToFinite(ImplicitLocOpBuilder &builder, Value value) {
  APFloat largest = APFloat::getLargest(cast<FloatType>(value.getType()).getFloatSemantics());
  FloatAttr limit = builder.getF64FloatAttr(largest.convertToDouble());
  FloatAttr opposite = builder.getF64FloatAttr(-largest.convertToDouble());
  return ClipOp::create(builder, value.getType(), value, opposite, limit);
}

bool FormulaBuilder::isBracketed() const {
  return result.slopeBound && result.slopeLimit && Interval::all().isInside(result.rootDomain);
}

SmallVector<Expr> FormulaBuilder::getBracketParts() {
  Expr zero = algebra.constant(0), slope = algebra.substitute(getEquation().slope, result.variable, zero);
  Expr offset = algebra.substitute(result.part, result.variable, zero);
  return {offset, algebra.power(slope, -1), algebra.power(result.slopeLimit, -1), algebra.power(result.slopeBound, -1),
          algebra.divide(algebra.call(Function::Abs, offset), result.slopeBound)};
}

/// |y - f(0)| / |t| is a mean of the slope. The search begins where the tangent at 0
/// has the value y, but not far beyond the nearest place where the root can be.
RootBracket FormulaBuilder::emitBracket() {
  SmallVector<Expr> parts = getBracketParts();
  Expr target = getEquation().target;
  Expr offset = result.isIncreasing ? algebra.subtract(target, parts[0]) : algebra.subtract(parts[0], target);
  Value distance = emitter.emit(offset), inverse = emitter.emit(parts[1]);
  Value start = arith::MulFOp::create(builder, distance, inverse);
  Value atMost = emitter.emit(parts[2]), atLeast = emitter.emit(parts[3]);
  Value nearest = arith::MulFOp::create(builder, distance, atMost);
  Value farthest = arith::MulFOp::create(builder, distance, atLeast);
  // A flat tangent leads far beyond.
  Value least = math::AbsFOp::create(builder, nearest);
  Value twice = arith::MulFOp::create(builder, least, buildConstant(builder, type, 2));
  Value reach = arith::AddFOp::create(builder, twice, buildConstant(builder, type, 1));
  start = arith::MinimumFOp::create(builder, start, reach);
  Value opposite = arith::NegFOp::create(builder, reach);
  start = arith::MaximumFOp::create(builder, start, opposite);
  // Rounding in f displaces its root; that of terms much larger than f by far more.
  constexpr double kRoom = 1.0 / 1024;
  Value size = math::AbsFOp::create(builder, clipToFinite(builder, farthest));
  Value room = arith::MulFOp::create(builder, size, buildConstant(builder, type, kRoom));
  if (!parts[4]->isConstant(0))
    room = arith::AddFOp::create(builder, room, emitter.emit(algebra.scale(2 * kRoom, parts[4])));
  Value lower = arith::MinimumFOp::create(builder, nearest, farthest);
  lower = clipToFinite(builder, arith::SubFOp::create(builder, lower, room));
  Value upper = arith::MaximumFOp::create(builder, nearest, farthest);
  upper = clipToFinite(builder, arith::AddFOp::create(builder, upper, room));
  return {lower, upper, start};
}

Value FormulaBuilder::solve(Value y) {
  Equation made = getEquation();
  // What does not depend on t is computed once.
  llvm::SetVector<Expr> uniform;
  for (Expr e : {made.function, made.slope})
    collectUniform(algebra, e, {made.t, made.target}, uniform);
  SmallVector<Expr> inputs{made.target};
  auto isNeeded = [&](Expr symbol) {
    return algebra.dependsOn(made.function, symbol) || algebra.dependsOn(made.slope, symbol);
  };
  llvm::copy_if(parameters, std::back_inserter(inputs), isNeeded);
  llvm::append_range(inputs, uniform);
  emitter.bind(result.image, y);
  emitter.bind(made.target, emitter.emit(result.level));
  SmallVector<Value> operands;
  for (Expr input : inputs)
    operands.push_back(emitter.emit(input));
  auto body = [&](ImplicitLocOpBuilder &at, Value t, ValueRange arguments) -> RootValues {
    ExpressionEmitter inner(at, type);
    inner.bind(made.t, t);
    for (auto [input, argument] : llvm::zip_equal(inputs, arguments))
      inner.bind(input, argument);
    Value value = inner.emit(made.function), slope = inner.emit(made.slope);
    // Of an infinite y, no finite t is the root.
    Value size = clipToFinite(at, inner.emit(algebra.call(Function::Abs, made.target)));
    return {value, slope, size};
  };
  RootBracket bracket = isBracketed() ? emitBracket() : RootBracket();
  Value t = buildRoot(builder, type, bracket, operands, body, tolerance).getRoot();
  emitter.bind(made.t, t);
  return emitter.emit(made.position);
}

Transformed FormulaBuilder::inverse(Value y) {
  Value x;
  if (result.isAnalytic()) {
    emitter.bind(result.image, y);
    x = emitter.emit(result.inverse);
  } else {
    x = solve(y);
  }
  emitter.bind(result.variable, x);
  // What the simplified formula maps to y may be outside of the domain of the written one.
  x = emitter.emit(result.position);
  if (result.logDerivative->isConstant(0))
    return {x, {}};
  return {x, emitter.emit(result.isAnalytic() ? algebra.negate(result.logDerivative) : result.inverseLogDerivative)};
}

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

/// On a tensor, what depends on parameters only gets a map of its own, which can
/// leave the loop over rows.
static FailureOr<Transformed> buildFormula(FormulaOp op, Specializer &specializer, Value event, bool isInverse) {
  auto tensor = dyn_cast<RankedTensorType>(event.getType());
  if (!tensor)
    return buildElementwise(op, specializer, event, isInverse);
  ImplicitLocOpBuilder &builder = specializer.getBuilder();
  std::unique_ptr<FormulaDerivation> derivation = deriveFormula(op, isInverse);
  Type element = tensor.getElementType();
  int64_t extent = tensor.getNumElements();
  llvm::SetVector<Expr> uniform = FormulaBuilder(*derivation, builder, element).getUniform(isInverse);
  SmallVector<Expr> known(derivation->parameters);
  SmallVector<Value> indexed;
  for (Value parameter : op.getParameters())
    indexed.push_back(specializer.lookup(parameter));
  if (!uniform.empty()) {
    FailureOr<MapOp> prepared =
        buildMap(builder, extent, indexed, {}, [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
          ExpressionEmitter emitter(at, element);
          for (auto [symbol, argument] : llvm::zip_equal(derivation->parameters, arguments))
            emitter.bind(symbol, argument);
          for (Expr e : uniform)
            yields.stacked.push_back(emitter.emit(e));
          return success();
        });
    if (failed(prepared))
      return failure();
    llvm::append_range(known, uniform);
    llvm::append_range(indexed, prepared->getStacked());
  }
  const Derivation &result = derivation->result;
  bool isLogDetUniform = !derivation->algebra.dependsOn(result.logDerivative, result.variable);
  bool wantsLogDet = specializer.wantsLogDets();
  SmallVector<Value> withEvent{event};
  llvm::append_range(withEvent, indexed);
  auto emit = [&](ImplicitLocOpBuilder &at, Value x, ValueRange arguments) {
    FormulaBuilder formula(*derivation, at, element);
    formula.bind(known, arguments);
    formula.setTolerance(getTolerance(op));
    return isInverse ? formula.inverse(x) : formula.forward(x);
  };
  FailureOr<MapOp> map =
      buildMap(builder, extent, withEvent, {}, [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
        Transformed mapped = emit(at, arguments.front(), arguments.drop_front());
        yields.stacked.push_back(mapped.event);
        if (wantsLogDet && !isLogDetUniform)
          yields.summands.push_back(mapped.logDet);
        return success();
      });
  if (failed(map))
    return failure();
  Transformed whole{map->getStacked().front(), {}};
  if (!map->getSums().empty())
    whole.logDet = map->getSums().front();
  if (!wantsLogDet || !isLogDetUniform || result.logDerivative->isConstant(0))
    return whole;
  map = buildMap(builder, extent, indexed, {}, [&](ImplicitLocOpBuilder &at, ValueRange arguments, MapYields &yields) {
    Value unused = buildConstant(at, element, 0);
    yields.summands.push_back(emit(at, unused, arguments).logDet);
    return success();
  });
  if (failed(map))
    return failure();
  whole.logDet = map->getSums().front();
  return whole;
}

FailureOr<Transformed> FormulaOp::buildTransform(Specializer &specializer, Value x) {
  return buildFormula(*this, specializer, x, /*isInverse=*/false);
}

FailureOr<Transformed> FormulaOp::buildInverse(Specializer &specializer, Value y) {
  return buildFormula(*this, specializer, y, /*isInverse=*/true);
}
