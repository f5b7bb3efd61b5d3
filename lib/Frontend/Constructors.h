//===- Constructors.h - How calls become nodes ------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A constructor of the language is declared in one place: an entry of one of
// the tables at the end of this file, which names its arguments and builds its
// node. Functions that build read their arguments from a `Call`. The first
// error sticks: later reads return harmless values, so that builders check
// `failed()` once, before they rely on what they read; what they return then does not count.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_FRONTEND_CONSTRUCTORS_H
#define FLOWC_LIB_FRONTEND_CONSTRUCTORS_H

#include "flowc/Frontend/Node.h"
#include "flowc/Frontend/Source.h"
#include "flowc/Frontend/Vocabulary.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace flowc {

class Evaluator;
class Call;

/// Elements that an array of the text, or an event, may have.
inline constexpr int64_t maxArrayElements = int64_t(1) << 24;

/// Inner knots that a spline may have.
inline constexpr int64_t maxKnots = 1 << 16;

/// Hidden layers that a network may have.
inline constexpr int64_t maxNetworkDepth = 1000;

/// Whether an item cannot have this name.
bool isReservedName(llvm::StringRef name);

/// An array or, with shape `[]`, a number.
struct ArrayValue {
  Shape shape;
  Init init;
  /// Written without a point or an exponent.
  bool integral = true;
  /// Made of `true` (1) and `false` (0).
  bool isMask = false;
};

/// Python's slice: which of a number of rows, none of it for the default.
struct SliceValue {
  std::optional<int64_t> start, stop, step;
};

/// A name that is not the name of an item: a function.
struct Word {
  llvm::StringRef text;
};

using NodeList = std::vector<NodePtr>;

/// What has a mistake in it, which is reported: no call is made with it.
struct Mistaken {};

/// What an argument evaluates to.
struct Value {
  using Data = std::variant<std::monostate, bool, Word, ArrayValue, NodePtr, NodeList, SliceValue, Mistaken>;
  Data data; ///< `std::monostate` is `none`.
  llvm::SMLoc loc;
};

/// A number as an argument's value or default.
Value::Data number(double value, bool integral = true);
/// The shape `[]` as an argument's default.
Value::Data scalarShape();

/// An argument of a constructor; it must be given if it has no default.
struct Parameter {
  llvm::StringRef name;
  std::optional<Value::Data> fallback = std::nullopt;
};

/// A constructor of the language.
struct Constructor {
  llvm::StringRef name;
  std::vector<Parameter> parameters;
  Value::Data (*build)(Call &call) = nullptr;
  /// What it constructs, in a sentence or two of Markdown.
  llvm::StringRef documentation = {};
};

/// One call in the text: its arguments, and the place to report errors at.
class Call {
public:
  Call(Evaluator &evaluator, const Constructor &constructor, llvm::SMLoc loc, std::vector<Value> values)
      : evaluator(evaluator), constructor(constructor), loc(loc), values(std::move(values)) {}

  llvm::StringRef name() const { return constructor.name; }
  bool failed() const { return hasFailed; }
  /// Reports an error at the call, or at an argument as it was written; the first one only.
  void fail(const llvm::Twine &message);
  void failAt(llvm::StringRef argument, const llvm::Twine &message);

  /// Whether the argument is anything but `none`.
  bool has(llvm::StringRef argument) const;

  // Readers of arguments. Each checks the kind of the value.
  int64_t integer(llvm::StringRef argument, int64_t least = 1, int64_t most = maxArrayElements);
  std::optional<int64_t> optionalInteger(llvm::StringRef argument, int64_t least = 1, int64_t most = maxArrayElements);
  double real(llvm::StringRef argument);
  bool boolean(llvm::StringRef argument);
  std::string activation(llvm::StringRef argument);
  /// The name of a function.
  std::string word(llvm::StringRef argument);
  /// Whether the argument is a bare name: that of a function.
  bool isName(llvm::StringRef argument) const;
  /// An array or a number; `expected` says in messages which.
  ArrayValue array(llvm::StringRef argument, llvm::StringRef expected = "a number or an array");
  /// The size of `shuffled(n)`, if the argument is one.
  std::optional<int64_t> shuffledSize(llvm::StringRef argument) const;
  /// A slice, or an array of numbers or of `true` and `false`.
  std::variant<SliceValue, ArrayValue> indices(llvm::StringRef argument);
  /// An array of positive numbers.
  ArrayValue positiveArray(llvm::StringRef argument);
  Shape shape(llvm::StringRef argument);
  /// A shape, or a number that stands for a vector.
  Shape shapeOrSize(llvm::StringRef argument);
  /// Any object; `expected` says in messages which.
  NodePtr node(llvm::StringRef argument, llvm::StringRef expected);
  NodePtr bijection(llvm::StringRef argument);
  NodePtr distribution(llvm::StringRef argument);
  NodeList bijections(llvm::StringRef argument);
  NodeList distributions(llvm::StringRef argument);
  bool isList(llvm::StringRef argument) const;

  /// A new node that knows where it comes from.
  std::shared_ptr<Node> makeNode(Node::Category category, llvm::StringRef kind, Shape shape,
                                 std::optional<Shape> condShape = std::nullopt) const;
  /// To be called once a node is complete: checks that it is of a size that can
  /// be handled.
  NodePtr finish(std::shared_ptr<Node> node);

private:
  const Value &value(llvm::StringRef argument) const;
  void failKind(llvm::StringRef argument, llvm::StringRef expected);
  void failAt(llvm::SMLoc where, const llvm::Twine &message);
  Shape checkShape(llvm::StringRef argument, const ArrayValue &array);
  NodePtr nodeOf(llvm::StringRef argument, Node::Category category);
  NodeList listOf(llvm::StringRef argument, Node::Category category, llvm::StringRef example);

  Evaluator &evaluator;
  const Constructor &constructor;
  llvm::SMLoc loc;
  std::vector<Value> values;
  bool hasFailed = false;
};

// Leaves. Number leaves are Python numbers in FlowJAX, so they get no axis
// under a scan.
Leaf numberLeaf(std::string path, double value, Leaf::Type type);
Leaf arrayLeaf(Leaf::Kind kind, Leaf::Type type, std::string path, Shape shape, Init init);
Leaf trainableLeaf(std::string path, const ArrayValue &value);
/// Adds `path[0]`, `path[1]`, ...
void addShape(Node &node, llvm::StringRef path, const Shape &shape);
/// Adds the leaves of FlowJAX's fields `shape` and `cond_shape`.
void addShapes(Node &node);

/// The shape that arrays of two shapes broadcast to, by NumPy's rules.
std::optional<Shape> broadcastShapes(const Shape &a, const Shape &b);
/// `value` with its entries repeated to `shape`.
ArrayValue broadcast(const ArrayValue &value, const Shape &shape);
/// An argument that is an array.
struct NamedArray {
  llvm::StringRef name;
  ArrayValue value;
};
/// Broadcasts the arrays of a call, at least one, to one shape, which is returned;
/// nothing once the call has failed.
std::optional<Shape> broadcastAll(Call &call, llvm::MutableArrayRef<NamedArray> arrays);
/// log(1 + exp(value)).
double softplus(double value);
/// The number whose softplus is `value`.
double inverseSoftplus(double value);
/// The raw value of a scale, on which FlowJAX applies softplus and adds `minScale`.
ArrayValue rawScale(ArrayValue scale, double minScale);
/// The raw scales of paramax's `WeightNormalization` of a matrix: their softplus is
/// 1 / |row|.
std::vector<double> rawWeightScales(const std::vector<double> &matrix, int64_t rows);

/// "the bijection `affine`", for messages.
std::string describe(const Node &node);

/// The condition's shape of a whole made of parts, which must agree on it.
std::optional<Shape> mergeCondShapes(Call &call, llvm::ArrayRef<NodePtr> parts);

/// A bijection of vectors in `node` or inside of it, which reshaping can hide; null
/// if there is none.
const Node *findVectorBijection(const Node &node);

// Builders that several constructors use; null once the call has failed.
NodePtr makeShaped(Call &call, Node::Category category, llvm::StringRef kind, const Shape &shape);
NodePtr makeAffine(Call &call, const ArrayValue &loc, const ArrayValue &scale, double minScale);
/// An elementwise bijection without trained numbers.
NodePtr makeElementwise(Call &call, llvm::StringRef kind, llvm::ArrayRef<double> numbers, const Shape &shape);
/// FlowJAX's `RationalQuadraticSpline` that starts as the identity.
NodePtr makeSpline(Call &call, int64_t knots, const std::vector<double> &interval, double minDerivative,
                   double minWidth);
NodePtr makeTriangularAffine(Call &call, const ArrayValue &loc, ArrayValue matrix, bool lower);
/// The same `triangular_affine` with its rows normalised.
NodePtr makeWeightNormalized(Call &call, const NodePtr &node);
NodePtr makeAdditiveCondition(Call &call, const NodePtr &module, const Shape &shape, const Shape &condShape);
NodePtr makeShuffledPermute(Call &call, int64_t size);
NodePtr makeChain(Call &call, const NodeList &bijections);
NodePtr makeScan(Call &call, const NodePtr &bijection, int64_t layers);
NodePtr makeInvert(Call &call, const NodePtr &bijection);
NodePtr makeSandwich(Call &call, const NodePtr &inner, const NodePtr &outer);
/// FlowJAX's `Vmap` of `size` copies; if they are stacked, each with parameters of
/// its own.
NodePtr makeVmap(Call &call, const NodePtr &bijection, int64_t size, bool isStacked,
                 std::optional<int64_t> conditionAxis = std::nullopt);
/// FlowJAX's `NumericalInverse` of `bijection`, with the arguments `inverter` and
/// `use_implicit_differentation` of the call.
NodePtr makeNumericalInverse(Call &call, const NodePtr &bijection);
/// A planar bijection with the arguments of the call other than `dim`.
NodePtr makePlanar(Call &call, int64_t dim);
NodePtr makeTransformed(Call &call, const NodePtr &base, const NodePtr &bijection);

/// Equinox's MLP: `depth` hidden layers of `width` units.
struct NetworkOptions {
  int64_t inSize = 0, outSize = 0, width = 0, depth = 0;
  std::string activation;
  /// Ranks of inputs, hidden units and outputs of a masked network.
  struct Ranks {
    std::vector<int64_t> in, hidden, out;
  };
  std::optional<Ranks> ranks;
};
NodePtr makeNetwork(Call &call, const NetworkOptions &options);
/// Equinox's Linear.
NodePtr makeLinear(Call &call, int64_t in, int64_t out, bool useBias);
/// Equinox's initial weights and biases of a layer.
Init uniformInit(int64_t inSize);

/// FlowJAX's `BlockAutoregressiveNetwork`, with the argument `activation` of the call.
struct BlockNetworkOptions {
  int64_t dim = 0, depth = 0, blockDim = 0;
  std::optional<int64_t> condDim;
};
NodePtr makeBlockAutoregressiveNetwork(Call &call, const BlockNetworkOptions &options);

/// What `coupling` and `masked_autoregressive` have in common.
struct ConditionerOptions {
  NodePtr transformer;
  int64_t dim = 0;
  std::optional<int64_t> condDim;
  int64_t width = 0, depth = 0;
  std::string activation;
};
NodePtr makeCoupling(Call &call, const ConditionerOptions &options, int64_t untransformedDim);
NodePtr makeMaskedAutoregressive(Call &call, const ConditionerOptions &options);

/// The objects that `argument` lists as one node whose arrays hold all of them, for
/// a scan or a vmap.
NodePtr stackNodes(Call &call, llvm::StringRef argument, const NodeList &nodes);

/// The same object with its float arrays inside FlowJAX's `NonTrainable`.
NodePtr freeze(Call &call, const NodePtr &node);

// The tables.
llvm::ArrayRef<Constructor> arrayFunctions();
llvm::ArrayRef<Constructor> bijectionConstructors();
llvm::ArrayRef<Constructor> elementwiseConstructors();
llvm::ArrayRef<Constructor> linearConstructors();
llvm::ArrayRef<Constructor> combinatorConstructors();
llvm::ArrayRef<Constructor> partConstructors();
llvm::ArrayRef<Constructor> inverseConstructors();
llvm::ArrayRef<Constructor> networkConstructors();
llvm::ArrayRef<Constructor> blockConstructors();
llvm::ArrayRef<Constructor> conditionerConstructors();
llvm::ArrayRef<Constructor> distributionConstructors();
llvm::ArrayRef<Constructor> flowConstructors();
llvm::ArrayRef<Constructor> supportConstructors();

/// The constructor with this name, or null.
const Constructor *findConstructor(llvm::StringRef name);

} // namespace flowc

#endif // FLOWC_LIB_FRONTEND_CONSTRUCTORS_H
