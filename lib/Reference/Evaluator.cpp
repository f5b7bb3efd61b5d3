//===- Evaluator.cpp - Leaves, networks and combinators -------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Evaluator.h"

#include <algorithm>
#include <cassert>

namespace flowc::reference {

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

/// The values at `path`; a frozen leaf has `.tree` behind its name.
template <typename T>
static const std::vector<T> *find(const ParameterMap<T> &parameters, const std::string &path) {
  for (const std::string &name : {path, path + ".tree"})
    if (auto it = parameters.find(name); it != parameters.end())
      return &it->second;
  return nullptr;
}

template <typename T>
bool Evaluator<T>::hasLeaf(const Place &place, const std::string &path) const {
  return find(parameters, place.path + "." + path) != nullptr;
}

template <typename T>
Column<T> Evaluator<T>::leaf(const Place &place, const std::string &path) const {
  const std::vector<T> *values = find(parameters, place.path + "." + path);
  assert(values && "no such leaf");
  int64_t layers = numElements(place.extents), layer = 0;
  for (size_t i = 0; i < place.indices.size(); ++i)
    layer = layer * place.extents[i] + place.indices[i];
  int64_t size = static_cast<int64_t>(values->size()) / layers;
  return Eigen::Map<const Column<T>>(values->data() + layer * size, size);
}

template <typename T>
Column<T> Evaluator<T>::positiveLeaf(const Place &place, const std::string &path, double minimum) const {
  Column<T> values = leaf(place, path);
  for (T &value : values)
    value = reference::softplus(value) + T(minimum);
  return values;
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

/// FlowJAX's `rank_based_mask`.
static bool isConnected(int64_t inRank, int64_t outRank, bool isLastLayer) {
  return isLastLayer ? outRank > inRank : outRank >= inRank;
}

template <typename T>
Column<T> Evaluator<T>::network(const Place &place, const Column<T> &input, const Ranks *ranks) const {
  const Node &node = place.node;
  bool isLinear = !node.attributes.count("depth");
  int64_t depth = isLinear ? 0 : node.attribute<int64_t>("depth");
  Column<T> values = input;
  for (int64_t layer = 0; layer <= depth; ++layer) {
    std::string path = isLinear ? "" : "layers[" + std::to_string(layer) + "].";
    Column<T> flat = leaf(place, path + (ranks ? "weight.args[1]" : "weight"));
    Rows<T> weight = Eigen::Map<Rows<T>>(flat.data(), flat.size() / values.size(), values.size());
    Column<T> sums = Column<T>::Zero(weight.rows());
    for (int64_t row = 0; row < weight.rows(); ++row)
      for (int64_t column = 0; column < weight.cols(); ++column) {
        const Shape *in = !ranks ? nullptr : layer == 0 ? &ranks->in : &ranks->hidden;
        const Shape *out = !ranks ? nullptr : layer == depth ? &ranks->out : &ranks->hidden;
        // A weight that is not there hides what it would meet, even an infinity.
        if (!ranks || isConnected((*in)[column], (*out)[row], layer == depth))
          sums[row] += weight(row, column) * values[column];
      }
    values = sums;
    if (hasLeaf(place, path + "bias"))
      values += leaf(place, path + "bias");
    if (layer < depth)
      for (T &value : values)
        value = activate(node.attribute<std::string>("activation"), value);
  }
  note(place, input, values, "output");
  return values;
}

//===----------------------------------------------------------------------===//
// Combinators
//===----------------------------------------------------------------------===//

template <typename T>
Mapped<T> Evaluator<T>::chain(const Place &place, bool inverse, const Column<T> &event,
                              const Column<T> &condition) const {
  std::vector<std::string> parts;
  for (const auto &field : place.node.fields)
    if (const Child *child = std::get_if<Child>(&field))
      parts.push_back(child->path);
  if (inverse)
    std::reverse(parts.begin(), parts.end());
  Mapped<T> result{event};
  for (const std::string &part : parts) {
    Mapped<T> step = apply(place.child(part), inverse, result.value, condition);
    result = {step.value, result.logDet + step.logDet};
  }
  return result;
}

template <typename T>
Mapped<T> Evaluator<T>::scan(const Place &place, bool inverse, const Column<T> &event,
                             const Column<T> &condition) const {
  int64_t layers = place.node.stack;
  Mapped<T> result{event};
  for (int64_t i = 0; i < layers; ++i) {
    Place layer = place.child("bijection");
    layer.indices.push_back(inverse ? layers - 1 - i : i);
    layer.extents.push_back(layers);
    Mapped<T> step = apply(layer, inverse, result.value, condition);
    result = {step.value, result.logDet + step.logDet};
  }
  return result;
}

template <typename T>
Mapped<T> Evaluator<T>::invert(const Place &place, bool inverse, const Column<T> &event,
                               const Column<T> &condition) const {
  return apply(place.child("bijection"), !inverse, event, condition);
}

template <typename T>
Mapped<T> Evaluator<T>::embedCondition(const Place &place, bool inverse, const Column<T> &event,
                                       const Column<T> &condition) const {
  Place net = place.child("embedding_net");
  bool isNetwork = net.node.category == Node::Category::Network;
  Column<T> embedded =
      isNetwork ? network(net, condition) : apply(net, /*inverse=*/false, condition, Column<T>()).value;
  return apply(place.child("bijection"), inverse, event, embedded);
}

//===----------------------------------------------------------------------===//
// Conditioners
//===----------------------------------------------------------------------===//

template <typename T>
Mapped<T> Evaluator<T>::transformer(const Node &node, const Column<T> &offsets, bool inverse, T value) const {
  ParameterMap<T> map;
  int64_t used = 0;
  for (const PlacedLeaf &leaf : flattenLeaves(node)) {
    if (leaf.leaf->kind == Leaf::Kind::Constant)
      continue;
    std::vector<T> values(leaf.values.begin(), leaf.values.end());
    if (leaf.leaf->kind == Leaf::Kind::Trainable)
      for (T &entry : values)
        entry += offsets[used++];
    map[leaf.path] = std::move(values);
  }
  assert(used == offsets.size() && "the network's output does not fit the transformer");
  return Evaluator(map).apply({node, "", {}, {}}, inverse, Column<T>::Constant(1, value), Column<T>());
}

/// `a` followed by `b`.
template <typename T>
static Column<T> concatenate(const Column<T> &a, const Column<T> &b) {
  Column<T> result(a.size() + b.size());
  result << a, b;
  return result;
}

template <typename T>
Mapped<T> Evaluator<T>::coupling(const Place &place, bool inverse, const Column<T> &event,
                                 const Column<T> &condition) const {
  int64_t head = place.node.attribute<int64_t>("untransformed_dim"), tail = event.size() - head;
  Column<T> own = place.node.condShape ? condition : Column<T>();
  Column<T> offsets = network(place.child("conditioner"), concatenate<T>(event.head(head), own));
  int64_t count = offsets.size() / tail;
  Mapped<T> result{event};
  for (int64_t i = 0; i < tail; ++i) {
    Mapped<T> mapped =
        transformer(place.node.child("transformer"), offsets.segment(i * count, count), inverse, event[head + i]);
    result.value[head + i] = mapped.value[0];
    result.logDet += mapped.logDet;
  }
  return result;
}

template <typename T>
Mapped<T> Evaluator<T>::maskedAutoregressive(const Place &place, bool inverse, const Column<T> &event,
                                             const Column<T> &condition) const {
  const Node &transformerNode = place.node.child("transformer");
  Place net = place.child("masked_autoregressive_mlp");
  Column<T> own = place.node.condShape ? condition : Column<T>();
  int64_t dim = event.size(), count = net.node.attribute<int64_t>("out_size") / dim;

  Ranks ranks;
  for (int64_t d = 0; d < dim; ++d) {
    ranks.in.push_back(d);
    ranks.out.insert(ranks.out.end(), count, d);
  }
  ranks.in.insert(ranks.in.end(), own.size(), -1);
  for (int64_t unit = 0; unit < net.node.attribute<int64_t>("width"); ++unit) {
    if (own.size() > 0)
      ranks.hidden.push_back(unit % dim - 1);
    else
      ranks.hidden.push_back(dim == 1 ? 0 : unit % (dim - 1));
  }

  auto apply = [&](const Column<T> &input, int64_t d, bool invertIt) {
    Column<T> offsets = network(net, concatenate<T>(input, own), &ranks);
    return transformer(transformerNode, offsets.segment(d * count, count), invertIt, input[d]);
  };
  auto forward = [&](const Column<T> &input) {
    Mapped<T> result{input};
    for (int64_t d = 0; d < dim; ++d) {
      Mapped<T> mapped = apply(input, d, /*invertIt=*/false);
      result.value[d] = mapped.value[0];
      result.logDet += mapped.logDet;
    }
    return result;
  };
  if (!inverse)
    return forward(event);
  // Coordinate d depends on those before it, which are known by then.
  Column<T> x = event;
  for (int64_t d = 0; d < dim; ++d)
    x[d] = apply(x, d, /*invertIt=*/true).value[0];
  return {x, -forward(x).logDet};
}

//===----------------------------------------------------------------------===//
// Table
//===----------------------------------------------------------------------===//

template <typename T>
auto Evaluator<T>::rules() -> const std::map<std::string, Rule> & {
  static const std::map<std::string, Rule> table = {
      {"affine", &Evaluator::affine},
      {"bounded_affine", &Evaluator::boundedAffine},
      {"formula", &Evaluator::formula},
      {"loc", &Evaluator::loc},
      {"scale", &Evaluator::scale},
      {"tanh", &Evaluator::tanh},
      {"softplus", &Evaluator::softplus},
      {"identity", &Evaluator::identity},
      {"flip", &Evaluator::flip},
      {"ordered", &Evaluator::ordered},
      {"permute", &Evaluator::permute},
      {"rational_quadratic_spline", &Evaluator::spline},
      {"planar", &Evaluator::planar},
      {"numerical_inverse", &Evaluator::numericalInverse},
      {"triangular_affine", &Evaluator::triangularAffine},
      {"householder", &Evaluator::householder},
      {"discrete_cosine", &Evaluator::discreteCosine},
      {"additive_condition", &Evaluator::additiveCondition},
      {"block_autoregressive_network", &Evaluator::blockAutoregressiveNetwork},
      {"chain", &Evaluator::chain},
      {"scan", &Evaluator::scan},
      {"invert", &Evaluator::invert},
      {"concatenate", &Evaluator::concatenateParts},
      {"stack", &Evaluator::stackParts},
      {"indexed", &Evaluator::indexed},
      {"reshape", &Evaluator::reshape},
      {"sandwich", &Evaluator::sandwich},
      {"vmap", &Evaluator::vmap},
      {"embed_condition", &Evaluator::embedCondition},
      {"coupling", &Evaluator::coupling},
      {"masked_autoregressive", &Evaluator::maskedAutoregressive},
  };
  return table;
}

template <typename T>
bool Evaluator<T>::knows(const Node &node) {
  switch (node.category) {
  case Node::Category::Distribution:
    return knowsDistribution(node);
  case Node::Category::Bijection:
    return rules().contains(node.kind) || knowsElement(node.kind);
  default:
    return true;
  }
}

//===----------------------------------------------------------------------===//
// Faults
//===----------------------------------------------------------------------===//

template <typename T>
void Evaluator<T>::note(const Place &place, const Column<T> &arguments, const Column<T> &results,
                        const char *what) const {
  auto bad = std::ranges::find_if(results, [](T value) { return !std::isfinite(value); });
  if (!fault || *fault || bad == results.end() || !arguments.allFinite())
    return;
  int64_t entry = bad - results.begin();
  std::string quantity =
      results.size() == 1 ? std::string("the ") + what : std::string(what) + " " + std::to_string(entry);
  *fault = Fault{place.path, place.node.kind, place.indices, quantity, static_cast<double>(*bad)};
}

template <typename T>
Mapped<T> Evaluator<T>::apply(const Place &place, bool inverse, const Column<T> &event,
                              const Column<T> &condition) const {
  auto rule = rules().find(place.node.kind);
  auto before = fault ? *fault : std::nullopt;
  Mapped<T> result =
      (this->*(rule == rules().end() ? &Evaluator::elementwise : rule->second))(place, inverse, event, condition);
  note(place, event, result.value, "coordinate");
  note(place, event, Column<T>::Constant(1, result.logDet), "log-determinant");
  if (fault && std::isfinite(result.logDet) && result.value.allFinite())
    *fault = before;
  return result;
}

template <typename T>
T Evaluator<T>::logDensity(const Place &place, const Column<T> &event, const Column<T> &condition) const {
  auto before = fault ? *fault : std::nullopt;
  T result = density(place, event, condition);
  note(place, event, Column<T>::Constant(1, result), "log-density");
  if (fault && std::isfinite(result))
    *fault = before;
  return result;
}

template class Evaluator<float>;
template class Evaluator<double>;
template class Evaluator<long double>;

} // namespace flowc::reference
