//===- LanguageFuzzer.cpp - Texts in the language -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any text is a flow or an error that names a place in it. A flow has initial
// parameters, and means the same when its text is read again. Its layout is one that
// formatting again leaves as it is.
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"

#include "flowc/API/ModelImpl.h"
#include "flowc/Frontend/Formatter.h"
#include "flowc/flowc.h"

using namespace flowc;

/// How many numbers a model of the flow would hold.
static int64_t numParameters(const Flow &flow) {
  int64_t count = 0;
  for (const PlacedLeaf &leaf : Flow::Impl::of(flow).leaves)
    count += numElements(leaf.shape);
  return count;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t longest = 4096;
  constexpr int64_t most = 100000;
  if (size > longest)
    return 0;
  std::string text = fuzz::textOf(data, size);
  auto flow = Flow::parse(text);
  if (!flow) {
    fuzz::checkMessage(flow.error().message);
    return 0;
  }
  fuzz::accept();
  auto again = Flow::parse(flow->text(), flow->name());
  fuzz::check(bool(again), "the text of a flow is one", text);
  fuzz::check(again->shape() == flow->shape(), "a text means the same when it is read again", text);
  auto formatted = formatText(text);
  fuzz::check(bool(formatted), "every flow has a layout", formatted ? "" : formatted.error().message);
  auto twice = formatText(*formatted);
  fuzz::check(twice && *twice == *formatted, "a layout stays as it is", *formatted);
  if (flow->isDensity() || numParameters(*flow) > most)
    return 0;
  auto model = Model::initialise(*flow, {.seed = 1, .dtype = F64});
  if (!model)
    fuzz::checkMessage(model.error().message);
  else
    fuzz::check(model->trainable() == Model::initialise(*again, {.seed = 1, .dtype = F64})->trainable(),
                "parameters follow from text and seed", text);
  return 0;
}
