//===- EmitElementwise.cpp - Emission of elementwise bijections -----------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Emitter.h"

namespace flowc {

using namespace mlir;
using namespace flow;

/// Emits the op that is called like the class: its operands are the event and the
/// trained fields, its attributes the numbers.
static Value emitElementwise(Emitter &emitter, const Place &place) {
  using elementwise::Domain;
  using elementwise::Field;
  ImplicitLocOpBuilder &builder = emitter.getBuilder();
  Type type = place.event.getType();
  OperationState state(builder.getLoc(), FlowDialect::getDialectNamespace().str() + "." + place.node.kind);
  state.addTypes(type);
  state.addOperands(place.event);
  for (const Field &field : elementwise::findClass(place.node.kind)->fields()) {
    std::string name = field.name.str();
    if (field.kind == Field::Kind::Number)
      state.addAttribute(name, builder.getF64FloatAttr(place.node.attribute<double>(name)));
    if (field.kind != Field::Kind::Trained)
      continue;
    Value parameter = field.domain == Domain::Positive
                          ? emitter.getPositiveParameter(place, name + ".args[0]", type, /*minimum=*/0)
                          : emitter.getParameter(place, name, type);
    if (!parameter)
      return {};
    state.addOperands(parameter);
  }
  return builder.create(state)->getResult(0);
}

ArrayRef<KindEmitter> getElementwiseEmitters() {
  static const std::vector<KindEmitter> table = [] {
    std::vector<KindEmitter> result;
    for (const elementwise::ElementwiseClass &entry : elementwise::getClasses())
      result.push_back({entry.name, emitElementwise});
    return result;
  }();
  return table;
}

} // namespace flowc
