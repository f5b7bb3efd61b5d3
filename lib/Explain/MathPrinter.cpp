//===- MathPrinter.cpp - Sample programs as mathematics -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MathPrinter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;
using Step = SpecializerTrace::Step;

/// Longest expression that is not given a line of its own, in bytes.
static constexpr size_t kMaxInline = 90;

void MathPrinter::printLine(const llvm::Twine &line) { os.indent(indent) << line << '\n'; }

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::string MathPrinter::takeName(Value value, StringRef stem) {
  auto target = targets.find(value);
  std::string name = target != targets.end() ? target->second : stem.str() + std::to_string(++counters[stem.str()]);
  setName(value, name);
  return name;
}

void MathPrinter::define(Value value, const MathText &expression) {
  bool isVector = isa<RankedTensorType>(value.getType());
  std::string name = takeName(value, isVector ? "v" : "t");
  printLine(name + " = " + expression.text);
}

void MathPrinter::printResult(Value value, const std::string &name) {
  MathText text = getText(value);
  if (text.text != name)
    printLine(name + " = " + text.text);
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

/// The numbers of a constant.
static MathText formatAttribute(Attribute value) {
  if (auto number = dyn_cast<FloatAttr>(value))
    return formatConstant(number.getValueAsDouble());
  if (auto number = dyn_cast<IntegerAttr>(value))
    return {std::to_string(number.getInt()), Binding::Atom};
  auto elements = dyn_cast<DenseElementsAttr>(value);
  if (!elements)
    return {"…", Binding::Atom};
  if (elements.isSplat())
    return formatAttribute(elements.getSplatValue<Attribute>());
  std::string text;
  constexpr int64_t shown = 8;
  for (auto [i, element] : llvm::enumerate(elements.getValues<Attribute>())) {
    if (i == shown) {
      text += ", …";
      break;
    }
    text += (i ? ", " : "") + formatAttribute(element).text;
  }
  return {"[" + text + "]", Binding::Atom};
}

MathText MathPrinter::computeText(Value value) {
  Operation *op = value.getDefiningOp();
  Attribute constant;
  if (!op)
    return {"?", Binding::Atom};
  if (matchPattern(op, m_Constant(&constant)))
    return formatAttribute(constant);
  if (auto split = dyn_cast<SplitOp>(op))
    return formatPiece(split, cast<OpResult>(value).getResultNumber(), getText(split.getX()));
  if (auto dense = dyn_cast<DenseOp>(op))
    return formatDense(dense);
  SmallVector<MathText> operands;
  for (Value operand : op->getOperands())
    operands.push_back(getText(operand));
  return formatOp(op, operands);
}

MathText MathPrinter::getText(Value value) {
  if (auto known = names.find(value); known != names.end())
    return known->second;
  // Expressions are computed once: what they are made of may be large.
  MathText text = computeText(value);
  names[value] = text;
  return text;
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

/// Ops whose expression is as short as a name.
static bool isTrivial(Operation *op) {
  bool isConstant = llvm::all_of(op->getOperands(), [](Value value) { return matchPattern(value, m_Constant()); });
  return isConstant || (op->hasTrait<Renames>() && op->getNumOperands() == 1) || isa<TakeOp>(op);
}

bool MathPrinter::needsLine(Operation *op) {
  if (op->getNumRegions() > 0 || op->getNumResults() != 1)
    return true;
  Value result = op->getResult(0);
  if (targets.contains(result))
    return !isTrivial(op) || isa<TakeOp>(op);
  if (isTrivial(op))
    return false;
  // Elements are taken of names.
  bool isElementSource = llvm::any_of(result.getUses(), [&](OpOperand &use) {
    return isa<RankedTensorType>(result.getType()) && use.getOwner()->hasTrait<TakesApart>();
  });
  // A condition is short, and read where it decides.
  bool isCondition = result.getType().isInteger(1);
  return isElementSource || (!isCondition && !result.hasOneUse()) || getText(result).text.size() > kMaxInline;
}

/// Whether `op` only bounds the search of a root: mathematics does not see it.
static bool servesSearch(Operation *op) {
  return !op->use_empty() && llvm::all_of(op->getUses(), [](OpOperand &use) {
    if (auto root = dyn_cast<RootOp>(use.getOwner()))
      return root.getStart() == use.get() &&
             use.getOperandNumber() + root.getInputs().size() + 1 == root->getNumOperands();
    auto sweep = dyn_cast<BlockSweepOp>(use.getOwner());
    if (!sweep)
      return use.getOwner()->getNumResults() > 0 && servesSearch(use.getOwner());
    auto isIn = [&](OperandRange range) {
      unsigned first = range.getBeginOperandIndex(), number = use.getOperandNumber();
      return !range.empty() && number >= first && number < first + range.size();
    };
    return isIn(sweep.getDiagonals()) || isIn(sweep.getBounds());
  });
}

void MathPrinter::printOps(Block::iterator begin, Block::iterator end) {
  for (Operation &op : llvm::make_range(begin, end)) {
    bool isRead =
        !op.use_empty() || llvm::any_of(op.getResults(), [&](Value value) { return targets.contains(value); });
    if (op.hasTrait<OpTrait::IsTerminator>() || !isRead || servesSearch(&op))
      continue;
    if (auto split = dyn_cast<SplitOp>(op)) {
      printHeadings(&op);
      for (Value piece : split.getPieces())
        if (auto target = targets.find(piece); target != targets.end())
          define(piece, computeText(piece));
      continue;
    }
    if (!needsLine(&op))
      continue;
    printHeadings(&op);
    printOp(&op);
  }
}

void MathPrinter::printOp(Operation *op) {
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](MapOp map) { printMap(map); })
      .Case([&](sample::ScanOp scan) { printScan(scan); })
      .Case([&](SweepOp sweep) { printSweep(sweep); })
      .Case([&](RootOp root) { printRoot(root); })
      .Case([&](BlockSweepOp sweep) { printBlockSweep(sweep); })
      .Case([&](OuterOp outer) { printOuter(outer); })
      .Default([&](Operation *other) {
        if (other->getNumResults() == 1)
          return define(other->getResult(0), computeText(other->getResult(0)));
        // An op that this printer knows nothing about.
        SmallVector<MathText> operands;
        for (Value operand : other->getOperands())
          operands.push_back(getText(operand));
        std::string results;
        for (Value result : other->getResults())
          results += (results.empty() ? "" : ", ") + takeName(result, "v");
        printLine(results + " = " + formatOp(other, operands).text);
      });
}

//===----------------------------------------------------------------------===//
// Headings
//===----------------------------------------------------------------------===//

/// What the ops that `step` emitted itself say about its way.
static std::string describeRule(const Step &step, Operation *op) {
  bool turns = !step.steps.empty() && llvm::all_of(step.steps, [&](const std::unique_ptr<Step> &inner) {
    return inner->inverse != step.inverse;
  });
  if (turns)
    return step.inverse ? "the inverse of an inverse is the bijection itself"
                        : "an inverse: its bijection the other way round";
  if (auto scan = dyn_cast<sample::ScanOp>(op); scan && !step.steps.empty())
    return scan.getReverse() ? "the inverses of the layers, from the last to the first" : "layer after layer";
  if (!step.inverse)
    return "";
  switch (cast<BijectionOpInterface>(step.bijection).getInverseKind()) {
  case InverseKind::Analytic:
    return "in closed form";
  case InverseKind::Sweep:
    return "by a sweep over the coordinates";
  case InverseKind::Root:
    return "by a root";
  }
  return "";
}

/// Prints the headings of the steps that begin with `op`.
void MathPrinter::printHeadings(Operation *op) {
  if (!trace)
    return;
  const Step *step = &trace->getStep(op);
  if (step == current)
    return;
  SmallVector<const Step *> path;
  for (const Step *outer = step; outer && outer->bijection; outer = outer->parent)
    path.push_back(outer);
  SmallVector<const Step *> open;
  for (const Step *outer = current; outer && outer->bijection; outer = outer->parent)
    open.push_back(outer);
  for (const Step *entered : llvm::reverse(path)) {
    if (llvm::is_contained(open, entered))
      continue;
    std::string rule = describeRule(*entered, op);
    printLine(llvm::Twine("# ") + entered->bijection->getName().stripDialect() +
              (entered->inverse ? ", inverse" : ", transform") + (rule.empty() ? "" : ": " + rule));
  }
  current = step;
}
