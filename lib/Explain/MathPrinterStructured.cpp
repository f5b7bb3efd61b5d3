//===- MathPrinterStructured.cpp - Maps, scans, sweeps as mathematics -----===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MathPrinter.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;

namespace {
/// Indents while it lives.
class Indented {
public:
  Indented(MathPrinter &printer, unsigned &indent) : printer(printer), saved(indent) { printer.setIndent(saved + 2); }
  ~Indented() { printer.setIndent(saved); }

private:
  MathPrinter &printer;
  unsigned saved;
};
} // namespace

/// Element `index` of a value that has a name, or of a constant that is the same
/// everywhere. An element of a slice is one of the whole.
std::string MathPrinter::getElement(Value whole, const std::string &index) {
  auto split = whole.getDefiningOp<SplitOp>();
  if (split && !targets.contains(whole)) {
    int64_t begin = 0;
    for (Value piece : split.getPieces().take_front(cast<OpResult>(whole).getResultNumber()))
      begin += getNumElements(piece.getType());
    return getElement(split.getX(), begin ? index + " + " + std::to_string(begin) : index);
  }
  Attribute constant;
  if (matchPattern(whole, m_Constant(&constant)) &&
      (!isa<DenseElementsAttr>(constant) || cast<DenseElementsAttr>(constant).isSplat()))
    return getText(whole).text;
  return getText(whole).at(Binding::Atom) + "[" + index + "]";
}

/// An index that no enclosing loop of this kind uses.
template <typename OpTy>
static std::string getIndexName(OpTy op, ArrayRef<StringRef> letters) {
  size_t depth = 0;
  for (auto outer = op->template getParentOfType<OpTy>(); outer; outer = outer->template getParentOfType<OpTy>())
    ++depth;
  return letters[std::min(depth, letters.size() - 1)].str();
}

//===----------------------------------------------------------------------===//
// Maps
//===----------------------------------------------------------------------===//

void MathPrinter::printMap(MapOp map) {
  Block &body = *map.getBlock();
  std::string i = getIndexName(map, {"i", "j", "k", "m"});
  bool isSingle = map.getExtent() == 1 &&
                  llvm::all_of(map.getIndexed(), [](Value value) { return !isa<RankedTensorType>(value.getType()); });
  auto arguments = body.getArguments();
  for (auto [argument, operand] : llvm::zip(arguments, map.getIndexed()))
    setName(argument, isSingle ? getText(operand).at(Binding::Atom) : getElement(operand, i));
  for (auto [argument, operand] : llvm::zip_equal(arguments.drop_front(map.getIndexed().size()), map.getShared()))
    names[argument] = getText(operand);
  // Names of results first, so that the body's lines can say them.
  SmallVector<std::string> stacked, sums;
  for (Value result : map.getStacked())
    stacked.push_back(takeName(result, "v"));
  for (Value result : map.getSums())
    sums.push_back(takeName(result, "s"));

  std::string all = i + " = 0 … " + std::to_string(map.getExtent() - 1);
  bool hasLines =
      llvm::any_of(body.without_terminator(), [&](Operation &op) { return !op.use_empty() && needsLine(&op); });
  auto getLeft = [&](const std::string &name) { return isSingle ? name : name + "[" + i + "]"; };
  auto printYields = [&] {
    auto yields = map.getYield().getOperands();
    for (auto [name, value] : llvm::zip(stacked, yields))
      if (std::string text = getText(value).text, left = getLeft(name); text != left)
        printLine(left + " = " + text + (hasLines || isSingle ? "" : "   for " + all));
    for (auto [name, value, start] : llvm::zip_equal(sums, yields.drop_front(stacked.size()), map.getInit())) {
      std::string first = matchPattern(start, m_AnyZeroFloat()) ? "" : getText(start).at(Binding::Sum) + " + ";
      printLine(name + " = " + first + "Σ_" + i + " " + getText(value).at(Binding::Product));
    }
  };
  if (!hasLines)
    return printYields();
  // What is yielded only needs no other name.
  for (auto [name, value] : llvm::zip(stacked, map.getYield().getOperands()))
    if (value.hasOneUse() && value.getParentBlock() == &body && value.getDefiningOp())
      setTarget(value, getLeft(name));
  printLine("for " + all + ":");
  Indented deeper(*this, indent);
  printBlock(body);
  for (Value value : map.getYield().getOperands())
    if (Operation *op = value.getDefiningOp())
      printHeadings(op);
  printYields();
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

MathText MathPrinter::formatWeight(Value weight, std::optional<RankMaskAttr> mask, bool transposed) {
  std::string text = getText(weight).at(Binding::Atom);
  if (mask)
    text = "(" + text + " where rank(out) " + (mask->getStrict() ? ">" : "≥") + " rank(in))";
  return {text + (transposed ? "ᵀ" : ""), Binding::Atom};
}

MathText MathPrinter::formatDense(DenseOp dense) {
  std::optional<RankMaskAttr> mask;
  if (dense.getMask())
    mask = *dense.getMask();
  MathText sum{formatWeight(dense.getWeight(), mask, dense.getTransposed()).text + "·" +
                   getText(dense.getX()).at(Binding::Sign),
               Binding::Product};
  if (dense.getBias())
    sum = {sum.text + " + " + getText(dense.getBias()).at(Binding::Sum), Binding::Sum};
  if (dense.getActivation().empty())
    return sum;
  Block &block = dense.getActivation().front();
  names[block.getArgument(0)] = sum;
  return getText(block.getTerminator()->getOperand(0));
}

void MathPrinter::printOuter(OuterOp outer) {
  std::string g = getText(outer.getG()).at(Binding::Atom), x = getText(outer.getX()).at(Binding::Atom);
  if (!outer.getWeight().use_empty())
    printLine(takeName(outer.getWeight(), "V") + " = " + g + "·" + x + "ᵀ" +
              (outer.getMask() ? " where weights exist" : ""));
  if (!outer.getBias().use_empty())
    names[outer.getBias()] = getText(outer.getG());
}

void MathPrinter::printScan(sample::ScanOp scan) {
  Block &body = *scan.getBlock();
  auto arguments = body.getArguments();
  size_t carries = scan.getCarries().size(), over = scan.getOver().size();
  std::string l = getIndexName(scan, {"l", "r", "q"});
  // A carry is called what its end is called; it starts as what comes in.
  SmallVector<std::string> carried;
  std::string starts;
  for (auto [argument, start] : llvm::zip(arguments.take_front(carries), scan.getCarries())) {
    bool isVector = isa<RankedTensorType>(argument.getType());
    carried.push_back(takeName(argument, isVector ? "u" : "c"));
    starts += (starts.empty() ? "" : ", ") + carried.back() + " = " + getText(start).text;
  }
  if (!starts.empty())
    printLine(starts);
  for (auto [argument, operand] : llvm::zip(arguments.drop_front(carries).take_front(over), scan.getOver()))
    setName(argument, getElement(operand, l));
  for (auto [argument, operand] : llvm::zip_equal(arguments.drop_front(carries + over), scan.getShared()))
    names[argument] = getText(operand);

  std::string last = std::to_string(scan.getLayers() - 1);
  printLine("for " + l + " = " + (scan.getReverse() ? last + " … 0" : "0 … " + last) + ":");
  {
    Indented deeper(*this, indent);
    printBlock(body);
    auto yields = scan.getYield().getOperands();
    // All at once: a new value may be read off an old one.
    for (auto [name, value] : llvm::zip(carried, yields))
      if (getText(value).text != name)
        printLine(name + " ← " + getText(value).text);
    for (auto [result, value] : llvm::zip_equal(scan.getStacked(), yields.drop_front(carries)))
      if (!result.use_empty())
        printLine(takeName(result, "v") + "[" + l + "] = " + getText(value).text);
  }
  for (auto [name, result] : llvm::zip(carried, scan.getFinals())) {
    auto target = targets.find(result);
    if (target != targets.end())
      printLine(target->second + " = " + name);
    setName(result, target != targets.end() ? target->second : name);
  }
}

//===----------------------------------------------------------------------===//
// Sweeps and roots
//===----------------------------------------------------------------------===//

void MathPrinter::printSweep(SweepOp sweep) {
  std::string state = takeName(sweep.getState(), "v");
  SmallVector<std::string> units;
  for (Value result : sweep.getUnits())
    units.push_back(takeName(result, "h"));
  SmallVector<std::string> sums;
  for (Value result : sweep.getSums())
    sums.push_back(takeName(result, "s"));

  int64_t stages = sweep.getNumStages();
  std::string last = std::to_string(sweep.getExtent() - 1);
  bool reverse = sweep.getReverse();
  printLine("for d = " + (reverse ? last + " … 0" : "0 … " + last) +
            ", each unit as soon as all that it reads is known:");
  Indented deeper(*this, indent);
  std::string known = state + (reverse ? "[> d]" : "[< d]");
  if (sweep.getPrefix())
    known = "[" + getText(sweep.getPrefix()).text + ", " + known + "]";
  size_t nextExtra = 0;
  for (int64_t stage = 0; stage < stages; ++stage) {
    Block &block = *sweep.getStageBlock(stage);
    bool isLast = stage + 1 == stages;
    MathText sum{formatWeight(sweep.getWeights()[stage], std::nullopt, sweep.getTransposed()).text + "·" +
                     (stage == 0 ? known : units[stage - 1]),
                 Binding::Product};
    if (!sweep.getBiases().empty())
      sum = {sum.text + " + " + getText(sweep.getBiases()[stage]).at(Binding::Sum), Binding::Sum};
    // Arguments: the accumulated values, what is indexed, what is shared.
    unsigned next = 0;
    if (isLast) {
      std::string name = "p" + std::to_string(++counters["p"]);
      printLine(name + " = (" + sum.text + ")[d]");
      setName(block.getArgument(next++), name);
    } else {
      names[block.getArgument(next++)] = {"(" + sum.text + ")[j]", Binding::Atom};
    }
    for (auto [operand, owner] : llvm::zip_equal(sweep.getIndexed(), sweep.getIndexedStage()))
      if (owner == stage)
        setName(block.getArgument(next++), getElement(operand, isLast ? "d" : "j"));
    for (auto [argument, operand] : llvm::zip_equal(block.getArguments().drop_front(next), sweep.getShared()))
      names[argument] = getText(operand);
    printBlock(block);
    auto yields = block.getTerminator()->getOperands();
    std::string index = isLast ? "[d]" : "[j]";
    printLine((isLast ? state : units[stage]) + index + " = " + getText(yields.front()).text +
              (isLast ? "" : "   for the units j of step d"));
    size_t summands = isLast ? sums.size() : 0;
    for (Value extra : yields.drop_front().drop_back(summands)) {
      Value result = sweep.getExtras()[nextExtra++];
      if (!result.use_empty())
        printLine(takeName(result, "v") + index + " = " + getText(extra).text);
    }
    for (auto [name, value, start] : llvm::zip(sums, yields.take_back(summands), sweep.getInit())) {
      std::string first = matchPattern(start, m_AnyZeroFloat()) ? "" : getText(start).at(Binding::Sum) + " + ";
      printLine(name + " = " + first + "Σ_d " + getText(value).at(Binding::Product));
    }
  }
}

void MathPrinter::printRoot(RootOp root) {
  Block &body = *root.getBlock();
  std::string name = takeName(root.getRoot(), "t");
  names[body.getArgument(0)] = {name, Binding::Atom};
  for (auto [argument, operand] : llvm::zip_equal(body.getArguments().drop_front(), root.getInputs()))
    names[argument] = getText(operand);
  std::string bracket;
  if (root.getLower())
    bracket = getText(root.getLower()).at(Binding::Sum) + " < ";
  bracket += name;
  if (root.getUpper())
    bracket += " < " + getText(root.getUpper()).at(Binding::Sum);
  bool isBounded = root.getLower() || root.getUpper();
  printLine(name + " solves f(" + name + ") = 0" + (isBounded ? " in " + bracket : "") +
            ", by Newton's method in a bracket, where f increases:");
  Indented deeper(*this, indent);
  printBlock(body);
  printLine("f(" + name + ") = " + getText(root.getYield().getOperand(0)).text);
  printLine("f′(" + name + ") = " + getText(root.getYield().getOperand(1)).text);
}

void MathPrinter::printBlockSweep(BlockSweepOp sweep) {
  std::string x = takeName(sweep.getX(), "v");
  Block &activation = sweep.getActivation().front();
  names[activation.getArgument(0)] = {"a", Binding::Atom};
  for (auto [argument, operand] : llvm::zip_equal(activation.getArguments().drop_front(), sweep.getShared()))
    names[argument] = getText(operand);
  printLine("with φ(a), increasing:");
  {
    Indented deeper(*this, indent);
    printBlock(activation);
    auto yields = activation.getTerminator()->getOperands();
    printLine("φ(a) = " + getText(yields[0]).text);
    printLine("φ′(a) = " + getText(yields[1]).text);
  }
  std::string last = std::to_string(getNumElements(sweep.getX().getType()) - 1);
  printLine("for d = 0 … " + last + ", each unit as soon as all that it reads is known:");
  Indented deeper(*this, indent);
  std::string input = x + "[≤ d]";
  for (auto [layer, weight, bias] : llvm::enumerate(sweep.getWeights(), sweep.getBiases())) {
    std::string sum = getText(weight).at(Binding::Atom) + "·" + input + " + " + getText(bias).at(Binding::Sum);
    if (layer == 0 && sweep.getOffset())
      sum += " + " + getText(sweep.getOffset()).at(Binding::Sum);
    if (layer + 1 == sweep.getWeights().size()) {
      printLine("f(" + x + "[d]) = (" + sum + ")[d]");
      break;
    }
    std::string units = "h" + std::to_string(++counters["h"]);
    printLine(units + "[block d] = φ(" + sum + ")");
    input = units + "[blocks ≤ d]";
  }
  printLine(x + "[d] solves f(" + x + "[d]) = " + getElement(sweep.getY(), "d") +
            ", by Newton's method in a bracket, where f increases; only the diagonal blocks depend on " + x + "[d]");
  if (!sweep.getLogDet().use_empty() || targets.contains(sweep.getLogDet()))
    printLine(takeName(sweep.getLogDet(), "s") + " = Σ_d log(f′(" + x + "[d]))");
}
