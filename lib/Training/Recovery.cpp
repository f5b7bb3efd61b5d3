//===- Recovery.cpp - Back to where training was well ---------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Diagnosis.h"
#include "Loop.h"

#include <algorithm>
#include <cmath>

using namespace flowc;

std::string Loop::explain(const Batch &batch, const StepResult &result) const {
  if (std::isfinite(result.loss)) {
    std::string text = "the norm of the gradient is " + describeNumber(result.gradientNorm) + " " + place();
    std::string part = findFaultOfGradient(model, *objective, batch, [this](int64_t row) { return rowName(row); });
    return part.empty() ? text : text + ": " + part;
  }
  std::string text = "the loss is " + describeNumber(result.loss) + " " + place();
  std::vector<double> losses(static_cast<size_t>(batch.rows));
  if (!objective->rowLosses(model, batch, losses))
    return text;
  auto bad = std::ranges::find_if(losses, [](double loss) { return !std::isfinite(loss); });
  if (bad == losses.end())
    return text;
  int64_t row = bad - losses.begin();
  std::string part = findPart(batch, row, *bad);
  return text + ": that of " + rowName(row) + " is " + describeNumber(*bad) + (part.empty() ? "" : ", as " + part);
}

std::string Loop::findPart(const Batch &batch, int64_t row, double loss) const {
  int64_t size = model.dtype() == F32 ? sizeof(float) : sizeof(double);
  auto at = [&](const void *rows, int64_t width) {
    return rows ? static_cast<const char *>(rows) + row * width * size : nullptr;
  };
  const void *condition = at(batch.condition, model.flow().condDim());
  if (hasEvents())
    return findFault(model, at(batch.x, model.flow().dim()), condition);
  if (batch.x)
    return "";
  Batch draw{.condition = condition, .rows = 1, .first = batch.first + static_cast<uint64_t>(row), .seed = batch.seed};
  return findFaultOfDraw(model, draw, loss, threads);
}

void Loop::tell(const std::string &what) const {
  if (update.onRecovery)
    update.onRecovery(what);
}

Expected<void> Loop::goBack() {
  if (auto ok = stepper->returnToGood(); !ok)
    return ok;
  current.step = stepper->steps();
  current.batch = 0;
  current.lossSum = 0;
  return {};
}

Expected<void> Loop::recover(const std::string &problem) {
  if (auto ok = goBack(); !ok)
    return ok;
  ++current.recoveries;
  stepper->halveRate();
  tell(problem + "; back to the state after " + std::to_string(current.step) + " steps, with half the learning rate");
  return {};
}

Expected<bool> Loop::shrinkStart(const std::string &problem) {
  std::optional<double> allowed = mostLost();
  if (!allowed || stepper->stepsAtGood() != 0 || current.recoveries > 0 || update.maxRecoveries == 0)
    return false;
  bool isFirstStep = stepper->steps() == 0;
  if (auto ok = goBack(); !ok)
    return ok.takeError();
  auto lossAt = [this](double factor) {
    stepper->scaleGood(factor);
    return startLoss();
  };
  // Parameters of 0 are a moderate flow (networks say nothing): the start need not be
  // much worse. But with 0 networks would never learn.
  constexpr double least = 1.0 / 1024;
  // Later steps may have gone wrong for other reasons.
  constexpr double farOff = 1000;
  auto atZero = lossAt(0), atOne = lossAt(1);
  if (!atZero || !atOne)
    return atZero ? atOne.takeError() : atZero.takeError();
  // Rows far out may make of that a large number, to which all is relative.
  constexpr double share = 0.01;
  *allowed += share * std::abs(*atZero);
  bool isToBlame = std::isfinite(*atZero) && !(*atOne <= *atZero + (isFirstStep ? 1 : farOff) * *allowed);
  double factor = isToBlame ? 0.5 : 0;
  while (factor >= least) {
    auto loss = lossAt(factor);
    if (!loss)
      return loss.takeError();
    if (*loss <= *atZero + *allowed)
      break;
    factor /= 2;
  }
  if (factor < least) {
    stepper->scaleGood(1);
    return false;
  }
  ++current.recoveries;
  stepper->markGood();
  tell(problem + "; training starts with the initial parameters times " + describeNumber(factor));
  return true;
}

std::string Loop::epochProblem(double validated) const {
  auto most = mostRisen();
  if (!most || update.maxRecoveries == 0)
    return "";
  std::string name = hasEvents() ? "epoch " : "round ";
  std::string where = "the validation loss of " + name + std::to_string(current.epoch + 1) + " is ";
  if (!std::isfinite(validated))
    return where + describeNumber(validated);
  if (current.bestEpoch == 0)
    return "";
  double best = current.valLosses[current.bestEpoch - 1];
  if (validated <= best + *most)
    return "";
  return where + describeNumber(validated) + ", that of " + name + std::to_string(current.bestEpoch) + " was " +
         describeNumber(best);
}

Expected<Loop::Closed> Loop::takeBack(const std::string &problem) {
  auto shrunk = shrinkStart(problem);
  if (!shrunk)
    return shrunk.takeError();
  if (*shrunk)
    return Closed::TakenBack;
  if (current.recoveries < update.maxRecoveries) {
    if (auto ok = recover(problem); !ok)
      return ok.takeError();
    return Closed::TakenBack;
  }
  if (current.bestEpoch == 0)
    return Error{problem + ", with all smaller learning rates, too"};
  if (auto ok = endAtGood(problem); !ok)
    return ok.takeError();
  return Closed::Ended;
}

Expected<void> Loop::endAtGood(const std::string &problem) {
  if (auto ok = goBack(); !ok)
    return ok;
  current.finished = true;
  tell(problem + "; training ends with the state after " + std::to_string(current.step) + " steps");
  return {};
}
