//===- TileDialect.cpp - Loops over rows ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Dialect/Tile/IR/TileDialect.h"
#include "flowc/Target/TargetInfo.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace flowc::tile;

#include "flowc/Dialect/Tile/IR/TileDialect.cpp.inc"
#include "flowc/Dialect/Tile/IR/TileEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "flowc/Dialect/Tile/IR/TileAttributes.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "flowc/Dialect/Tile/IR/TileTypes.cpp.inc"

#define GET_OP_CLASSES
#include "flowc/Dialect/Tile/IR/TileOps.cpp.inc"

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "flowc/Dialect/Tile/IR/TileAttributes.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "flowc/Dialect/Tile/IR/TileTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "flowc/Dialect/Tile/IR/TileOps.cpp.inc"
      >();
}

LogicalResult TileDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  // tile_shape_c3: a shape is that of a module.
  if (attribute.getName() == kShapeAttr && !(isa<ModuleOp>(op) && isa<ShapeAttr>(attribute.getValue())))
    return op->emitOpError("has the attribute '") << kShapeAttr << "', expected a shape, of a module";
  if (attribute.getName() != kReservedAttr)
    return success();
  // tile_reserved_c1: a function has a number of elements in place.
  auto elements = dyn_cast<IntegerAttr>(attribute.getValue());
  if (isa<FunctionOpInterface>(op) && elements && elements.getType().isSignlessInteger(64) && elements.getInt() >= 0)
    return success();
  return op->emitOpError("has the attribute '") << kReservedAttr << "', expected a number of elements, of a function";
}

ShapeAttr flowc::tile::findShape(ModuleOp module) { return module->getAttrOfType<ShapeAttr>(TileDialect::kShapeAttr); }

// tile_shape_c1: there is such a vector unit; tile_shape_c2: floats are f32 or f64.
LogicalResult ShapeAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, StringRef vectors,
                                FloatType element) {
  if (auto unit = getVectorUnit(vectors.str()); !unit)
    return emitError() << unit.error().message;
  if (element.isF32() || element.isF64())
    return success();
  return emitError() << "works in f32 or f64 but has " << element;
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

// tile_buffer_type_c1: elements are numbers of these types; tile_buffer_type_c2: floats, unless all rows have the same.
LogicalResult BufferType::verify(llvm::function_ref<InFlightDiagnostic()> emitError, int64_t elements, Type element,
                                 Layout layout) {
  if (!element.isF32() && !element.isF64() && !element.isSignlessInteger(32) && !element.isSignlessInteger(64) &&
      !element.isSignlessInteger(1))
    return emitError() << "a buffer holds f32, f64, i1, i32 or i64 but not " << element;
  if (elements < 0)
    return emitError() << "a buffer cannot have " << elements << " elements";
  if (layout != Layout::Uniform && !isa<FloatType>(element))
    return emitError() << "only floats differ from row to row, not " << element;
  return success();
}

Type BufferType::parse(AsmParser &parser) {
  SmallVector<int64_t> dimensions;
  Type element;
  StringRef keyword;
  if (parser.parseLess() || parser.parseDimensionList(dimensions, /*allowDynamic=*/false) ||
      parser.parseType(element) || parser.parseComma())
    return {};
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword) || parser.parseGreater())
    return {};
  std::optional<Layout> layout = symbolizeLayout(keyword);
  if (!layout || dimensions.size() != 1) {
    parser.emitError(where, "expected one extent, and a layout: uniform, rows or sums");
    return {};
  }
  return parser.getChecked<BufferType>(where, parser.getContext(), dimensions.front(), element, *layout);
}

void BufferType::print(AsmPrinter &printer) const {
  printer << "<" << getElements() << "x" << getElement() << ", " << stringifyLayout(getLayout()) << ">";
}
