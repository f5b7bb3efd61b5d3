//===- ConstructorsParts.cpp - Bijections of parts of events --------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constructors.h"
#include "NodeKinds.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace flowc {

using llvm::StringRef;
using llvm::Twine;

/// Whether an event of this shape can be handled; reports it if not.
static bool checkEventSize(Call &call, const Shape &shape) {
  double elements = 1;
  for (int64_t size : shape)
    elements *= double(size);
  if (elements <= double(maxArrayElements))
    return true;
  call.fail("the event of `" + call.name() + "` would have " + formatNumber(elements) + " elements; at most " +
            Twine(maxArrayElements) + " are supported");
  return false;
}

namespace {
/// An axis as FlowJAX keeps it, and counted from the front.
struct Axis {
  int64_t given = 0, index = 0;
};
} // namespace

/// Reads `axis`, which has to be among `count` axes; negative ones count from the
/// back.
static Axis readAxis(Call &call, int64_t count, const Twine &what) {
  constexpr int64_t any = int64_t(1) << 31;
  int64_t given = call.integer("axis", -any, any);
  if (!call.failed() && (given < -count || given >= count))
    call.failAt("axis", "`axis` of `" + call.name() + "` must be from " + Twine(-count) + " to " + Twine(count - 1) +
                            " for " + what + ", found " + Twine(given));
  return {given, given < 0 ? given + count : given};
}

//===----------------------------------------------------------------------===//
// Concatenate, Stack
//===----------------------------------------------------------------------===//

/// Reports that part `index` does not fit to the first.
static void failShapes(Call &call, const NodeList &parts, size_t index, const Twine &rule) {
  call.failAt("bijections", "the bijections of `" + call.name() + "` must have equal shapes" + rule + ": number 0, " +
                                describe(*parts[0]) + ", has shape " + formatShape(parts[0]->shape) + ", number " +
                                Twine(index) + ", " + describe(*parts[index]) + ", has shape " +
                                formatShape(parts[index]->shape));
}

/// Adds FlowJAX's fields `bijections` and `axis`.
static NodePtr finishParts(Call &call, const std::shared_ptr<Node> &node, const NodeList &parts, Axis axis) {
  for (auto [index, part] : llvm::enumerate(parts))
    node->fields.push_back(Child{("bijections[" + Twine(index) + "]").str(), part});
  node->fields.push_back(numberLeaf("axis", axis.given, Leaf::Type::Int));
  node->attributes["axis"] = axis.index;
  return call.finish(node);
}

static Value::Data buildConcatenate(Call &call) {
  NodeList parts = call.bijections("bijections");
  if (call.failed())
    return {};
  Shape shape = parts[0]->shape;
  if (shape.empty()) {
    call.failAt("bijections", "`concatenate` joins along an axis, and " + describe(*parts[0]) +
                                  " has shape []: use `stack` for scalars");
    return {};
  }
  Axis axis = readAxis(call, shape.size(), "bijections of shape " + formatShape(shape));
  if (call.failed())
    return {};
  int64_t total = 0;
  std::vector<int64_t> ends;
  for (auto [index, part] : llvm::enumerate(parts)) {
    Shape expected = shape;
    if (part->shape.size() == shape.size())
      expected[axis.index] = part->shape[axis.index];
    if (part->shape != expected) {
      failShapes(call, parts, index, " except along axis " + Twine(axis.index));
      return {};
    }
    total += part->shape[axis.index];
    ends.push_back(total);
  }
  shape[axis.index] = total;
  if (!checkEventSize(call, shape))
    return {};
  auto node = call.makeNode(Node::Category::Bijection, "concatenate", shape, mergeCondShapes(call, parts));
  addShapes(*node);
  ends.pop_back();
  addShape(*node, "split_idxs", ends);
  return finishParts(call, node, parts, axis);
}

static Value::Data buildStack(Call &call) {
  NodeList parts = call.bijections("bijections");
  if (call.failed())
    return {};
  Shape shape = parts[0]->shape;
  // For most negative axes FlowJAX's `Stack` has a shape that its methods refuse;
  // where it works it does this.
  Axis axis = readAxis(call, shape.size() + 1, "bijections of shape " + formatShape(shape));
  if (call.failed())
    return {};
  for (auto [index, part] : llvm::enumerate(parts))
    if (part->shape != shape) {
      failShapes(call, parts, index, "");
      return {};
    }
  shape.insert(shape.begin() + axis.index, int64_t(parts.size()));
  if (!checkEventSize(call, shape))
    return {};
  auto node = call.makeNode(Node::Category::Bijection, "stack", shape, mergeCondShapes(call, parts));
  addShapes(*node);
  return finishParts(call, node, parts, axis);
}

//===----------------------------------------------------------------------===//
// Indexed
//===----------------------------------------------------------------------===//

namespace {
/// Which rows of an event, seen along its first axes, `idxs` selects.
struct Selection {
  std::vector<int64_t> rows;
  /// The shape that the rows are arranged in.
  Shape shape;
  /// Leading axes of the event that the rows count.
  size_t axes = 1;
  /// FlowJAX's leaf; a slice has none.
  std::optional<Leaf> leaf;
};
} // namespace

/// The indices of a slice of `size` rows, by Python's rules.
static Selection selectSlice(const SliceValue &slice, int64_t size) {
  int64_t step = slice.step.value_or(1);
  auto clampTo = [&](int64_t bound, int64_t low, int64_t high) {
    return std::clamp(bound < 0 ? bound + size : bound, low, high);
  };
  Selection selection;
  if (step > 0) {
    int64_t stop = slice.stop ? clampTo(*slice.stop, 0, size) : size;
    for (int64_t i = slice.start ? clampTo(*slice.start, 0, size) : 0; i < stop; i += step)
      selection.rows.push_back(i);
  } else {
    int64_t stop = slice.stop ? clampTo(*slice.stop, -1, size - 1) : -1;
    for (int64_t i = slice.start ? clampTo(*slice.start, -1, size - 1) : size - 1; i > stop; i += step)
      selection.rows.push_back(i);
  }
  selection.shape = {int64_t(selection.rows.size())};
  return selection;
}

static Selection selectMask(Call &call, const ArrayValue &mask, const Shape &shape) {
  Selection selection;
  if (mask.shape.size() > shape.size() || !std::equal(mask.shape.begin(), mask.shape.end(), shape.begin())) {
    call.failAt("idxs", "the mask `idxs` of `indexed` has shape " + formatShape(mask.shape) +
                            ", which does not fit to an event of shape " + formatShape(shape));
    return selection;
  }
  for (auto [row, isChosen] : llvm::enumerate(mask.init.values))
    if (isChosen != 0)
      selection.rows.push_back(row);
  selection.shape = {int64_t(selection.rows.size())};
  selection.axes = mask.shape.size();
  selection.leaf = arrayLeaf(Leaf::Kind::Constant, Leaf::Type::Bool, "idxs", mask.shape, mask.init);
  return selection;
}

static Selection selectIndices(Call &call, const ArrayValue &indices, int64_t size) {
  Selection selection;
  std::vector<bool> seen(size);
  for (double index : indices.init.values) {
    bool isWhole = index == std::floor(index);
    if (!isWhole || index < -double(size) || index >= double(size)) {
      call.failAt("idxs", "`idxs` of `indexed` must be whole numbers from " + Twine(-size) + " to " + Twine(size - 1) +
                              " for an event with " + Twine(size) + " rows, found " + formatNumber(index));
      return selection;
    }
    int64_t row = static_cast<int64_t>(index) + (index < 0 ? size : 0);
    if (seen[row]) {
      call.failAt("idxs", "`idxs` of `indexed` names index " + Twine(row) + " twice");
      return selection;
    }
    seen[row] = true;
    selection.rows.push_back(row);
  }
  selection.shape = indices.shape;
  selection.leaf = indices.shape.empty()
                       ? numberLeaf("idxs", indices.init.values[0], Leaf::Type::Int)
                       : arrayLeaf(Leaf::Kind::Constant, Leaf::Type::Int, "idxs", indices.shape, indices.init);
  return selection;
}

static Value::Data buildIndexed(Call &call) {
  NodePtr bijection = call.bijection("bijection");
  Shape shape = call.shape("shape");
  std::variant<SliceValue, ArrayValue> idxs = call.indices("idxs");
  if (call.failed())
    return {};
  if (shape.empty()) {
    call.failAt("shape", "`indexed` selects along the first axis, and `shape` is []");
    return {};
  }
  const ArrayValue *array = std::get_if<ArrayValue>(&idxs);
  Selection selection = !array          ? selectSlice(std::get<SliceValue>(idxs), shape[0])
                        : array->isMask ? selectMask(call, *array, shape)
                                        : selectIndices(call, *array, shape[0]);
  if (call.failed())
    return {};
  if (selection.rows.empty()) {
    call.failAt("idxs", "`idxs` of `indexed` selects nothing");
    return {};
  }
  Shape subset = selection.shape, rest(shape.begin() + selection.axes, shape.end());
  subset.insert(subset.end(), rest.begin(), rest.end());
  if (subset != bijection->shape) {
    call.failAt("bijection", describe(*bijection) + " has shape " + formatShape(bijection->shape) +
                                 ", but `idxs` selects a part of shape " + formatShape(subset));
    return {};
  }
  auto node = call.makeNode(Node::Category::Bijection, "indexed", shape, bijection->condShape);
  node->fields.push_back(Child{"bijection", bijection});
  if (selection.leaf)
    node->fields.push_back(*selection.leaf);
  addShapes(*node);
  // Element by element of the flattened event.
  std::vector<int64_t> flat;
  int64_t width = numElements(rest);
  for (int64_t row : selection.rows)
    for (int64_t i = 0; i < width; ++i)
      flat.push_back(row * width + i);
  node->attributes["indices"] = flat;
  return call.finish(node);
}

//===----------------------------------------------------------------------===//
// Reshape, Sandwich
//===----------------------------------------------------------------------===//

/// Reads a shape with as many elements as `old`, which it is by default.
static Shape readNewShape(Call &call, StringRef argument, const Shape &old, const NodePtr &bijection) {
  if (!call.has(argument))
    return old;
  Shape shape = call.shape(argument);
  if (!call.failed() && numElements(shape) != numElements(old))
    call.failAt(argument, "`reshape` cannot change the number of elements: `" + argument + "` is " +
                              formatShape(shape) + ", that of " + describe(*bijection) + " is " + formatShape(old));
  return shape;
}

static Value::Data buildReshape(Call &call) {
  NodePtr bijection = call.bijection("bijection");
  if (call.failed())
    return {};
  Shape shape = readNewShape(call, "shape", bijection->shape, bijection);
  std::optional<Shape> condShape;
  if (bijection->condShape)
    condShape = readNewShape(call, "cond_shape", *bijection->condShape, bijection);
  else if (call.has("cond_shape"))
    call.failAt("cond_shape",
                "`reshape` cannot give " + describe(*bijection) + " a `cond_shape`: it takes no condition");
  auto node = call.makeNode(Node::Category::Bijection, "reshape", shape, condShape);
  node->fields.push_back(Child{"bijection", bijection});
  addShapes(*node);
  return call.finish(node);
}

NodePtr makeSandwich(Call &call, const NodePtr &inner, const NodePtr &outer) {
  if (call.failed())
    return nullptr;
  if (inner->shape != outer->shape) {
    call.fail("`inner` and `outer` of `" + call.name() + "` must have equal shapes: " + describe(*inner) +
              " has shape " + formatShape(inner->shape) + ", " + describe(*outer) + " has shape " +
              formatShape(outer->shape));
    return nullptr;
  }
  auto node = call.makeNode(Node::Category::Bijection, "sandwich", inner->shape, mergeCondShapes(call, {outer, inner}));
  addShapes(*node);
  node->fields.push_back(Child{"inner", inner});
  node->fields.push_back(Child{"outer", outer});
  return call.finish(node);
}

//===----------------------------------------------------------------------===//
// Vmap
//===----------------------------------------------------------------------===//

NodePtr makeVmap(Call &call, const NodePtr &bijection, int64_t size, bool isStacked,
                 std::optional<int64_t> conditionAxis) {
  if (call.failed())
    return nullptr;
  Shape shape = bijection->shape;
  shape.insert(shape.begin(), size);
  if (!checkEventSize(call, shape))
    return nullptr;
  std::optional<Shape> condShape = bijection->condShape;
  if (condShape && conditionAxis)
    condShape->insert(condShape->begin() + *conditionAxis, size);
  auto node = call.makeNode(Node::Category::Bijection, "vmap", shape, condShape);
  node->fields.push_back(Child{"bijection", bijection});
  // FlowJAX's `in_axes`: a function or None for the parameters, which is no leaf,
  // the event's axis, the condition's.
  node->fields.push_back(numberLeaf("in_axes[1]", 0, Leaf::Type::Int));
  if (conditionAxis)
    node->fields.push_back(numberLeaf("in_axes[2]", *conditionAxis, Leaf::Type::Int));
  node->fields.push_back(numberLeaf("axis_size", size, Leaf::Type::Int));
  addShapes(*node);
  node->stack = isStacked ? size : 0;
  node->attributes["axis_size"] = size;
  if (bijection->condShape && conditionAxis)
    node->attributes["in_axes_condition"] = *conditionAxis;
  return call.finish(node);
}

/// Whether the parameters are stacked: `in_axes` is 0 or, for one set of them, none.
static bool readInAxes(Call &call) {
  if (!call.has("in_axes"))
    return false;
  constexpr int64_t any = int64_t(1) << 31;
  if (int64_t axis = call.integer("in_axes", -any, any); axis != 0 && !call.failed())
    call.failAt("in_axes", "`in_axes` of `vmap` must be 0, a set of parameters for each copy, or `none`, one set for "
                           "all; found " +
                               Twine(axis));
  return true;
}

/// As in FlowJAX any axis will do where there are no conditions.
static std::optional<int64_t> readConditionAxis(Call &call, const Node &bijection) {
  if (call.failed() || !call.has("in_axes_condition"))
    return std::nullopt;
  constexpr int64_t any = int64_t(1) << 31;
  int64_t axis = call.integer("in_axes_condition", -any, any);
  int64_t most = bijection.condShape ? bijection.condShape->size() : 0;
  if (!call.failed() && bijection.condShape && (axis < 0 || axis > most))
    call.failAt("in_axes_condition", "`in_axes_condition` of `vmap` must be from 0 to " + Twine(most) +
                                         " for conditions of shape " + formatShape(*bijection.condShape) + ", found " +
                                         Twine(axis));
  return axis;
}

static Value::Data buildVmap(Call &call) {
  bool isList = call.isList("bijection");
  NodeList bijections = isList ? call.bijections("bijection") : NodeList{call.bijection("bijection")};
  bool isStacked = readInAxes(call) || isList;
  if (call.failed())
    return {};
  int64_t count = bijections.size();
  if (isList && call.has("axis_size") && call.integer("axis_size") != count)
    call.failAt("axis_size",
                "`axis_size` of `vmap` does not fit to the list, which has " + Twine(count) + " bijections");
  if (!isList && !call.has("axis_size"))
    call.fail("`vmap` of one bijection needs the number of its copies: `vmap(affine(), axis_size = 3)`");
  if (call.failed())
    return {};
  NodePtr bijection = isList ? stackNodes(call, "bijection", bijections) : bijections[0];
  int64_t size = isList ? count : call.integer("axis_size");
  if (call.failed())
    return {};
  bool hasArrays = llvm::any_of(flattenLeaves(*bijection, /*withValues=*/false),
                                [](const PlacedLeaf &leaf) { return leaf.leaf->isArray; });
  if (isStacked && !hasArrays) {
    call.failAt(isList ? "bijection" : "in_axes",
                describe(*bijection) + " has no parameters to stack: write `vmap(..., axis_size = " + Twine(size) +
                    ")`");
    return {};
  }
  return makeVmap(call, bijection, size, isStacked, readConditionAxis(call, *bijection));
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

llvm::ArrayRef<Constructor> partConstructors() {
  static const std::vector<Constructor> table = {
      {"concatenate",
       {{"bijections"}, {"axis", number(0)}},
       buildConcatenate,
       "One bijection for each part of the event along an axis."},
      {"stack",
       {{"bijections"}, {"axis", number(0)}},
       buildStack,
       "One bijection for each part of the event along a new axis."},
      {"indexed",
       {{"bijection"}, {"idxs"}, {"shape"}},
       buildIndexed,
       "`bijection` on the part `x[idxs]` of an event of shape `shape`; the rest stays."},
      {"reshape",
       {{"bijection"}, {"shape", std::monostate()}, {"cond_shape", std::monostate()}},
       buildReshape,
       "The same elements under other shapes, in row-major order."},
      {"sandwich",
       {{"inner"}, {"outer"}},
       [](Call &call) -> Value::Data {
         NodePtr inner = call.bijection("inner");
         return makeSandwich(call, inner, call.bijection("outer"));
       },
       "`outer`, then `inner`, then the inverse of `outer`: `inner` in other coordinates."},
      {"vmap",
       {{"bijection"},
        {"in_axes", std::monostate()},
        {"axis_size", std::monostate()},
        {"in_axes_condition", std::monostate()}},
       buildVmap,
       "Copies of `bijection` along a new first axis of the event: `axis_size` of them, with parameters of their own "
       "if `in_axes = 0`; or the bijections of a list."},
  };
  return table;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

/// Some of the coordinates go through a bijection.
static void moveThroughPlaces(RangeTracer &tracer, const RangeStep &step, Ranges ranges,
                              llvm::ArrayRef<int64_t> places) {
  std::vector<Range> part;
  for (int64_t place : places)
    part.push_back(ranges[place]);
  tracer.apply(step, part);
  for (auto [place, range] : llvm::zip_equal(places, part))
    ranges[place] = range;
}

/// Parts of these extents along an axis of the event.
static void moveThroughPieces(RangeTracer &tracer, const RangeStep &step, Ranges ranges,
                              llvm::function_ref<int64_t(const Node &, int64_t)> extentOf) {
  const Node &node = step.node;
  int64_t axis = node.attribute<int64_t>("axis"), width = node.shape[axis];
  int64_t inner = numElements(Shape(node.shape.begin() + axis + 1, node.shape.end()));
  int64_t first = 0;
  for (const NodePtr &part : getChildren(node)) {
    int64_t extent = extentOf(*part, axis);
    std::vector<int64_t> places;
    for (int64_t i = 0, all = ranges.size(); i < all; ++i)
      if (int64_t place = i / inner % width; place >= first && place < first + extent)
        places.push_back(i);
    moveThroughPlaces(tracer, step.at(*part), ranges, places);
    first += extent;
  }
}

static void moveThroughSandwich(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  const Node &outer = step.node.child("outer");
  tracer.apply({outer, /*inverse=*/false, step.isStacked}, ranges);
  tracer.apply(step.at(step.node.child("inner")), ranges);
  tracer.apply({outer, /*inverse=*/true, step.isStacked}, ranges);
}

static void moveThroughVmap(RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
  size_t size = ranges.size() / step.node.attribute<int64_t>("axis_size");
  for (; !ranges.empty(); ranges = ranges.drop_front(size))
    tracer.apply({step.node.child("bijection"), step.inverse, step.isStacked || step.node.stack > 0},
                 ranges.take_front(size));
}

static constexpr NodeKind concatenateKind = {
    .name = "concatenate", .moveRanges = [](RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
      moveThroughPieces(tracer, step, ranges, [](const Node &part, int64_t axis) { return part.shape[axis]; });
    }};
static constexpr NodeKind stackKind = {
    .name = "stack", .moveRanges = [](RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
      moveThroughPieces(tracer, step, ranges, [](const Node &, int64_t) { return int64_t(1); });
    }};
static constexpr NodeKind indexedKind = {.name = "indexed",
                                         .moveRanges = [](RangeTracer &tracer, const RangeStep &step, Ranges ranges) {
                                           moveThroughPlaces(tracer, step.at(step.node.child("bijection")), ranges,
                                                             step.node.attribute<std::vector<int64_t>>("indices"));
                                         }};
static constexpr NodeKind reshapeKind = {.name = "reshape", .moveRanges = moveThroughPart};
static constexpr NodeKind sandwichKind = {.name = "sandwich",
                                          .moveRanges = moveThroughSandwich,
                                          .falls = [](const Node &node) { return isFalling(node.child("inner")); }};
static constexpr NodeKind vmapKind = {.name = "vmap", .moveRanges = moveThroughVmap};

llvm::ArrayRef<const NodeKind *> partKinds() {
  static constexpr const NodeKind *kinds[] = {&concatenateKind, &stackKind,    &indexedKind,
                                              &reshapeKind,     &sandwichKind, &vmapKind};
  return kinds;
}

} // namespace flowc
