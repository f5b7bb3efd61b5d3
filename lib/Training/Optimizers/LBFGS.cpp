//===- LBFGS.cpp - Limited-memory quasi-Newton steps ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// J. Nocedal, S. Wright, "Numerical optimization", 2nd ed.: algorithm 7.4 for the
// direction, 3.5 and 3.6 for a step that fulfils the strong Wolfe conditions. The
// direction is that of optax.scale_by_lbfgs with its scaled initial inverse
// Hessian; the search starts at the learning rate, as optax.lbfgs does at 1.
//
//===----------------------------------------------------------------------===//

#include "Table.h"

#include "flowc/Training/Archive.h"
#include "flowc/Training/VectorMath.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

enum SettingIndex { Memory, Search };

/// A point of the line along the direction.
struct LinePoint {
  double step, loss, slope;
};

template <typename T>
class LBFGS : public Optimizer<T> {
public:
  LBFGS(const std::vector<double> &settings, int64_t count)
      : count(count), memory(static_cast<int64_t>(settings[Memory])), searches(settings[Search] != 0),
        moves(memory * count), changes(memory * count), previous(count), previousGradient(count), direction(count),
        start(count) {}

  void describe(Archive &archive) override {
    archive.count("optimizer.pairs", pairs);
    archive.flag("optimizer.started", started);
    archive.array("optimizer.moves", moves.data(), memory * count);
    archive.array("optimizer.changes", changes.data(), memory * count);
    archive.array("optimizer.previous", previous.data(), count);
    archive.array("optimizer.previous_gradient", previousGradient.data(), count);
  }

  Expected<void> step(const OptimizerStep<T> &step) override {
    remember(step);
    findDirection(step.gradient);
    std::copy_n(step.parameters, count, start.begin());
    double slope = dotProduct(step.gradient, direction.data(), count);
    if (!searches) {
      addScaled(step.parameters, direction.data(), count, step.rate);
      return {};
    }
    if (slope == 0) // Nowhere is lower, as far as the gradient can tell.
      return {};
    auto chosen = search(step, {0, step.loss, slope});
    if (!chosen)
      return chosen.takeError();
    moveTo(step, *chosen);
    return {};
  }

private:
  T *move(int64_t pair) { return moves.data() + pair % memory * count; }
  T *change(int64_t pair) { return changes.data() + pair % memory * count; }

  /// Keeps the last move and how it changed the gradient.
  void remember(const OptimizerStep<T> &step) {
    if (started) {
      // Aside first: their place in the rings is that of the oldest pair.
      for (int64_t i = 0; i < count; ++i) {
        direction[i] = step.parameters[i] - previous[i];
        start[i] = step.gradient[i] - previousGradient[i];
      }
      // Without positive curvature the matrix would not stay positive definite.
      if (dotProduct(direction.data(), start.data(), count) > 0) {
        std::copy_n(direction.begin(), count, move(pairs));
        std::copy_n(start.begin(), count, change(pairs));
        ++pairs;
      }
    }
    started = true;
    std::copy_n(step.parameters, count, previous.begin());
    std::copy_n(step.gradient, count, previousGradient.begin());
  }

  /// direction <- -H gradient, in two loops over the pairs.
  void findDirection(const T *gradient) {
    std::copy_n(gradient, count, direction.begin());
    int64_t oldest = std::max<int64_t>(0, pairs - memory);
    std::vector<double> alpha(pairs - oldest), inverse(pairs - oldest);
    for (int64_t pair = pairs - 1; pair >= oldest; --pair) {
      inverse[pair - oldest] = 1 / dotProduct(move(pair), change(pair), count);
      alpha[pair - oldest] = inverse[pair - oldest] * dotProduct(move(pair), direction.data(), count);
      addScaled(direction.data(), change(pair), count, -alpha[pair - oldest]);
    }
    double size = 1;
    if (pairs > 0)
      size = dotProduct(move(pairs - 1), change(pairs - 1), count) /
             dotProduct(change(pairs - 1), change(pairs - 1), count);
    else if (double norm = std::sqrt(dotProduct(gradient, gradient, count)); norm > 0)
      size = std::min(1.0, 1 / norm);
    scale(direction.data(), count, size);
    for (int64_t pair = oldest; pair < pairs; ++pair) {
      double beta = inverse[pair - oldest] * dotProduct(change(pair), direction.data(), count);
      addScaled(direction.data(), move(pair), count, alpha[pair - oldest] - beta);
    }
    scale(direction.data(), count, -1);
  }

  void moveTo(const OptimizerStep<T> &step, double length) {
    std::copy_n(start.begin(), count, step.parameters);
    addScaled(step.parameters, direction.data(), count, length);
  }

  Expected<LinePoint> evaluate(const OptimizerStep<T> &step, double length) {
    moveTo(step, length);
    auto loss = step.evaluate();
    if (!loss)
      return loss.takeError();
    return LinePoint{length, *loss, dotProduct(step.gradient, direction.data(), count)};
  }

  /// Whether the loss has sunk enough; what rounding adds to it does not count.
  static bool isLower(const LinePoint &point, const LinePoint &origin) {
    double rounding = std::numeric_limits<T>::epsilon() * std::abs(origin.loss);
    return point.loss <= origin.loss + kDecrease * point.step * origin.slope + rounding;
  }

  /// The length of a step with a lower loss and a flatter slope; 0 if none is found.
  Expected<double> search(const OptimizerStep<T> &step, LinePoint origin) {
    LinePoint low = origin;
    double length = step.rate, high = std::numeric_limits<double>::infinity();
    for (int evaluation = 0; evaluation < kMostEvaluations; ++evaluation) {
      auto point = evaluate(step, length);
      if (!point)
        return point.takeError();
      bool isFinite = std::isfinite(point->loss) && std::isfinite(point->slope);
      if (!isFinite || !isLower(*point, origin) || point->loss > low.loss) {
        high = length;
      } else if (std::abs(point->slope) <= -kFlatness * origin.slope) {
        return length;
      } else {
        // The minimum lies downhill of the lower end.
        if (point->slope * (high - low.step) >= 0)
          high = low.step;
        low = *point;
      }
      length = std::isinf(high) ? kGrowth * length : low.step + (high - low.step) / 2;
    }
    return low.step;
  }

  static constexpr double kDecrease = 1e-4, kFlatness = 0.9, kGrowth = 4;
  static constexpr int kMostEvaluations = 20;

  int64_t count, memory, pairs = 0;
  bool searches, started = false;
  /// Rings of `memory` rows.
  std::vector<T> moves, changes;
  std::vector<T> previous, previousGradient, direction, start;
};

template <typename T>
std::unique_ptr<Optimizer<T>> make(const std::vector<double> &settings, int64_t count) {
  return std::make_unique<LBFGS<T>>(settings, count);
}

} // namespace

const OptimizerInfo flowc::lbfgsInfo = {
    .name = "lbfgs",
    .formula = "p <- p - a H g, H from the last moves and changes of g, a from a search that starts at r",
    .settings = {{"memory", 10, 1, 1000, "how many moves"}, {"search", 1, 0, 1, "0: always a = r"}},
    .rate = 1,
    .needsAllRows = true,
    .makeFloat = make<float>,
    .makeDouble = make<double>};
