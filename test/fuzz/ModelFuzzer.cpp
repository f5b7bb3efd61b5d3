//===- ModelFuzzer.cpp - Files of models ----------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Any file is a model, which comes back from where it is saved, or an error.
//
//===----------------------------------------------------------------------===//

#include "Fuzzing.h"

#include "flowc/flowc.h"

using namespace flowc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto model = Model::load(fuzz::writeInput(fuzz::textOf(data, size), ".safetensors"));
  if (!model) {
    fuzz::checkMessage(model.error().message);
    return 0;
  }
  fuzz::accept();
  std::string copy = fuzz::writeInput("", ".copy.safetensors");
  auto saved = model->save(copy);
  fuzz::check(bool(saved), "a model that was read can be written", saved ? "" : saved.error().message);
  auto again = Model::load(copy);
  fuzz::check(bool(again), "a model that was written can be read", again ? "" : again.error().message);
  fuzz::check(again->trainable() == model->trainable(), "parameters are kept");
  return 0;
}
