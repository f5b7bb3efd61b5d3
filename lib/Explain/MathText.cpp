//===- MathText.cpp - Ops as expressions ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MathPrinter.h"

#include "flowc/Dialect/Sample/IR/Objective.h"
#include "flowc/Dialect/Sample/IR/Pick.h"
#include "flowc/Symbolic/Functions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/Format.h"

#include <cmath>
#include <numbers>

using namespace mlir;
using namespace flowc;
using namespace flowc::flow;

/// Numbers that mathematics has names for.
static const std::pair<double, const char *> kNamed[] = {
    {std::numbers::ln2, "log 2"},
    {std::numbers::pi, "π"},
    {std::log(std::numbers::pi), "log π"},
    {std::log(2 * std::numbers::pi), "log(2π)"},
    {std::numbers::sqrt2, "√2"},
    {std::sqrt(std::numbers::pi), "√π"},
    {std::sqrt(2 * std::numbers::pi), "√(2π)"},
};

/// The whole number n > 0 with size = n / divisor, to the last digits; 0 if there is none.
static int64_t findMultiple(double size, int64_t divisor) {
  double multiple = std::round(size * double(divisor));
  bool isWhole = multiple >= 1 && multiple <= 64 && std::fabs(size * double(divisor) - multiple) <= 1e-15 * multiple;
  return isWhole ? int64_t(multiple) : 0;
}

/// `size` as a small multiple or fraction of a number with a name, or of its reciprocal;
/// empty if it is none.
static MathText formatNamed(double size) {
  for (auto [named, name] : kNamed)
    for (int64_t divisor : {1, 2, 4})
      for (bool isReciprocal : {false, true}) {
        int64_t multiple = findMultiple(isReciprocal ? size * named : size / named, divisor);
        if (multiple == 0)
          continue;
        if (multiple == 1 && divisor == 1 && !isReciprocal)
          return {name, Binding::Atom};
        std::string below = divisor > 1 ? std::to_string(divisor) : std::string();
        if (isReciprocal)
          below = below.empty() ? name : "(" + below + "·" + name + ")";
        std::string above = isReciprocal   ? std::to_string(multiple)
                            : multiple > 1 ? std::to_string(multiple) + "·" + name
                                           : name;
        return {above + (below.empty() ? "" : " / " + below), Binding::Product};
      }
  return {};
}

/// A large or small power of two, which is where float arithmetic changes its ways; empty
/// if `size` is none.
static std::string formatPowerOfTwo(double size) {
  int exponent = 0;
  if (std::frexp(size, &exponent) != 0.5 || std::abs(exponent - 1) < 20)
    return {};
  std::string text = "2";
  for (char digit : std::to_string(exponent - 1)) {
    constexpr const char *superscripts[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    text += digit == '-' ? "⁻" : superscripts[digit - '0'];
  }
  return text;
}

MathText flowc::formatConstant(double value) {
  if (std::isinf(value))
    return {value < 0 ? "−∞" : "∞", value < 0 ? Binding::Sign : Binding::Atom};
  double size = std::fabs(value);
  MathText text = formatNamed(size);
  if (text.text.empty())
    text = {formatPowerOfTwo(size), Binding::Atom};
  if (text.text.empty())
    llvm::raw_string_ostream(text.text) << llvm::format("%.6g", size);
  return std::signbit(value) && value != 0 ? MathText{"−" + text.at(Binding::Product), Binding::Sign} : text;
}

/// Whether `value` is the smallest normal number of its type, below which a formula takes
/// its operand for zero. Mathematics has no such number.
static bool isSmallest(Value value) {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  auto number = constant ? dyn_cast<FloatAttr>(constant.getValue()) : FloatAttr();
  return number && number.getValue().isSmallestNormalized() && !number.getValue().isNegative();
}

/// Whether `select` keeps a number away from zero: max(x, smallest).
static bool isGuard(arith::SelectOp select) {
  auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
  return compare && isSmallest(compare.getRhs()) && isSmallest(select.getTrueValue()) &&
         select.getFalseValue() == compare.getLhs();
}

static MathText formatSum(const MathText &a, const MathText &b, bool subtract) {
  // a + (−b) = a − b
  StringRef right = b.text;
  if (right.consume_front("−") && b.binding == Binding::Sign)
    return formatSum(a, {right.str(), Binding::Product}, !subtract);
  // −a + b = b − a
  StringRef left = a.text;
  if (!subtract && left.consume_front("−") && a.binding == Binding::Sign)
    return formatSum(b, {left.str(), Binding::Product}, true);
  return {a.at(Binding::Sum) + (subtract ? " − " + b.at(Binding::Product) : " + " + b.at(Binding::Sum)), Binding::Sum};
}

static MathText formatProduct(const MathText &a, const MathText &b) {
  if (a.text == "1" || b.text == "1")
    return a.text == "1" ? b : a;
  StringRef left = a.text;
  if (a.binding == Binding::Sign && left.consume_front("−")) {
    MathText rest = formatProduct({left.str(), Binding::Product}, b);
    return {"−" + rest.at(Binding::Product), Binding::Sign};
  }
  // a · (1 / b) = a / b
  StringRef right = b.text;
  if (b.binding == Binding::Product && right.consume_front("1 / "))
    return {a.at(Binding::Product) + " / " + right.str(), Binding::Product};
  return {a.at(Binding::Product) + "·" + b.at(Binding::Product), Binding::Product};
}

static StringRef formatPredicate(arith::CmpFPredicate predicate) {
  using enum arith::CmpFPredicate;
  switch (predicate) {
  case OEQ:
  case UEQ:
    return " = ";
  case OGT:
  case UGT:
    return " > ";
  case OGE:
  case UGE:
    return " ≥ ";
  case OLT:
  case ULT:
    return " < ";
  case OLE:
  case ULE:
    return " ≤ ";
  case UNO:
    return " is undefined with ";
  default:
    return " ≠ ";
  }
}

/// `name(a, b, …)`
static MathText formatCall(const llvm::Twine &name, ArrayRef<MathText> arguments) {
  std::string text = name.str() + "(";
  for (auto [i, argument] : llvm::enumerate(arguments))
    text += (i ? ", " : "") + argument.text;
  return {text + ")", Binding::Atom};
}

/// Elements `begin` to `end` (not included) of `whole`.
static std::string formatRange(const std::string &whole, int64_t begin, int64_t end) {
  std::string first = whole + "[" + std::to_string(begin);
  return first + (end == begin + 1 ? "]" : ":" + std::to_string(end) + "]");
}

MathText flowc::formatPiece(SplitOp split, unsigned number, const MathText &whole) {
  int64_t begin = 0;
  for (Value piece : split.getPieces().take_front(number))
    begin += getNumElements(piece.getType());
  int64_t end = begin + getNumElements(split.getPieces()[number].getType());
  return {formatRange(whole.at(Binding::Atom), begin, end), Binding::Atom};
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// Of the operands of an op.
using Texts = ArrayRef<MathText>;

static MathText formatAddition(Operation *, Texts x) { return formatSum(x[0], x[1], false); }

static MathText formatSubtraction(Operation *, Texts x) { return formatSum(x[0], x[1], true); }

static MathText formatMultiplication(Operation *, Texts x) {
  // Numbers come first.
  bool swap = x[1].binding >= Binding::Sign && std::isdigit(StringRef(x[1].text).ltrim("−").front());
  return swap ? formatProduct(x[1], x[0]) : formatProduct(x[0], x[1]);
}

static MathText formatWholeMultiplication(Operation *, Texts x) { return formatProduct(x[0], x[1]); }

static MathText formatFma(Operation *, Texts x) { return formatSum(formatProduct(x[0], x[1]), x[2], false); }

static MathText formatDivision(Operation *, Texts x) {
  return {x[0].at(Binding::Product) + " / " + x[1].at(Binding::Sign), Binding::Product};
}

static MathText formatNegation(Operation *, Texts x) {
  StringRef positive = x[0].text;
  if (x[0].binding == Binding::Sign && positive.consume_front("−"))
    return {positive.str(), Binding::Product};
  return {"−" + x[0].at(Binding::Product), Binding::Sign};
}

static MathText formatPower(Operation *, Texts x) {
  if (x[1].text == "1")
    return x[0];
  return {x[0].at(Binding::Atom) + "^" + x[1].at(Binding::Atom), Binding::Power};
}

static MathText formatSize(Operation *, Texts x) { return {"|" + x[0].text + "|", Binding::Atom}; }

static MathText formatRoot(Operation *, Texts x) { return {"√" + formatCall("", x[0]).text, Binding::Atom}; }

static MathText formatComparison(Operation *op, Texts x) {
  auto compare = cast<arith::CmpFOp>(op);
  if (compare.getPredicate() == arith::CmpFPredicate::UNO && compare.getLhs() == compare.getRhs())
    return {x[0].at(Binding::Sum) + " is undefined", Binding::Comparison};
  if (compare.getPredicate() == arith::CmpFPredicate::OLT && isSmallest(compare.getRhs()))
    return {x[0].at(Binding::Sum) + " ≤ 0", Binding::Comparison};
  return {x[0].at(Binding::Sum) + formatPredicate(compare.getPredicate()).str() + x[1].at(Binding::Sum),
          Binding::Comparison};
}

static MathText formatAnd(Operation *, Texts x) {
  return {x[0].at(Binding::Comparison) + " and " + x[1].at(Binding::Comparison), Binding::Comparison};
}

static MathText formatOr(Operation *, Texts x) {
  return {x[0].at(Binding::Comparison) + " or " + x[1].at(Binding::Comparison), Binding::Choice};
}

static MathText formatSelect(Operation *op, Texts x) {
  if (isGuard(cast<arith::SelectOp>(op)))
    return x[2];
  return {x[1].at(Binding::Comparison) + " if " + x[0].at(Binding::Comparison) + " else " + x[2].at(Binding::Choice),
          Binding::Choice};
}

static MathText formatClip(Operation *op, Texts x) {
  auto clip = cast<ClipOp>(op);
  // Mathematics has no largest number.
  auto type = cast<FloatType>(getElementTypeOrSelf(clip.getType()));
  if (clip.getUpper().convertToDouble() == APFloat::getLargest(type.getFloatSemantics()).convertToDouble())
    return x[0];
  return formatCall("clip", {x[0], formatConstant(clip.getLower().convertToDouble()),
                             formatConstant(clip.getUpper().convertToDouble())});
}

/// `index`, `offset` places on.
static std::string formatPosition(const MathText &index, uint64_t offset) {
  return offset ? index.text + " + " + std::to_string(offset) : index.text;
}

static MathText formatTake(Operation *op, Texts x) {
  return {x[0].at(Binding::Atom) + "[" + formatPosition(x[1], cast<TakeOp>(op).getOffset()) + "]", Binding::Atom};
}

static MathText formatOneHot(Operation *op, Texts x) {
  return formatCall("only", {x[0], {"at " + formatPosition(x[1], cast<OneHotOp>(op).getOffset()), Binding::Atom}});
}

static MathText formatPick(Operation *, Texts x) {
  return {x[0].at(Binding::Atom) + "[" + x[1].text + "]", Binding::Atom};
}

static MathText formatConcat(Operation *, Texts x) {
  return {"[" + StringRef(formatCall("", x).text).drop_front().drop_back().str() + "]"};
}

/// What changes nothing that mathematics sees.
static MathText formatNothing(Operation *, Texts x) { return x[0]; }

namespace {
/// How an op is written that is not called by the name of its function.
struct Notation {
  StringLiteral op;
  MathText (*format)(Operation *, Texts) = nullptr;
  /// What it is called, if it is a call.
  StringLiteral name = "";
};
} // namespace

static const Notation kNotations[] = {
    {arith::AddFOp::getOperationName(), formatAddition},
    {arith::AddIOp::getOperationName(), formatAddition},
    {arith::SubFOp::getOperationName(), formatSubtraction},
    {arith::MulFOp::getOperationName(), formatMultiplication},
    {arith::MulIOp::getOperationName(), formatWholeMultiplication},
    {arith::DivFOp::getOperationName(), formatDivision},
    {arith::NegFOp::getOperationName(), formatNegation},
    {arith::CmpFOp::getOperationName(), formatComparison},
    {arith::AndIOp::getOperationName(), formatAnd},
    {arith::OrIOp::getOperationName(), formatOr},
    {arith::SelectOp::getOperationName(), formatSelect},
    {arith::MaxNumFOp::getOperationName(), nullptr, "max"},
    {arith::MinNumFOp::getOperationName(), nullptr, "min"},
    {math::FmaOp::getOperationName(), formatFma},
    {math::AbsFOp::getOperationName(), formatSize},
    {math::SqrtOp::getOperationName(), formatRoot},
    {math::PowFOp::getOperationName(), formatPower},
    {math::FPowIOp::getOperationName(), formatPower},
    {ClipOp::getOperationName(), formatClip},
    {ReduceSumOp::getOperationName(), nullptr, "Σ"},
    {ReduceMaxOp::getOperationName(), nullptr, "max"},
    {BinSearchOp::getOperationName(), nullptr, "bin"},
    {TakeOp::getOperationName(), formatTake},
    {OneHotOp::getOperationName(), formatOneHot},
    {ConcatOp::getOperationName(), formatConcat},
    {PickOp::getOperationName(), formatPick},
    {GatherOp::getOperationName(), formatPick},
    {ScatterSumOp::getOperationName(), nullptr, "scatter_sum"},
    {ReverseOp::getOperationName(), nullptr, "reverse"},
    {ReorderOp::getOperationName(), nullptr, "by_rank"},
    {SplatOp::getOperationName(), formatNothing},
    {ReshapeOp::getOperationName(), formatNothing},
    {DetachOp::getOperationName(), formatNothing},
};

MathText flowc::formatOp(Operation *op, ArrayRef<MathText> operands) {
  StringRef name = op->getName().getStringRef();
  const Notation *notation = llvm::find_if(kNotations, [&](const Notation &known) { return known.op == name; });
  if (notation != std::end(kNotations))
    return notation->format ? notation->format(op, operands) : formatCall(notation->name, operands);
  // Ops of no function in the table are called what they are called.
  const symbolic::FunctionRow *row = symbolic::findFunctionOfOp(name);
  return formatCall(row ? StringRef(row->name) : op->getName().stripDialect(), operands);
}
