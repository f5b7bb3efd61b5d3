//===- BoxIntegral.cpp - Integrals of densities, box by box ---------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BoxIntegral.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

using namespace flowc;
using namespace flowc::verification;

//===----------------------------------------------------------------------===//
// Axis
//===----------------------------------------------------------------------===//

Axis::Axis(std::vector<double> values, int64_t intervals) {
  std::sort(values.begin(), values.end());
  auto quantile = [&](double p) {
    return values[static_cast<size_t>(p * static_cast<double>(values.size() - 1) + 0.5)];
  };
  // Probabilities whose logits are evenly spaced: tails that are heavy fall by a like factor
  // from one to the next.
  const double last = std::log(0.999 / 0.001), count = static_cast<double>(intervals - 2);
  for (int64_t i = 0; i <= intervals - 2; ++i)
    nodes.push_back(quantile(1 / (1 + std::exp(last - 2 * last * static_cast<double>(i) / count))));
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  // Tails, and what is left up to the ends of a support, are about as long as the last
  // intervals before them.
  double usual = std::max(std::abs(nodes.front()), 1.0);
  below = nodes.size() > 1 ? nodes[1] - nodes[0] : usual;
  above = nodes.size() > 1 ? nodes.back() - nodes[nodes.size() - 2] : usual;
}

std::pair<double, double> Axis::at(int64_t interval, double u) const {
  auto i = static_cast<size_t>(interval);
  if (i == 0)
    return {nodes.front() - below * (1 - u) / u, below / (u * u)};
  if (i == nodes.size())
    return {nodes.back() + above * u / (1 - u), above / ((1 - u) * (1 - u))};
  double width = nodes[i] - nodes[i - 1];
  return {nodes[i - 1] + width * u, width};
}

std::pair<int64_t, double> Axis::locate(double x) const {
  auto i = static_cast<size_t>(std::lower_bound(nodes.begin(), nodes.end(), x) - nodes.begin());
  double u = 0;
  if (i == 0)
    u = below / (below + nodes.front() - x);
  else if (i == nodes.size())
    u = (x - nodes.back()) / (above + x - nodes.back());
  else
    u = (x - nodes[i - 1]) / (nodes[i] - nodes[i - 1]);
  return {static_cast<int64_t>(i), u};
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

/// Intervals of an axis and points of its rule, by the number of axes.
static constexpr int64_t kIntervals[] = {0, 64, 24, 12}, kPoints[] = {0, 10, 4, 3};

/// Roots of the Legendre polynomial and their weights, on (0, 1).
static void makeGaussRule(int64_t points, std::vector<double> &places, std::vector<double> &weights) {
  auto n = static_cast<double>(points);
  for (int64_t i = 0; i < points; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5)), slope = 0;
    for (int step = 0; step < 8; ++step) {
      double before = 0, value = 1;
      for (int64_t k = 0; k < points; ++k) {
        auto d = static_cast<double>(k);
        double next = ((2 * d + 1) * x * value - d * before) / (d + 1);
        before = value;
        value = next;
      }
      slope = n * (x * value - before) / (x * x - 1);
      x -= value / slope;
    }
    places.push_back((1 - x) / 2);
    weights.push_back(1 / ((1 - x * x) * slope * slope));
  }
}

BoxIntegral::BoxIntegral(LogDensity density, const Rows<double> &draws, const Column<double> &logDensities)
    : density(std::move(density)), draws(draws), logDensities(logDensities), dim(draws.cols()) {
  makeGaussRule(kPoints[dim], places, weights);
  int64_t count = 1;
  for (int64_t axis = 0; axis < dim; ++axis) {
    axes.emplace_back(std::vector<double>(draws.col(axis).begin(), draws.col(axis).end()), kIntervals[dim]);
    count *= axes.back().intervals();
  }
  boxes.resize(static_cast<size_t>(count));
  for (int64_t cell = 0; cell < count; ++cell) {
    Box &box = boxes[static_cast<size_t>(cell)];
    box.cell = cell;
    for (int64_t axis = dim - 1, rest = cell; axis >= 0; --axis) {
      box.interval[axis] = rest % axes[static_cast<size_t>(axis)].intervals();
      rest /= axes[static_cast<size_t>(axis)].intervals();
    }
  }
  for (int64_t row = 0; row < draws.rows(); ++row)
    boxes[static_cast<size_t>(locate(draws, row))].draws.push_back(static_cast<int32_t>(row));
  for (Box &box : boxes)
    findPeak(box);
}

int64_t BoxIntegral::locate(const Rows<double> &x, int64_t row) const {
  int64_t cell = 0;
  for (int64_t axis = 0; axis < dim; ++axis)
    cell =
        cell * axes[static_cast<size_t>(axis)].intervals() + axes[static_cast<size_t>(axis)].locate(x(row, axis)).first;
  return cell;
}

void BoxIntegral::findPeak(Box &box) const {
  box.peak = 0;
  for (int32_t draw : box.draws) {
    double logPeak = logDensities[draw];
    for (int64_t axis = 0; axis < dim; ++axis) {
      double u = axes[static_cast<size_t>(axis)].locate(draws(draw, axis)).second;
      logPeak += std::log(axes[static_cast<size_t>(axis)].at(box.interval[axis], u).second);
    }
    box.peak = std::max(box.peak, std::exp(logPeak));
  }
}

/// The rule on a box, and by how much values along each axis bend.
void BoxIntegral::sum(Box &box, const double *values, const std::vector<double> &logSlopes) {
  auto n = static_cast<int64_t>(places.size()), count = static_cast<int64_t>(logSlopes.size());
  std::vector<double> density(logSlopes.size());
  double volume = 1;
  for (int64_t axis = 0; axis < dim; ++axis)
    volume *= box.size(axis);
  for (int64_t i = 0; i < count; ++i) {
    numUndefined += std::isnan(values[i]);
    density[i] = std::isnan(values[i]) ? 0 : std::exp(values[i] + logSlopes[i]);
    double weight = volume;
    for (int64_t axis = 0, rest = i; axis < dim; ++axis, rest /= n)
      weight *= weights[rest % n];
    box.integral += weight * density[i];
  }
  for (int64_t axis = 0, stride = 1; axis < dim; ++axis, stride *= n)
    for (int64_t i = 0; i < count; ++i)
      if (int64_t place = i / stride % n; place > 0 && place < n - 1)
        box.roughness[axis] +=
            volume * std::abs(density[i - stride] - 2 * density[i] + density[i + stride]) / static_cast<double>(count);
}

Expected<void> BoxIntegral::evaluate(std::vector<Box> &some) {
  auto n = static_cast<int64_t>(places.size());
  int64_t points = 1;
  for (int64_t axis = 0; axis < dim; ++axis)
    points *= n;
  constexpr int64_t most = int64_t(1) << 18; // points at once
  auto chunk = std::max<int64_t>(1, most / points);
  for (int64_t first = 0; first < static_cast<int64_t>(some.size()); first += chunk) {
    int64_t count = std::min(chunk, static_cast<int64_t>(some.size()) - first);
    Rows<double> x(count * points, dim);
    std::vector<std::vector<double>> logSlopes(static_cast<size_t>(count), std::vector<double>(points));
    for (int64_t b = 0; b < count; ++b) {
      const Box &box = some[static_cast<size_t>(first + b)];
      for (int64_t i = 0; i < points; ++i)
        for (int64_t axis = 0, rest = i; axis < dim; ++axis, rest /= n) {
          double u = box.low[axis] + box.size(axis) * places[rest % n];
          auto [value, slope] = axes[static_cast<size_t>(axis)].at(box.interval[axis], u);
          x(b * points + i, axis) = value;
          logSlopes[b][i] += std::log(slope);
        }
    }
    auto values = density(x);
    if (!values)
      return values.takeError();
    for (int64_t b = 0; b < count; ++b)
      sum(some[static_cast<size_t>(first + b)], values->data() + b * points, logSlopes[b]);
    evaluated += count * points;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Refinement
//===----------------------------------------------------------------------===//

/// The axis along which to halve a box: that on which the density bends most. If nothing was
/// seen of it, that on which its draws are closest together.
int64_t BoxIntegral::chooseAxis(const Box &box) const {
  auto axis = std::max_element(box.roughness.begin(), box.roughness.begin() + dim) - box.roughness.begin();
  if (box.roughness[axis] > 0)
    return axis;
  double shortest = HUGE_VAL;
  for (int64_t other = 0; other < dim; ++other) {
    double least = 1, most = 0;
    for (int32_t draw : box.draws) {
      double u = axes[static_cast<size_t>(other)].locate(draws(draw, other)).second;
      least = std::min(least, u);
      most = std::max(most, u);
    }
    // Of one draw, or none, the longest axis.
    double length = box.draws.size() > 1 ? (most - least) / box.size(other) : -box.size(other);
    if (length < shortest) {
      shortest = length;
      axis = other;
    }
  }
  return axis;
}

std::array<BoxIntegral::Box, 2> BoxIntegral::halve(const Box &box) const {
  int64_t axis = chooseAxis(box);
  double middle = (box.low[axis] + box.high[axis]) / 2;
  std::array<Box, 2> halves;
  for (Box &half : halves) {
    half.cell = box.cell;
    half.interval = box.interval;
    half.low = box.low;
    half.high = box.high;
  }
  halves[0].high[axis] = halves[1].low[axis] = middle;
  for (int32_t draw : box.draws)
    halves[axes[static_cast<size_t>(axis)].locate(draws(draw, axis)).second < middle ? 0 : 1].draws.push_back(draw);
  for (Box &half : halves)
    findPeak(half);
  return halves;
}

/// The share of the draws in a box whose density there the rule has not met.
double BoxIntegral::unseen(const Box &box) const {
  constexpr double most = 20;
  double volume = 1;
  for (int64_t axis = 0; axis < dim; ++axis)
    volume *= box.size(axis);
  return box.peak * volume > most * box.integral
             ? static_cast<double>(box.draws.size()) / static_cast<double>(draws.rows())
             : 0;
}

double BoxIntegral::doubt(const Box &box) const { return std::abs(box.change) + box.hidden + unseen(box); }

/// The boxes with the largest doubts, which make up half of all.
std::vector<size_t> BoxIntegral::choose(const std::vector<double> &doubts, int64_t most) const {
  std::vector<size_t> order(doubts.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return doubts[a] > doubts[b]; });
  double all = std::accumulate(doubts.begin(), doubts.end(), 0.0), sum = 0;
  size_t count = 0;
  while (count < order.size() && static_cast<int64_t>(count) < most && sum < all / 2)
    sum += doubts[order[count++]];
  order.resize(count);
  return order;
}

/// How much of a doubt goes to a half that has neither draws nor density, by the number of axes:
/// less than half of it, or the outside of a support would be searched for ever. On one axis
/// there are no thin horns to be missed.
static constexpr double kInherited[] = {0, 0.25, 0.4, 0.4};

Expected<void> BoxIntegral::refine(double tolerance, int64_t points) {
  if (auto ok = evaluate(boxes); !ok)
    return ok;
  int64_t perBox = evaluated / static_cast<int64_t>(boxes.size());
  // At first each box is halved: only that tells what its rule is worth.
  std::vector<double> doubts(boxes.size(), 1);
  std::vector<size_t> chosen(boxes.size());
  std::iota(chosen.begin(), chosen.end(), size_t(0));
  while (!chosen.empty()) {
    std::vector<Box> halves;
    for (size_t index : chosen)
      for (Box &half : halve(boxes[index]))
        halves.push_back(std::move(half));
    if (auto ok = evaluate(halves); !ok)
      return ok;
    for (size_t i = 0; i < chosen.size(); ++i) {
      Box &first = halves[2 * i], &second = halves[2 * i + 1];
      double change = first.integral + second.integral - boxes[chosen[i]].integral;
      auto bends = [](const Box &box) { return box.roughness[0] + box.roughness[1] + box.roughness[2]; };
      double all = bends(first) + bends(second), share = all > 0 ? bends(first) / all : 0.5;
      first.change = change * share;
      second.change = change * (1 - share);
      // Where draws tell of a density that nothing else has met, there may be some without
      // draws, too.
      for (Box *half : {&first, &second})
        if (half->integral == 0)
          half->hidden = kInherited[dim] * (boxes[chosen[i]].hidden + unseen(boxes[chosen[i]]));
      boxes[chosen[i]] = std::move(first);
      boxes.push_back(std::move(second));
    }
    if (total().error < tolerance + unvisited())
      break;
    doubts.resize(boxes.size());
    constexpr double shortest = 1e-13;
    for (size_t i = 0; i < boxes.size(); ++i) {
      bool isPoint = true;
      for (int64_t axis = 0; axis < dim; ++axis)
        isPoint = isPoint && boxes[i].size(axis) < shortest;
      doubts[i] = isPoint ? 0 : doubt(boxes[i]);
    }
    chosen = choose(doubts, (points - evaluated) / (2 * perBox));
  }
  return {};
}

/// Changes by halving have the same sign where a rule is too coarse everywhere, and add up;
/// kinks and jumps make changes of both signs.
static BoxIntegral::Value finish(double integral, double changes, double squares, double unseen) {
  return {integral, 2 * std::abs(changes) + 2 * std::sqrt(squares) + unseen};
}

/// Where neither a draw nor a point has been, there may be something: no more than three draws
/// are worth, most likely. One axis is looked at closely.
double BoxIntegral::unvisited() const { return dim > 1 ? 3 / static_cast<double>(draws.rows()) : 0; }

BoxIntegral::Value BoxIntegral::total() const {
  double integral = 0, changes = 0, squares = 0, hidden = 0;
  for (const Box &box : boxes) {
    integral += box.integral;
    changes += box.change;
    squares += box.change * box.change;
    hidden += box.hidden + unseen(box);
  }
  return finish(integral, changes, squares, hidden + unvisited());
}

std::vector<BoxIntegral::Value> BoxIntegral::cells() const {
  int64_t count = 1;
  for (const Axis &axis : axes)
    count *= axis.intervals();
  std::vector<Value> result(static_cast<size_t>(count));
  for (const Box &box : boxes) {
    Value &cell = result[static_cast<size_t>(box.cell)];
    cell.integral += box.integral;
    cell.error += doubt(box);
  }
  return result;
}
