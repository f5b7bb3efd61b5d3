//===- EmitFormula.cpp - Emission of bijections given by a formula --------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitMath.h"
#include "Emitter.h"

#include "flowc/Dialect/Flow/IR/FlowFormula.h"
#include "flowc/Frontend/Formula.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace flowc {

using namespace mlir;
using namespace flow;
using ast::FormulaParameter;

/// The value of a parameter, which lies in its domain.
static Value emitParameter(Emitter &emitter, const Place &place, const FormulaParameter &parameter) {
  Type type = place.event.getType();
  std::string path = parameter.name.str();
  if (parameter.domain == FormulaParameter::Domain::Positive)
    return emitter.getPositiveParameter(place, path, type, /*minimum=*/0);
  Value raw = emitter.getParameter(place, path, type);
  if (!raw || parameter.domain == FormulaParameter::Domain::Real)
    return raw;
  // low + (high - low) sigmoid(raw).
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  Value share = InvLogitOp::create(builder, type, raw);
  Value size = buildConstant(builder, type, parameter.high - parameter.low);
  return arith::AddFOp::create(builder, arith::MulFOp::create(builder, share, size),
                               buildConstant(builder, type, parameter.low));
}

static Value emitFormula(Emitter &emitter, const Place &place) {
  const ast::Item &item = place.node.formula->item;
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  SmallVector<Value> parameters;
  SmallVector<StringRef> names;
  SmallVector<double> lower, upper;
  for (const FormulaParameter &parameter : item.parameters) {
    parameters.push_back(emitParameter(emitter, place, parameter));
    if (!parameters.back())
      return {};
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    bool isReal = parameter.domain == FormulaParameter::Domain::Real;
    bool isInterval = parameter.domain == FormulaParameter::Domain::Interval;
    names.push_back(parameter.name);
    lower.push_back(isReal ? -kInfinity : isInterval ? parameter.low : 0);
    upper.push_back(isInterval ? parameter.high : kInfinity);
  }
  auto op = FormulaOp::create(builder, place.event.getType(), place.event, parameters, builder.getStrArrayAttr(names),
                              lower, upper);
  SmallVector<Type> arguments(item.parameters.size() + 1, emitter.getElementType());
  bool emitted = emitter.emitRegion(op.getBody(), arguments, [&](Block &block) {
    MathScope scope;
    MathScope::ScopeTy all(scope);
    scope.insert(item.variable, block.getArgument(0));
    for (auto [parameter, argument] : llvm::zip_equal(item.parameters, block.getArguments().drop_front()))
      scope.insert(parameter.name, argument);
    return emitScalarMath(builder, cast<FloatType>(emitter.getElementType()), item.formula, scope);
  });
  return emitted ? op.getY() : Value();
}

ArrayRef<KindEmitter> getFormulaEmitters() {
  static constexpr KindEmitter table[] = {{"formula", emitFormula}};
  return table;
}

} // namespace flowc
