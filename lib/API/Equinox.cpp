//===- Equinox.cpp - Models that FlowJAX saved ----------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `equinox.tree_serialise_leaves` writes one `.npy` array for each leaf, back
// to back and without names. So a file can only be read with the flow at hand,
// and the flow can only be trusted if every leaf fits: the constant ones are
// compared by value.
//
//===----------------------------------------------------------------------===//

#include "flowc/API/CheckModel.h"
#include "flowc/API/ModelImpl.h"
#include "flowc/IO/Npy.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

std::string formatNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

/// A leaf of the file beside the leaf of the flow it must be.
class LeafImporter {
public:
  LeafImporter(const InputFile &file, const PlacedLeaf &leaf, size_t number) : file(file), leaf(leaf), number(number) {}

  /// Reads the array at `offset`, checks it and moves `offset` behind it.
  Expected<std::vector<double>> read(int64_t &offset, ElementType &type) {
    auto layout = readNpyHeader(file, offset, "array " + std::to_string(number) + " of '" + file.path() + "'");
    if (!layout)
      return layout.takeError();
    offset = layout->offset + layout->numBytes();
    type = layout->type;
    bool data = leaf.leaf->kind != Leaf::Kind::Constant;
    // Numbers that Python code may write either way are compared by value.
    if (data && isFloat(type) != (leaf.leaf->type == Leaf::Type::Float))
      return fail("is " + std::string(elementTypeName(type)) + " in the file, the flow expects " +
                  (leaf.leaf->type == Leaf::Type::Float ? "floating-point numbers" : "integers"));
    if (layout->shape != leaf.shape)
      return fail("has shape " + formatShape(layout->shape) + " in the file, " + formatShape(leaf.shape) +
                  " in the flow");
    auto values = readArray(file, *layout);
    if (!values)
      return values;
    for (size_t i = 0; data && i < values->size(); ++i)
      if (!std::isfinite((*values)[i]))
        return fail("holds " + formatNumber((*values)[i]) + ", expected finite numbers");
    if (!data)
      if (auto ok = compare(*values, type); !ok)
        return ok.takeError();
    return values;
  }

private:
  Error fail(const std::string &problem) const {
    return {"'" + file.path() + "' is no model of this flow: '" + leaf.path + "' (array " + std::to_string(number) +
            ", of " + leaf.owner->kind + ") " + problem};
  }

  Expected<void> compare(const std::vector<double> &values, ElementType type) const {
    // Constants may have been computed in the element type of the file.
    double tolerance = type == ElementType::F32 ? 1e-6 : type == ElementType::F64 ? 1e-12 : 0.0;
    for (size_t i = 0; i < values.size(); ++i) {
      double got = values[i], want = leaf.values[i];
      bool same = got == want || std::abs(got - want) <= tolerance * std::max(1.0, std::abs(want)) ||
                  (std::isnan(got) && std::isnan(want));
      if (!same)
        return fail("is " + formatNumber(got) + " in the file, " + formatNumber(want) + " in the flow" +
                    (values.size() > 1 ? " (element " + std::to_string(i) + ")" : ""));
    }
    return {};
  }

  const InputFile &file;
  const PlacedLeaf &leaf;
  size_t number;
};

/// Equinox's documentation suggests a first line of JSON with hyperparameters.
Expected<int64_t> skipHyperparameters(const InputFile &file) {
  char block[4096];
  for (int64_t offset = 0; offset < file.size(); offset += sizeof(block)) {
    size_t count = std::min<int64_t>(sizeof(block), file.size() - offset);
    if (auto ok = file.readAt(block, count, offset); !ok)
      return ok.takeError();
    if (offset == 0 && block[0] != '{')
      return 0;
    if (const char *newline = std::find(block, block + count, '\n'); newline != block + count)
      return offset + (newline - block) + 1;
  }
  return 0;
}

} // namespace

Expected<Model> Model::importEquinox(const Flow &flow, const std::string &path) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  const std::vector<PlacedLeaf> &leaves = Flow::Impl::of(flow).leaves;
  auto start = skipHyperparameters(*file);
  if (!start)
    return start.takeError();

  int64_t offset = *start;
  DType dtype = F32;
  std::vector<std::vector<double>> data;
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (offset == file->size())
      return Error{"'" + path + "' is no model of this flow: it ends after " + std::to_string(i) +
                   " arrays, the flow has " + std::to_string(leaves.size()) + " (next: '" + leaves[i].path + "')"};
    ElementType type;
    auto values = LeafImporter(*file, leaves[i], i + 1).read(offset, type);
    if (!values)
      return values.takeError();
    if (leaves[i].leaf->kind == Leaf::Kind::Constant)
      continue;
    if (type == ElementType::F64)
      dtype = F64;
    data.push_back(std::move(*values));
  }
  if (offset != file->size())
    return Error{"'" + path + "' is no model of this flow: it goes on after the " + std::to_string(leaves.size()) +
                 " arrays that the flow has"};

  Model model = zeros(flow, dtype);
  for (size_t i = 0; i < data.size(); ++i)
    if (auto ok = model.setValues(i, data[i]); !ok)
      return Error{"'" + path + "': " + ok.error().message};
  if (auto ok = checkPermutations(model); !ok)
    return Error{"'" + path + "': " + ok.error().message};
  return model;
}
