//===- TileBuffers.cpp - What is in memory --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Labels such as tile_load_c1 are those of docs/Spec.md.
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Tile/IR/TileDialect.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace flowc::tile;

// tile_table_c1: numbers are an array of 32 or 64 bits each.
LogicalResult TableOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getNumbers().getType());
  if (type && type.getRank() == 1 && type.hasStaticShape() && type.getElementType().isIntOrFloat() &&
      type.getElementTypeBitWidth() >= 32)
    return success();
  return emitOpError("needs an array of numbers of 32 or 64 bits but has ") << getNumbers().getType();
}

// tile_constant_c1: the table is there; tile_constant_c2: it has the buffer's elements.
LogicalResult ConstantOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto table = symbols.lookupNearestSymbolFrom<TableOp>(*this, getTableAttr());
  if (!table)
    return emitOpError("'") << getTable() << "' is no table";
  auto type = cast<RankedTensorType>(table.getNumbers().getType());
  BufferType buffer = getBuffer().getType();
  if (type.getNumElements() == buffer.getElements() && type.getElementType() == buffer.getElement())
    return success();
  return emitOpError("is ") << buffer << " but the table has " << type;
}

static LogicalResult verifyNotNegative(Operation *op, StringRef what, int64_t value) {
  if (value >= 0)
    return success();
  return op->emitOpError(what) << " cannot be " << value;
}

// tile_argument_c1: arrays have numbers from 0 on.
LogicalResult ArgumentOp::verify() { return verifyNotNegative(*this, "the number of an array", getIndex()); }

// tile_parameter_c1: a parameter lies behind the beginning of memory.
LogicalResult ParameterOp::verify() { return verifyNotNegative(*this, "an offset", getOffset()); }

/// Checks a position if it is a constant.
static LogicalResult verifyPosition(Operation *op, Value position) {
  APInt constant;
  if (matchPattern(position, m_ConstantInt(&constant)))
    return verifyNotNegative(op, "a position", constant.getSExtValue());
  return success();
}

// tile_buffer_c1: a buffer lies behind the beginning of memory.
LogicalResult BufferOp::verify() { return verifyPosition(*this, getOffset()); }

// tile_shift_c1: elements are floats.
LogicalResult ShiftOp::verify() {
  if (getElement().isF32() || getElement().isF64())
    return success();
  return emitOpError("counts elements of f32 or f64, not of ") << getElement();
}

LogicalResult ViewOp::verify() {
  BufferType whole = getWhole().getType(), part = getPart().getType();
  // tile_view_c1: elements and layout stay.
  if (whole.getElement() != part.getElement() || whole.getLayout() != part.getLayout())
    return emitOpError("cannot see ") << whole << " as " << part;
  // tile_view_c2: the part is in the whole.
  APInt first;
  int64_t begin = matchPattern(getFirst(), m_ConstantInt(&first)) ? first.getSExtValue() : 0;
  if (begin < 0 || begin > whole.getElements() - part.getElements())
    return emitOpError("has elements ") << begin << " to " << begin + part.getElements() << " of " << whole;
  return success();
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// Checks an access to `buffer` at `indices` that moves a value of `type`.
static LogicalResult verifyAccess(Operation *op, BufferType buffer, ValueRange indices, Type type) {
  // tile_load_c1, tile_store_c1: an index for the element, in rows one for the vector, too.
  size_t expected = buffer.getLayout() == Layout::Rows ? 2 : 1;
  if (indices.size() != expected)
    return op->emitOpError("of ") << buffer << " needs " << expected << " indices but has " << indices.size();
  // tile_load_c2, tile_store_c2: the value has the buffer's elements.
  if (getElementTypeOrSelf(type) != buffer.getElement())
    return op->emitOpError("moves ") << type << " but the buffer is " << buffer;
  // tile_load_c3, tile_store_c3: what differs from row to row is a vector of lanes.
  auto vector = dyn_cast<VectorType>(type);
  if (buffer.getLayout() != Layout::Uniform && !vector)
    return op->emitOpError("of ") << buffer << " moves a vector of lanes, not " << type;
  if (vector && vector.getRank() != 1)
    return op->emitOpError("moves vectors of rank 1, not ") << type;
  // tile_load_c4, tile_store_c4: a constant index is one of an element.
  APInt element;
  if (matchPattern(indices.front(), m_ConstantInt(&element)) &&
      (element.isNegative() || element.getSExtValue() >= std::max<int64_t>(buffer.getElements(), 1)))
    return op->emitOpError("of element ") << element.getSExtValue() << " of " << buffer;
  return success();
}

LogicalResult LoadOp::verify() {
  return verifyAccess(*this, getBuffer().getType(), getIndices(), getValue().getType());
}

LogicalResult StoreOp::verify() {
  return verifyAccess(*this, getBuffer().getType(), getIndices(), getValue().getType());
}

LogicalResult LoadTableOp::verify() {
  // tile_load_table_c1: vectors of one length, of the buffer's elements.
  if (getVectors().empty() || !llvm::all_equal(getVectors().getTypes()) ||
      getElementTypeOrSelf(getVectors().front().getType()) != getBuffer().getType().getElement())
    return emitOpError("needs vectors of one type with elements of ") << getBuffer().getType();
  // tile_load_table_c2: they hold so many elements, and the last of them one at least.
  int64_t lanes = cast<VectorType>(getVectors().front().getType()).getNumElements();
  if (int64_t(llvm::divideCeil(std::max<int64_t>(getCount(), 0), lanes)) == int64_t(getVectors().size()))
    return success();
  return emitOpError() << getVectors().size() << " vectors of " << lanes << " lanes do not hold " << getCount()
                       << " elements";
}

LogicalResult LookUpOp::verify() {
  auto index = cast<VectorType>(getIndex().getType());
  // tile_look_up_c1: a table of vectors of the result's type.
  if (getTable().empty() ||
      !llvm::all_of(getTable().getTypes(), [&](Type type) { return type == getValue().getType(); }))
    return emitOpError("needs a table of ") << getValue().getType();
  // tile_look_up_c2: an index of 32 bits for each lane.
  if (index.getElementType().isSignlessInteger(32) &&
      index.getShape() == cast<VectorType>(getValue().getType()).getShape())
    return success();
  return emitOpError("needs an i32 for each lane of ") << getValue().getType() << " but has " << index;
}

// tile_copy_c1: both have the same elements.
LogicalResult CopyOp::verify() {
  if (getFrom().getType() == getTo().getType())
    return success();
  return emitOpError("cannot copy ") << getFrom().getType() << " to " << getTo().getType();
}
