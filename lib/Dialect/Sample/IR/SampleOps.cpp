//===- SampleOps.cpp - Ops of the sample program --------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyOps.h"
#include "flowc/Dialect/Sample/IR/Bodies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace flowc::sample;

/// Types in parentheses, possibly none.
static ParseResult parseTypeList(OpAsmParser &parser, SmallVectorImpl<Type> &types) {
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren,
                                        [&] { return parser.parseType(types.emplace_back()); });
}

static void printTypeList(OpAsmPrinter &printer, Operation *, TypeRange types) { printer << '(' << types << ')'; }

#define GET_OP_CLASSES
#include "flowc/Dialect/Sample/IR/SampleOps.cpp.inc"

int64_t flowc::sample::getGroup(Type type, int64_t extent) {
  int64_t elements = getNumElements(type);
  return elements % extent == 0 ? elements / extent : 0;
}

LogicalResult flowc::sample::verifyTypes(Operation *op, TypeRange found, ArrayRef<Type> expected, const Twine &what) {
  if (found.size() != expected.size())
    return op->emitOpError() << what << ": expected " << expected.size() << " values but got " << found.size();
  for (auto [i, types] : llvm::enumerate(llvm::zip_equal(found, expected)))
    if (std::get<0>(types) != std::get<1>(types))
      return op->emitOpError() << what << " #" << i << ": expected " << std::get<1>(types) << " but got "
                               << std::get<0>(types);
  return success();
}

//===----------------------------------------------------------------------===//
// MapOp
//===----------------------------------------------------------------------===//

YieldOp MapOp::getYield() { return cast<YieldOp>(getBlock()->getTerminator()); }

Type MapOp::getElementType(Type type, int64_t extent) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return type;
  int64_t group = tensor.getNumElements() / extent;
  return group == 1 ? tensor.getElementType() : Type(RankedTensorType::get({group}, tensor.getElementType()));
}

Type MapOp::getStackedType(Type element, int64_t extent) {
  auto tensor = dyn_cast<RankedTensorType>(element);
  return RankedTensorType::get({extent * getNumElements(element)}, tensor ? tensor.getElementType() : element);
}

LogicalResult MapOp::verify() {
  int64_t extent = getExtent();
  // map_c1: the extent is positive.
  if (extent < 1)
    return emitOpError("extent must be positive but is ") << extent;
  // map_c2: every indexed operand splits evenly.
  SmallVector<Type> arguments;
  for (Type type : getIndexed().getTypes()) {
    if (getGroup(type, extent) < 1)
      return emitOpError("indexed operand of type ") << type << " does not split into " << extent << " equal groups";
    arguments.push_back(getElementType(type, extent));
  }
  llvm::append_range(arguments, getShared().getTypes());
  // map_c3: the body takes the elements, then the shared operands.
  if (failed(verifyTypes(*this, getBlock()->getArgumentTypes(), arguments, "body argument")))
    return failure();
  // map_c4: the body yields stacked elements, then summands.
  SmallVector<Type> yields;
  for (Type type : getStacked().getTypes()) {
    if (getGroup(type, extent) < 1)
      return emitOpError("stacked result of type ") << type << " does not split into " << extent << " equal groups";
    yields.push_back(getElementType(type, extent));
  }
  llvm::append_range(yields, getInit().getTypes());
  if (failed(verifyTypes(*this, getYield().getOperandTypes(), yields, "yielded value")))
    return failure();
  // map_c5: a sum has the type of its init.
  return verifyTypes(*this, getSums().getTypes(), SmallVector<Type>(getInit().getTypes()), "sum");
}

//===----------------------------------------------------------------------===//
// ScanOp
//===----------------------------------------------------------------------===//

YieldOp ScanOp::getYield() { return cast<YieldOp>(getBlock()->getTerminator()); }

Type ScanOp::getSliceType(Type stack) {
  auto tensor = cast<RankedTensorType>(stack);
  if (tensor.getRank() == 1)
    return tensor.getElementType();
  return RankedTensorType::get(tensor.getShape().drop_front(), tensor.getElementType());
}

Type ScanOp::getStackType(Type slice, int64_t layers) {
  SmallVector<int64_t> shape{layers};
  auto tensor = dyn_cast<RankedTensorType>(slice);
  if (tensor)
    llvm::append_range(shape, tensor.getShape());
  return RankedTensorType::get(shape, tensor ? tensor.getElementType() : slice);
}

LogicalResult ScanOp::verify() {
  int64_t layers = getLayers();
  // scan_c1: there is a layer.
  if (layers < 1)
    return emitOpError("number of layers must be positive but is ") << layers;
  // scan_c2: stacks have a leading axis of `layers`.
  for (Type type :
       llvm::concat<Type>(SmallVector<Type>(getOver().getTypes()), SmallVector<Type>(getStacked().getTypes()))) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getRank() < 1 || tensor.getDimSize(0) != layers)
      return emitOpError("stack of type ") << type << " needs a leading extent of " << layers;
  }
  // scan_c3: the body takes carries, slices, shared operands.
  SmallVector<Type> arguments(getCarries().getTypes());
  for (Type type : getOver().getTypes())
    arguments.push_back(getSliceType(type));
  llvm::append_range(arguments, getShared().getTypes());
  if (failed(verifyTypes(*this, getBlock()->getArgumentTypes(), arguments, "body argument")))
    return failure();
  // scan_c4: the body yields carries, then slices of the stacked results.
  SmallVector<Type> yields(getCarries().getTypes());
  for (Type type : getStacked().getTypes())
    yields.push_back(getSliceType(type));
  if (failed(verifyTypes(*this, getYield().getOperandTypes(), yields, "yielded value")))
    return failure();
  // scan_c5: a final carry has the type of the carry.
  return verifyTypes(*this, getFinals().getTypes(), SmallVector<Type>(getCarries().getTypes()), "final carry");
}

//===----------------------------------------------------------------------===//
// DenseOp, OuterOp
//===----------------------------------------------------------------------===//

LogicalResult flowc::sample::verifyMask(Operation *op, std::optional<RankMaskAttr> mask, int64_t rows,
                                        int64_t columns) {
  if (!mask)
    return success();
  if (int64_t(mask->getOut().size()) != rows || int64_t(mask->getIn().size()) != columns)
    return op->emitOpError("mask of ") << mask->getOut().size() << " x " << mask->getIn().size()
                                       << " ranks does not fit a weight of " << rows << " x " << columns;
  if (!llvm::is_sorted(mask->getOut()) || !llvm::is_sorted(mask->getIn()))
    return op->emitOpError("ranks of a mask must ascend");
  return success();
}

FailureOr<MatrixSize> flowc::sample::verifyStoredMatrix(Operation *op, RankedTensorType weight,
                                                        std::optional<RankMaskAttr> mask, bool transposed) {
  int64_t rows = weight.getDimSize(0), columns = weight.getDimSize(1);
  if (failed(verifyMask(op, mask, rows, columns)))
    return failure();
  return transposed ? MatrixSize{columns, rows} : MatrixSize{rows, columns};
}

LogicalResult flowc::sample::verifyActivation(Operation *op, Region &activation, Type element) {
  if (activation.empty())
    return success();
  Block &block = activation.front();
  return failure(failed(verifyTypes(op, block.getArgumentTypes(), {element}, "activation argument")) ||
                 failed(verifyTypes(op, block.getTerminator()->getOperandTypes(), {element}, "activation result")));
}

LogicalResult DenseOp::verify() {
  auto weight = getWeight().getType();
  // dense_c1: the mask fits the weight as stored.
  FailureOr<MatrixSize> size = verifyStoredMatrix(*this, weight, getMask(), getTransposed());
  if (failed(size))
    return failure();
  // dense_c2: x and y fit the weight.
  if (getX().getType().getDimSize(0) != size->columns || getY().getType().getDimSize(0) != size->rows)
    return emitOpError("weight ") << weight << " does not map " << getX().getType() << " to " << getY().getType();
  // dense_c3: so does the bias.
  if (getBias() && getBias().getType().getDimSize(0) != size->rows)
    return emitOpError("bias ") << getBias().getType() << " needs " << size->rows << " elements";
  // dense_c4: an activation takes and yields a float.
  return verifyActivation(*this, getActivation(), getY().getType().getElementType());
}

LogicalResult OuterOp::verify() {
  auto weight = getWeight().getType();
  // outer_c1: the weight is g x x.
  if (weight.getDimSize(0) != getG().getType().getDimSize(0) || weight.getDimSize(1) != getX().getType().getDimSize(0))
    return emitOpError("weight ") << weight << " is not the outer product of " << getG().getType() << " and "
                                  << getX().getType();
  // outer_c2: the mask fits.
  return verifyMask(*this, getMask(), weight.getDimSize(0), weight.getDimSize(1));
}

//===----------------------------------------------------------------------===//
// Moving rows
//===----------------------------------------------------------------------===//

/// Checks that pieces have as many elements as the whole.
static LogicalResult verifyPieces(Operation *op, TypeRange pieces, Type whole) {
  int64_t sum = 0;
  for (Type piece : pieces)
    sum += getNumElements(piece);
  if (sum != getNumElements(whole))
    return op->emitOpError("pieces have ") << sum << " elements but " << whole << " has " << getNumElements(whole);
  return success();
}

// split_c1, concat_c1: nothing is lost.
LogicalResult SplitOp::verify() { return verifyPieces(*this, getPieces().getTypes(), getX().getType()); }
LogicalResult ConcatOp::verify() { return verifyPieces(*this, getPieces().getTypes(), getY().getType()); }

LogicalResult GatherOp::verify() {
  int64_t elements = getX().getType().getNumElements();
  // gather_c1: one index per element, in both directions.
  if (getIndices().getType().getNumElements() != elements || getInverse().getType().getNumElements() != elements)
    return emitOpError("indices and inverse need ") << elements << " elements";
  // gather_c2: a constant permutation is one.
  return verifyPermutation(*this, getIndices(), getInverse());
}

LogicalResult ReorderOp::verify() {
  auto type = cast<RankedTensorType>(getX().getType());
  // reorder_c1: an order is a permutation of its axis.
  auto check = [&](ArrayRef<int64_t> order, unsigned axis) {
    if (order.empty())
      return success();
    SmallVector<int64_t> sorted(order);
    llvm::sort(sorted);
    if (axis >= type.getRank() || int64_t(order.size()) != type.getDimSize(axis) ||
        !llvm::equal(sorted, llvm::seq<int64_t>(0, order.size())))
      return LogicalResult(emitOpError("order of axis ") << axis << " is not a permutation of it");
    return success();
  };
  return failure(failed(check(getRows(), 0)) || failed(check(getColumns(), 1)));
}

LogicalResult ReshapeOp::verify() {
  // reshape_c1: the number of elements stays.
  if (getNumElements(getX().getType()) != getNumElements(getY().getType()))
    return emitOpError("cannot reshape ") << getX().getType() << " to " << getY().getType();
  return success();
}

/// reshape(x) = x if nothing changes, reshape(reshape(x)) = reshape(x).
OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getX().getType() == getY().getType())
    return getX();
  if (auto inner = getX().getDefiningOp<ReshapeOp>()) {
    getXMutable().assign(inner.getX());
    return getY();
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Small tensors
//===----------------------------------------------------------------------===//

// clip_c1: the interval is one.
LogicalResult ClipOp::verify() {
  if (getLower() <= getUpper())
    return success();
  return emitOpError("needs an interval but has [")
         << getLower().convertToDouble() << ", " << getUpper().convertToDouble() << "]";
}

// bin_search_c1: there is a bin.
LogicalResult BinSearchOp::verify() {
  if (getKnots().getType().getNumElements() >= 2)
    return success();
  return emitOpError("needs two knots or more but has ") << getKnots().getType();
}

/// Checks an offset from the first index of a small tensor.
static LogicalResult verifyOffset(Operation *op, int64_t offset, RankedTensorType type) {
  if (offset >= 0 && offset < type.getNumElements())
    return success();
  return op->emitOpError("offset ") << offset << " leads out of " << type;
}

// take_c1, one_hot_c1: an index of 0 leads to an element.
LogicalResult TakeOp::verify() { return verifyOffset(*this, getOffset(), getX().getType()); }
LogicalResult OneHotOp::verify() { return verifyOffset(*this, getOffset(), getY().getType()); }

namespace {
/// take(f(a, b, ...), i) = f(take(a, i), take(b, i), ...) for elementwise f: only
/// the selected element is computed.
struct TakeOfElementwise : OpRewritePattern<TakeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TakeOp op, PatternRewriter &rewriter) const override {
    Operation *producer = op.getX().getDefiningOp();
    if (!producer || !producer->hasTrait<OpTrait::Elementwise>() || producer->getNumResults() != 1 ||
        producer->getBlock() != op->getBlock())
      return rewriter.notifyMatchFailure(op, "not of an elementwise op");
    SmallVector<Value> operands;
    for (Value operand : producer->getOperands()) {
      auto tensor = dyn_cast<RankedTensorType>(operand.getType());
      if (!tensor || !isa<FloatType>(tensor.getElementType()))
        return rewriter.notifyMatchFailure(op, "operands must be tensors of floats");
      operands.push_back(TakeOp::create(rewriter, op.getLoc(), op.getType(), operand, op.getIndex(), op.getOffset()));
    }
    OperationState state(op.getLoc(), producer->getName(), operands, op->getResultTypes(), producer->getAttrs());
    rewriter.replaceOp(op, rewriter.create(state));
    return success();
  }
};

/// take(splat(x), i) = x, and the same for a constant splat.
struct TakeOfSplat : OpRewritePattern<TakeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TakeOp op, PatternRewriter &rewriter) const override {
    if (auto splat = op.getX().getDefiningOp<SplatOp>()) {
      rewriter.replaceOp(op, splat.getX());
      return success();
    }
    SplatElementsAttr constant;
    if (auto producer = op.getX().getDefiningOp<arith::ConstantOp>())
      constant = dyn_cast<SplatElementsAttr>(producer.getValue());
    if (!constant)
      return rewriter.notifyMatchFailure(op, "not of a splat");
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, constant.getSplatValue<FloatAttr>());
    return success();
  }
};

/// A sum of one-hots times f(a), f an elementwise function that is costly: each
/// one-hot is of its own number times that element of f(a), so that the others are not computed.
struct OneHotsTimesElementwise : OpRewritePattern<arith::MulFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::MulFOp op, PatternRewriter &rewriter) const override {
    for (auto [sparse, dense] : {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())}) {
      Operation *producer = dense.getDefiningOp();
      if (!isOneHots(sparse) || !producer || producer->getBlock() != op->getBlock() || !isFunction(producer))
        continue;
      rewriter.replaceOp(op, scale(rewriter, sparse, dense));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no one-hots, or not of a function");
  }

private:
  static bool isFunction(Operation *op) {
    return op->hasTrait<OpTrait::Elementwise>() && op->getNumOperands() == 1 && isCostly(op);
  }

  static bool isOneHots(Value value) {
    if (auto sum = value.getDefiningOp<arith::AddFOp>())
      return isOneHots(sum.getLhs()) && isOneHots(sum.getRhs());
    return value.getDefiningOp<OneHotOp>() != nullptr;
  }

  static Value scale(PatternRewriter &rewriter, Value sparse, Value dense) {
    Location loc = sparse.getLoc();
    if (auto sum = sparse.getDefiningOp<arith::AddFOp>())
      return arith::AddFOp::create(rewriter, loc, scale(rewriter, sum.getLhs(), dense),
                                   scale(rewriter, sum.getRhs(), dense));
    auto oneHot = sparse.getDefiningOp<OneHotOp>();
    Value factor = TakeOp::create(rewriter, loc, oneHot.getX().getType(), dense, oneHot.getIndex(), oneHot.getOffset());
    return OneHotOp::create(rewriter, loc, oneHot.getType(),
                            arith::MulFOp::create(rewriter, loc, oneHot.getX(), factor).getResult(), oneHot.getIndex(),
                            oneHot.getOffset());
  }
};
} // namespace

void TakeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<TakeOfElementwise, TakeOfSplat, OneHotsTimesElementwise>(context);
}
