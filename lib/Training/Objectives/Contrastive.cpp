//===- Contrastive.cpp - The loss of sequential inference -----------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FlowJAX's `ContrastiveLoss` (C. Durkan, I. Murray, G. Papamakarios, "On contrastive
// learning for likelihood-free inference", 2020): with g(x, c) = log q(x | c) - log
// prior(x), of every row i and n_contrastive other rows j, drawn without replacement,
//
//   mean_i log(exp g(x_i, c_i) + sum_j exp g(x_j, c_i)) - g(x_i, c_i).
//
//===----------------------------------------------------------------------===//

#include "RowSlopes.h"
#include "WeighedDraws.h"

#include "flowc/Support/Philox.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

namespace {

class Contrastive : public Objective {
public:
  Contrastive(std::shared_ptr<Kernels> kernels, CompileOptions options, int64_t others)
      : kernels(std::move(kernels)), options(std::move(options)), others(others) {}

  std::string name() const override { return contrastiveInfo.name; }
  Expected<void> prepare() override;
  Expected<double> lossAndGradient(const Model &model, const Batch &batch, void *gradient) override {
    return withType(model.dtype(), [&]<typename T>() { return lossAndGradientAs<T>(model, batch, gradient); });
  }
  Expected<LossSlope> lossAndSlope(const Model &model, const Batch &batch, std::span<const double> direction) override {
    return withType(model.dtype(), [&]<typename T>() { return lossAndSlopeAs<T>(model, batch, direction); });
  }

private:
  /// Every row of a batch with those that it is compared with, and its condition.
  template <typename T>
  struct Pairs {
    std::vector<int64_t> chosen;
    std::vector<T> x, condition;
    /// log prior(x) of the rows of the batch.
    std::vector<T> logPrior;

    Kernels::Call call(Kernel kernel) const {
      Kernels::Call result{
          .kernel = kernel, .inputs = {x.data()}, .rows = static_cast<int64_t>(chosen.size()), .mean = false};
      if (!condition.empty())
        result.inputs.push_back(condition.data());
      return result;
    }
  };

  Expected<void> preparePrior();
  template <typename T>
  Expected<Pairs<T>> gather(const Model &model, const Batch &batch);
  /// The loss, and its derivatives in the log-densities of all pairs.
  template <typename T, typename U>
  double reduce(const Pairs<T> &pairs, const std::vector<U> &logProb, std::vector<T> &derivatives) const;
  template <typename T>
  Expected<double> lossAndGradientAs(const Model &model, const Batch &batch, void *gradient);
  template <typename T>
  Expected<LossSlope> lossAndSlopeAs(const Model &model, const Batch &batch, std::span<const double> direction);
  /// The rows that row `row` is compared with: itself, then others.
  void choose(const Batch &batch, int64_t row, std::span<int64_t> chosen) const;

  std::shared_ptr<Kernels> kernels, prior;
  CompileOptions options;
  int64_t others;
};

Expected<void> Contrastive::preparePrior() {
  if (prior)
    return {};
  CompileOptions plain = options;
  plain.target.reset();
  auto compiled = compile(*options.target, plain);
  if (!compiled)
    return compiled.takeError();
  prior = std::move(*compiled);
  return {};
}

Expected<void> Contrastive::prepare() {
  if (auto ok = preparePrior(); !ok)
    return ok;
  for (Kernel kernel : {Kernel::LogProb, Kernel::LogProbVjpParams})
    if (auto seconds = kernels->prepare(kernel); !seconds)
      return seconds.takeError();
  return {};
}

/// Floyd's algorithm: draws from a growing range; a number that is there already gives
/// way to the range's last one.
void Contrastive::choose(const Batch &batch, int64_t row, std::span<int64_t> chosen) const {
  chosen[0] = row;
  for (int64_t k = 0; k < others; ++k) {
    auto last = static_cast<uint64_t>(batch.rows - 1 - others + k);
    auto word = philox4x32({static_cast<uint32_t>(row), static_cast<uint32_t>(k), static_cast<uint32_t>(batch.first),
                            static_cast<uint32_t>(batch.first >> 32)},
                           {static_cast<uint32_t>(batch.seed), static_cast<uint32_t>(batch.seed >> 32) ^ 0x636f6e74U});
    uint64_t random = static_cast<uint64_t>(word[0]) << 32 | word[1];
    auto position = static_cast<int64_t>(static_cast<unsigned __int128>(random) * (last + 1) >> 64);
    // Positions leave out the row itself.
    auto toRow = [&](int64_t at) { return at < row ? at : at + 1; };
    std::span<int64_t> before = chosen.subspan(1, static_cast<size_t>(k));
    bool isThere = std::ranges::find(before, toRow(position)) != before.end();
    chosen[static_cast<size_t>(1 + k)] = toRow(isThere ? static_cast<int64_t>(last) : position);
  }
}

template <typename T>
Expected<Contrastive::Pairs<T>> Contrastive::gather(const Model &model, const Batch &batch) {
  if (batch.rows <= others)
    return Error{"the objective 'contrastive' compares every row with " + std::to_string(others) +
                 " others, but a step has " + std::to_string(batch.rows) + " rows: expected a larger batch"};
  if (auto ok = preparePrior(); !ok)
    return ok.takeError();
  auto rows = static_cast<size_t>(batch.rows), size = static_cast<size_t>(1 + others);
  auto dim = static_cast<size_t>(model.flow().dim()), condDim = static_cast<size_t>(model.flow().condDim());
  const T *x = static_cast<const T *>(batch.x), *condition = static_cast<const T *>(batch.condition);
  Pairs<T> pairs{std::vector<int64_t>(rows * size), std::vector<T>(rows * size * dim),
                 std::vector<T>(rows * size * condDim), std::vector<T>(rows)};
  for (size_t i = 0; i < rows; ++i) {
    std::span<int64_t> own(pairs.chosen.data() + i * size, size);
    choose(batch, static_cast<int64_t>(i), own);
    for (size_t k = 0; k < size; ++k) {
      std::copy_n(x + static_cast<size_t>(own[k]) * dim, dim, pairs.x.data() + (i * size + k) * dim);
      std::copy_n(condition + i * condDim, condDim, pairs.condition.data() + (i * size + k) * condDim);
    }
  }
  Kernels::Call judge{.kernel = Kernel::LogProb, .inputs = {x}, .outputs = {pairs.logPrior.data()}, .rows = batch.rows};
  if (auto ok = prior->run(Model::zeros(*options.target, model.dtype()), judge); !ok)
    return ok.takeError();
  return pairs;
}

template <typename T, typename U>
double Contrastive::reduce(const Pairs<T> &pairs, const std::vector<U> &logProb, std::vector<T> &derivatives) const {
  size_t rows = pairs.logPrior.size(), size = pairs.chosen.size() / rows;
  double loss = 0;
  std::vector<double> ratios(size);
  derivatives.resize(pairs.chosen.size());
  for (size_t i = 0; i < rows; ++i) {
    for (size_t k = 0; k < size; ++k)
      ratios[k] = static_cast<double>(logProb[i * size + k]) -
                  static_cast<double>(pairs.logPrior[static_cast<size_t>(pairs.chosen[i * size + k])]);
    double total = logSumExp(ratios);
    loss += (total - ratios[0]) / static_cast<double>(rows);
    for (size_t k = 0; k < size; ++k)
      derivatives[i * size + k] =
          static_cast<T>((std::exp(ratios[k] - total) - (k == 0 ? 1 : 0)) / static_cast<double>(rows));
  }
  return loss;
}

template <typename T>
Expected<double> Contrastive::lossAndGradientAs(const Model &model, const Batch &batch, void *gradient) {
  auto pairs = gather<T>(model, batch);
  if (!pairs)
    return pairs.takeError();
  std::vector<T> logProb(pairs->chosen.size()), derivatives;
  Kernels::Call score = pairs->call(Kernel::LogProb);
  score.outputs = {logProb.data()};
  if (auto ok = kernels->run(model, score); !ok)
    return ok.takeError();
  double loss = reduce(*pairs, logProb, derivatives), unused = 0;
  Kernels::Call pull = pairs->call(Kernel::LogProbVjpParams);
  pull.inputs.push_back(derivatives.data());
  pull.loss = &unused;
  pull.rawGradient = gradient;
  if (auto ok = kernels->run(model, pull); !ok)
    return ok.takeError();
  return loss;
}

template <typename T>
Expected<LossSlope> Contrastive::lossAndSlopeAs(const Model &model, const Batch &batch,
                                                std::span<const double> direction) {
  auto pairs = gather<T>(model, batch);
  if (!pairs)
    return pairs.takeError();
  auto found = runRowSlopes(*kernels, model, pairs->call(Kernel::LogProbJvpParams), direction);
  if (!found)
    return found.takeError();
  std::vector<T> derivatives;
  LossSlope result{reduce(*pairs, found->values, derivatives), 0};
  for (size_t k = 0; k < derivatives.size(); ++k)
    result.slope += static_cast<double>(derivatives[k]) * found->slopes[k];
  return result;
}

} // namespace

const ObjectiveInfo flowc::contrastiveInfo = {
    .name = "contrastive",
    .formula = "-mean_i log(e(x_i, c_i) / sum_j e(x_j, c_i)), e(x, c) = q(x | c) / prior(x)",
    .rows = RowSource::Given,
    .needsDensity = true,
    .settings = {{"n_contrastive", 10, 1, 1e6, "rows that each row is compared with"}},
    .make = [](std::shared_ptr<Kernels> kernels, const CompileOptions &options,
               std::span<const double> settings) -> std::unique_ptr<Objective> {
      return std::make_unique<Contrastive>(std::move(kernels), options, static_cast<int64_t>(settings[0]));
    }};
