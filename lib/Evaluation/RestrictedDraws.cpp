//===- RestrictedDraws.cpp - Draws of which something is known ------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/RestrictedDraws.h"

#include "Draws.h"
#include "Triangular.h"

#include "flowc/Frontend/Base.h"
#include "flowc/Support/Format.h"
#include "flowc/Support/Quantile.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

class RestrictedDrawsImpl final : public RestrictedDraws {
public:
  RestrictedDrawsImpl(Kernels &kernels, const Model &model, const Restriction &restriction,
                      const RestrictedDrawsOptions &options)
      : kernels(kernels), model(model), restriction(restriction), options(options), dim(kernels.flow().dim()) {
    for (auto [coordinate, value] : restriction.given)
      given.push_back(coordinate);
  }

  /// Finds the numbers of the base that the given values decide.
  Expected<void> fixBase();
  Expected<Rows<double>> next(int64_t count) override;
  int64_t tried() const override { return lastAccepted + 1; }
  int64_t accepted() const override { return numAccepted; }

private:
  Expected<std::vector<double>> toBase(const std::vector<double> &x, const std::vector<double> &conditions);
  /// Draws under the given values, whatever the bounds are.
  Expected<std::vector<double>> draw(uint64_t first, int64_t count);
  Expected<std::vector<double>> sample(uint64_t first, int64_t count, const std::vector<double> &conditions);
  Error noConditional(const Dependences &dependences) const;
  void setGiven(std::vector<double> &rows) const;
  bool isWithin(const double *row) const;
  std::vector<const std::vector<double> *> withCondition(const std::vector<double> &rows,
                                                         const std::vector<double> &conditions) const;

  Kernels &kernels;
  const Model &model;
  const Restriction restriction;
  const RestrictedDrawsOptions options;
  const int64_t dim;
  std::vector<int64_t> given;
  /// Numbers of the base that follow from the given values, and what they are.
  std::vector<int64_t> fixed;
  std::vector<double> fixedValues;
  /// A block of draws, of which those from `place` on have not been looked at.
  std::vector<double> block;
  int64_t place = 0, blockStart = 0;
  int64_t numAccepted = 0, lastAccepted = -1;
};

} // namespace

//===----------------------------------------------------------------------===//
// Given values
//===----------------------------------------------------------------------===//

std::vector<const std::vector<double> *>
RestrictedDrawsImpl::withCondition(const std::vector<double> &rows, const std::vector<double> &conditions) const {
  std::vector<const std::vector<double> *> inputs = {&rows};
  if (kernels.flow().condShape())
    inputs.push_back(&conditions);
  return inputs;
}

Expected<std::vector<double>> RestrictedDrawsImpl::toBase(const std::vector<double> &x,
                                                          const std::vector<double> &conditions) {
  Kernels::Call call{.kernel = Kernel::ToBase, .rows = std::ssize(x) / dim};
  auto z = runOnDoubles(kernels, model, call, withCondition(x, conditions), {dim});
  if (!z)
    return z.takeError();
  return std::move(z->front());
}

Expected<std::vector<double>> RestrictedDrawsImpl::sample(uint64_t first, int64_t count,
                                                          const std::vector<double> &conditions) {
  Kernels::Call call{.kernel = Kernel::Sample, .rows = count, .first = first, .seed = options.seed};
  std::vector<const std::vector<double> *> inputs;
  if (kernels.flow().condShape())
    inputs.push_back(&conditions);
  auto drawn = runOnDoubles(kernels, model, call, inputs, {dim});
  if (!drawn)
    return drawn.takeError();
  return std::move(drawn->front());
}

void RestrictedDrawsImpl::setGiven(std::vector<double> &rows) const {
  for (auto [coordinate, value] : restriction.given)
    for (auto i = static_cast<size_t>(coordinate); i < rows.size(); i += static_cast<size_t>(dim))
      rows[i] = value;
}

static std::string nameOf(const RestrictedDrawsOptions &options, int64_t coordinate) {
  auto i = static_cast<size_t>(coordinate);
  return i < options.names.size() ? options.names[i] : "x" + std::to_string(coordinate);
}

static std::string namesOf(const RestrictedDrawsOptions &options, const std::vector<int64_t> &coordinates) {
  std::vector<std::string> names;
  for (int64_t coordinate : coordinates)
    names.push_back(nameOf(options, coordinate));
  return abbreviateList(names);
}

Error RestrictedDrawsImpl::noConditional(const Dependences &dependences) const {
  std::string columns = namesOf(options, given);
  TriangularOrder order = findTriangularOrder(dependences);
  std::string why = order.order.empty() ? "its layers mix the columns"
                                        : "it has them only given the first columns, one or more, in the order " +
                                              namesOf(options, order.order);
  return Error{"'" + kernels.flow().name() + "' has no exact conditional distribution given " + columns + ": " + why +
               ". Train a model of the other columns under these: 'flowc fit' or 'flowc train' with "
               "--condition-columns"};
}

Expected<void> RestrictedDrawsImpl::fixBase() {
  if (!hasIndependentCoordinates(getInnermostBase(kernels.flow().root())))
    return Error{"'" + kernels.flow().name() +
                 "' has no exact conditional distributions: the coordinates of its base distribution, a mixture, "
                 "depend on each other. Train a model of the other columns: 'flowc fit' with --condition-columns"};
  constexpr int64_t tries = 64;
  std::vector<double> conditions = repeatRow(options.condition, tries);
  auto rows = sample(kFirstEvaluationDraw, tries, conditions);
  if (!rows)
    return rows.takeError();
  auto dependences = Dependences::find(*rows, conditions, dim, std::ssize(options.condition),
                                       [&](const auto &x, const auto &under) { return toBase(x, under); });
  if (!dependences)
    return dependences.takeError();
  fixed = dependences->within(given);
  if (fixed.size() != given.size())
    return noConditional(*dependences);
  std::vector<double> row(rows->begin(), rows->begin() + dim);
  setGiven(row);
  auto z = toBase(row, options.condition);
  if (!z)
    return z.takeError();
  for (int64_t i : fixed) {
    fixedValues.push_back((*z)[static_cast<size_t>(i)]);
    if (!std::isfinite(fixedValues.back()))
      return Error{"'" + kernels.flow().name() + "' has density 0 at the given values of " + namesOf(options, given) +
                   ": they lie outside of its support, or too far out"};
  }
  return {};
}

Expected<std::vector<double>> RestrictedDrawsImpl::draw(uint64_t first, int64_t count) {
  std::vector<double> conditions = repeatRow(options.condition, count);
  auto x = sample(first, count, conditions);
  if (!x || given.empty())
    return x;
  auto z = toBase(*x, conditions);
  if (!z)
    return z.takeError();
  for (size_t i = 0; i < fixed.size(); ++i)
    for (auto place = static_cast<size_t>(fixed[i]); place < z->size(); place += static_cast<size_t>(dim))
      (*z)[place] = fixedValues[i];
  Kernels::Call call{.kernel = Kernel::Push, .rows = count};
  auto pushed = runOnDoubles(kernels, model, call, withCondition(*z, conditions), {dim, 1});
  if (!pushed)
    return pushed.takeError();
  setGiven(pushed->front()); // Which came back but for rounding.
  return std::move(pushed->front());
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

bool RestrictedDrawsImpl::isWithin(const double *row) const {
  if (options.accepts && !options.accepts(row))
    return false;
  return std::ranges::all_of(restriction.within, [&](const auto &bound) {
    auto [coordinate, ends] = bound;
    return ends.first <= row[coordinate] && row[coordinate] <= ends.second;
  });
}

Expected<Rows<double>> RestrictedDrawsImpl::next(int64_t count) {
  const int64_t size = drawsOfChunk(kernels.flow());
  Rows<double> result(count, dim);
  for (int64_t found = 0; found < count;) {
    if (place * dim == std::ssize(block)) {
      blockStart += place;
      place = 0;
      if (blockStart - lastAccepted > options.mostRejections)
        return Error{"none of " + std::to_string(blockStart - lastAccepted - 1) +
                     " draws in a row lies within the bounds: '" + kernels.flow().name() +
                     "' gives them next to no probability"};
      auto drawn = draw(options.first + static_cast<uint64_t>(blockStart), size);
      if (!drawn)
        return drawn.takeError();
      block = std::move(*drawn);
    }
    const double *row = block.data() + place++ * dim;
    if (!isWithin(row))
      continue;
    result.row(found++) = Eigen::Map<const Eigen::RowVectorXd>(row, dim);
    ++numAccepted;
    lastAccepted = blockStart + place - 1;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Making one
//===----------------------------------------------------------------------===//

static Expected<void> checkRestriction(const Flow &flow, const Restriction &restriction,
                                       const RestrictedDrawsOptions &options) {
  auto outside = [&](int64_t coordinate) { return coordinate < 0 || coordinate >= flow.dim(); };
  auto noSuch = [&](int64_t coordinate) {
    return Error{"there is no coordinate " + std::to_string(coordinate) + ": events of '" + flow.name() + "' have " +
                 std::to_string(flow.dim())};
  };
  for (auto [coordinate, value] : restriction.given) {
    if (outside(coordinate))
      return noSuch(coordinate);
    if (!std::isfinite(value))
      return Error{"the given value of " + nameOf(options, coordinate) + " is " + formatNumber(value) +
                   ", expected a finite number"};
  }
  for (auto [coordinate, ends] : restriction.within) {
    if (outside(coordinate))
      return noSuch(coordinate);
    if (!(ends.first <= ends.second))
      return Error{"the bounds " + formatNumber(ends.first) + ".." + formatNumber(ends.second) + " of " +
                   nameOf(options, coordinate) + " hold no number"};
    if (auto at = restriction.given.find(coordinate);
        at != restriction.given.end() && (at->second < ends.first || at->second > ends.second))
      return Error{"the given value " + formatNumber(at->second) + " of " + nameOf(options, coordinate) +
                   " lies outside of its bounds " + formatNumber(ends.first) + ".." + formatNumber(ends.second)};
  }
  if (std::ssize(restriction.given) == flow.dim())
    return Error{"all coordinates of '" + flow.name() + "' are given: nothing is left to draw"};
  return checkCondition(flow, options.condition);
}

Expected<std::unique_ptr<RestrictedDraws>> RestrictedDraws::create(Kernels &kernels, const Model &model,
                                                                   const Restriction &restriction,
                                                                   const RestrictedDrawsOptions &options) {
  if (auto ok = checkRestriction(kernels.flow(), restriction, options); !ok)
    return ok.takeError();
  auto draws = std::make_unique<RestrictedDrawsImpl>(kernels, model, restriction, options);
  if (!restriction.given.empty())
    if (auto ok = draws->fixBase(); !ok)
      return ok.takeError();
  return std::unique_ptr<RestrictedDraws>(std::move(draws));
}

//===----------------------------------------------------------------------===//
// Quantiles
//===----------------------------------------------------------------------===//

std::vector<Quantile> flowc::estimateQuantiles(std::vector<double> values, std::span<const double> probabilities) {
  std::ranges::sort(values);
  std::vector<Quantile> result;
  for (double probability : probabilities) {
    double step = std::sqrt(probability * (1 - probability) / static_cast<double>(values.size()));
    result.push_back({probability, quantile(values, probability),
                      (quantile(values, probability + step) - quantile(values, probability - step)) / 2});
  }
  return result;
}
