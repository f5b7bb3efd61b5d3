//===- SpecializerTrace.cpp - How a sample program came about -------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Flow/IR/SpecializerTrace.h"

using namespace mlir;
using namespace flowc::flow;

static thread_local SpecializerTrace *active = nullptr;

SpecializerTrace::SpecializerTrace() {
  assert(!active && "another trace is alive");
  active = this;
}

SpecializerTrace::~SpecializerTrace() { stop(); }

void SpecializerTrace::stop() {
  if (active == this)
    active = nullptr;
}

const SpecializerTrace::Step &SpecializerTrace::getStep(Operation *op) const {
  Step *step = steps.lookup(op);
  return step ? *step : root;
}

void SpecializerTrace::enter(Operation *bijection, bool inverse, ImplicitLocOpBuilder &builder) {
  if (!active)
    return;
  auto step = std::make_unique<Step>();
  step->bijection = bijection;
  step->inverse = inverse;
  step->parent = active->current;
  step->block = builder.getInsertionBlock();
  step->before = step->block->empty() ? nullptr : &step->block->back();
  active->current = step.get();
  step->parent->steps.push_back(std::move(step));
}

void SpecializerTrace::leave(const Transformed &result) {
  if (!active)
    return;
  Step *step = active->current;
  step->result = result;
  // Bodies come into being at their end; nested steps have taken what is theirs.
  Block::iterator first = step->before ? std::next(step->before->getIterator()) : step->block->begin();
  for (Operation &op : llvm::make_range(first, step->block->end()))
    op.walk([&](Operation *inner) { active->steps.try_emplace(inner, step); });
  active->current = step->parent;
}
