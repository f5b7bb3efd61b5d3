//===- Formulas.cpp - Bijections given by a formula -----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"
#include "NodeKinds.h"

#include "flowc/Frontend/Formula.h"
#include "flowc/Frontend/FormulaDerivation.h"
#include "flowc/Symbolic/DefinedWhere.h"

#include "llvm/ADT/ScopedHashTable.h"

#include <cmath>
#include <numbers>

namespace flowc {

using ast::FormulaParameter;
using ast::Item;
using ast::MathExpr;
using llvm::StringRef;
using symbolic::Algebra;
using symbolic::Interval;
using symbolic::Relation;
using Kind = MathExpr::Kind;

//===----------------------------------------------------------------------===//
// Formulas as expressions
//===----------------------------------------------------------------------===//

namespace {

class FormulaReader {
public:
  explicit FormulaReader(Algebra &algebra) : algebra(algebra) {}

  symbolic::Formula read(const Item &item);

private:
  using Names = llvm::ScopedHashTable<StringRef, symbolic::Formula>;
  symbolic::Formula read(const MathExpr &part);
  /// The value of `part`, and where it is defined, for operands that are.
  symbolic::Expr readValue(const MathExpr &part, llvm::ArrayRef<symbolic::Expr> operands);
  symbolic::Expr readCondition(const MathExpr &part, llvm::ArrayRef<symbolic::Expr> operands);

  Algebra &algebra;
  Names names;
};

} // namespace

static Interval getDomain(const FormulaParameter &parameter) {
  switch (parameter.domain) {
  case FormulaParameter::Domain::Real:
    return Interval::all();
  case FormulaParameter::Domain::Positive:
    return Interval::positive();
  case FormulaParameter::Domain::Interval:
    break;
  }
  return Interval::open(parameter.low, parameter.high);
}

symbolic::Formula FormulaReader::read(const Item &item) {
  Names::ScopeTy scope(names);
  names.insert(item.variable, {algebra.symbol(item.variable.str())});
  for (const FormulaParameter &parameter : item.parameters)
    names.insert(parameter.name, {algebra.symbol(parameter.name.str(), getDomain(parameter), parameter.start)});
  return read(item.formula);
}

symbolic::Formula FormulaReader::read(const MathExpr &part) {
  if (part.kind == Kind::Number)
    return {algebra.constant(part.number)};
  if (part.kind == Kind::Name) {
    symbolic::Formula known = names.lookup(part.text);
    return known.value ? known : symbolic::Formula{algebra.constant(std::numbers::pi)}; // the only other name
  }
  if (part.kind == Kind::Let) {
    symbolic::Formula value = read(part.operands[0]);
    Names::ScopeTy scope(names);
    names.insert(part.text, value);
    return read(part.operands[1]);
  }
  llvm::SmallVector<symbolic::Expr> operands, conditions;
  for (const MathExpr &operand : part.operands) {
    symbolic::Formula read = this->read(operand);
    operands.push_back(read.value);
    conditions.push_back(read.condition);
  }
  symbolic::Formula result{readValue(part, operands), readCondition(part, operands)};
  if (part.kind == Kind::Call && part.text == "where")
    conditions = {conditions[0], symbolic::holdsInArms(algebra, operands[0], conditions[1], conditions[2])};
  for (symbolic::Expr condition : llvm::reverse(conditions))
    result.condition = symbolic::bothHold(algebra, condition, result.condition);
  return result;
}

symbolic::Expr FormulaReader::readCondition(const MathExpr &part, llvm::ArrayRef<symbolic::Expr> operands) {
  if (part.kind == Kind::Power)
    return symbolic::getPowerCondition(algebra, operands[0], operands[1]);
  if (part.kind != Kind::Call)
    return nullptr;
  return symbolic::getCondition(algebra, symbolic::findFunction(part.text)->function, operands);
}

symbolic::Expr FormulaReader::readValue(const MathExpr &part, llvm::ArrayRef<symbolic::Expr> operands) {
  switch (part.kind) {
  case Kind::Negate:
    return algebra.negate(operands[0]);
  case Kind::Add:
    return algebra.add(operands[0], operands[1]);
  case Kind::Subtract:
    return algebra.subtract(operands[0], operands[1]);
  case Kind::Multiply:
    return algebra.multiply(operands[0], operands[1]);
  case Kind::Divide:
    return algebra.divide(operands[0], operands[1]);
  case Kind::Power:
    return algebra.power(operands[0], operands[1]);
  case Kind::Less:
    return algebra.compare(Relation::Less, operands[0], operands[1]);
  case Kind::LessEqual:
    return algebra.compare(Relation::LessEqual, operands[0], operands[1]);
  case Kind::Greater:
    return algebra.compare(Relation::Greater, operands[0], operands[1]);
  case Kind::GreaterEqual:
    return algebra.compare(Relation::GreaterEqual, operands[0], operands[1]);
  case Kind::Equal:
    return algebra.compare(Relation::Equal, operands[0], operands[1]);
  case Kind::NotEqual:
    return algebra.compare(Relation::NotEqual, operands[0], operands[1]);
  default:
    return algebra.call(symbolic::findFunction(part.text)->function, operands);
  }
}

symbolic::Formula readFormula(Algebra &algebra, const Item &item) { return FormulaReader(algebra).read(item); }

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static bool isComparison(const MathExpr &part) { return part.kind >= Kind::Less && part.kind <= Kind::NotEqual; }

/// Where the text of a formula begins: an operator stands between its operands.
static llvm::SMLoc startOf(const MathExpr &part) {
  llvm::SMLoc start = part.loc;
  for (const MathExpr &operand : part.operands) {
    llvm::SMLoc first = startOf(operand);
    if (operand.kind != Kind::Absent && first.getPointer() < start.getPointer())
      start = first;
  }
  return start;
}

static bool mentions(const MathExpr &part, StringRef name) {
  return (part.kind == Kind::Name && part.text == name) ||
         llvm::any_of(part.operands, [&](const MathExpr &operand) { return mentions(operand, name); });
}

/// Checks that every part is a number, except for the conditions of `where`.
bool Evaluator::checkScalar(const MathExpr &part) {
  size_t mistakes = diagnostics.count();
  checkScalarPart(part);
  if (diagnostics.count() != mistakes)
    return false;
  bool isWhere = part.kind == Kind::Call && part.text == "where";
  bool isRight = true;
  for (const MathExpr &operand : part.operands) {
    if (isComparison(operand) && !(isWhere && &operand == &part.operands[0])) {
      fail(startOf(operand), "a comparison is no number: use `where(CONDITION, 1, 0)`");
      isRight = false;
    } else {
      isRight &= checkScalar(operand);
    }
  }
  return isRight;
}

void Evaluator::checkScalarPart(const MathExpr &part) {
  const symbolic::FunctionRow *function = part.kind == Kind::Call ? symbolic::findFunction(part.text) : nullptr;
  bool isWhere = part.kind == Kind::Call && part.text == "where";
  if (function && function->isLogDensity())
    fail(part.loc, "`" + part.text + "` is a function of densities; write its formula to make a bijection of it");
  else if (function && function->isOfVectors(part.operands.size()))
    fail(part.loc, "`" + part.text + "` needs a vector, and a bijection defined by a formula has only numbers");
  else if (part.kind == Kind::Array || part.kind == Kind::Index || part.kind == Kind::Slice)
    fail(part.loc, "a bijection defined by a formula has only numbers, no arrays");
  else if (part.kind == Kind::Column)
    fail(part.loc, "a bijection defined by a formula has only numbers: only tables have columns");
  else if (part.kind == Kind::Scan)
    fail(part.loc, "a bijection defined by a formula has only numbers: a scan needs vectors");
  else if (part.kind == Kind::Divide && foldConstant(part.operands[1]) == 0.0)
    fail(part.operands[1].loc, "a bijection cannot divide by 0");
  else if (isWhere && !isComparison(part.operands[0]))
    fail(startOf(part.operands[0]), "`where` needs a comparison first, as in `where(x > 0, a, b)`");
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

/// The number that a parameter's value is made of: itself, the softplus of the
/// number, or the sigmoid of the number on an interval.
static double getRawStart(const FormulaParameter &parameter) {
  double start = parameter.start;
  switch (parameter.domain) {
  case FormulaParameter::Domain::Real:
    return start;
  case FormulaParameter::Domain::Positive:
    return std::log(-std::expm1(-start)) + start;
  case FormulaParameter::Domain::Interval:
    break;
  }
  return std::log((start - parameter.low) / (parameter.high - start));
}

NodePtr makeFormula(Call &call, const FormulaItem &formula, const Shape &shape) {
  if (call.failed())
    return nullptr;
  auto node = call.makeNode(Node::Category::Bijection, "formula", shape);
  addShapes(*node);
  for (const FormulaParameter &parameter : formula.definition->item.parameters) {
    ArrayValue start;
    start.shape = shape;
    start.init.values.assign(numElements(shape), getRawStart(parameter));
    node->fields.push_back(trainableLeaf(parameter.name.str(), start));
  }
  node->attributes = {{"name", formula.definition->item.name.str()},
                      {"inverse", std::string(formula.isAnalytic ? "analytic" : "root")}};
  node->formula = formula.definition;
  return call.finish(node);
}

Constructor getFormulaConstructor(StringRef name) { return {name, {{"shape", scalarShape()}}}; }

bool Evaluator::checkFormula(const Item &item) {
  if (isComparison(item.formula)) {
    fail(startOf(item.formula), "a comparison is no number: use `where(CONDITION, 1, 0)`");
    return false;
  }
  bool isRight = checkScalar(item.formula);
  for (const FormulaParameter &parameter : item.parameters)
    if (!mentions(item.formula, parameter.name)) {
      fail(parameter.loc, "the parameter `" + parameter.name + "` does not occur in the formula");
      isRight = false;
    }
  return isRight;
}

NodePtr Evaluator::defineFormula(std::shared_ptr<const SourceText> text, const Item &item) {
  NodePtr node = checkFormula(item) ? deriveFormula(std::move(text), item) : nullptr;
  if (!node)
    brokenNames.insert(item.name);
  return node;
}

NodePtr Evaluator::deriveFormula(std::shared_ptr<const SourceText> text, const Item &item) {
  DerivedFormula derived(item);
  if (!derived.result.error.empty()) {
    fail(startOf(item.formula), "`" + item.name + "` is no bijection: " + derived.result.error);
    return nullptr;
  }
  auto [low, high] = symbolic::findImage(derived.algebra, derived.result);
  const Interval &domain = derived.result.domain;
  Formula definition{std::move(text), item, {domain.low, domain.high}, {low, high}};
  FormulaItem formula{std::make_shared<Formula>(std::move(definition)), derived.result.isAnalytic()};
  if (!item.isNameless)
    formulas[item.name] = formula;
  Constructor constructor = getFormulaConstructor(item.name);
  Call call(*this, constructor, item.nameLoc, {Value{scalarShape(), item.nameLoc}});
  return makeFormula(call, formula, {});
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

/// Whether a formula falls. It is proven to rise or to fall everywhere, for all values
/// of its parameters, so two points tell.
static bool formulaFalls(const Node &node) {
  DerivedFormula derived(node.formula->item);
  const symbolic::Interval &domain = derived.result.domain;
  double low = std::max(domain.low, std::min(-1.0, domain.high - 2)), high = std::min(domain.high, low + 2);
  std::vector<double> arguments{0};
  for (size_t i = 1; i < derived.algebra.getNumSymbols(); ++i)
    arguments.push_back(derived.algebra.getStart(derived.algebra.getSymbol(i)));
  auto valueAt = [&](double share) {
    arguments[0] = low + share * (high - low);
    return derived.algebra.evaluate(derived.result.function, arguments);
  };
  return valueAt(0.7) < valueAt(0.3);
}

/// A formula knows where the ends of its domain go.
static void moveThroughFormula(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  const std::vector<double> &domain = step.node.formula->domain, &image = step.node.formula->image;
  const auto &from = step.inverse ? image : domain, &to = step.inverse ? domain : image;
  auto [least, most] = std::minmax(from[0], from[1]);
  auto move = [&](double end) { return end == from[0] ? to[0] : end == from[1] ? to[1] : kMovingEnd; };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (Range &range : ranges) {
    tracer.isKnown &= !(range.lower < least) && !(range.upper > most);
    double a = move(range.lower), b = move(range.upper);
    // A falling formula exchanges the ends; one that moves stays where it is.
    bool falls = a > b || a == infinity || b == -infinity;
    range = falls ? Range{b, a} : Range{a, b};
  }
}

static constexpr NodeKind formulaKind = {
    .name = "formula", .moveRanges = moveThroughFormula, .falls = formulaFalls, .inverseEffort = [](const Node &node) {
      return node.attribute<std::string>("inverse") == "root" ? InverseEffort::Root : InverseEffort::Formula;
    }};

llvm::ArrayRef<const NodeKind *> formulaKinds() {
  static constexpr const NodeKind *kinds[] = {&formulaKind};
  return kinds;
}

} // namespace flowc
