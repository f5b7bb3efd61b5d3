//===- Checkpoint.cpp - Stopping and resuming training --------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainerImpl.h"

#include "flowc/IO/Safetensors.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace flowc;

static constexpr const char *formatName = "flowc checkpoint";

/// FNV-1a over 64-bit words: tells whether the data is the same.
static uint64_t fingerprint(const void *data, size_t bytes, uint64_t hash) {
  const auto *from = static_cast<const char *>(data);
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word = 0;
    std::copy_n(from + i, std::min<size_t>(8, bytes - i), reinterpret_cast<char *>(&word));
    hash = (hash ^ word) * 0x100000001b3ULL;
    hash ^= hash >> 32;
  }
  return hash;
}

static std::string exact(double value) {
  char text[40];
  auto result = std::to_chars(text, text + sizeof(text), value);
  return {text, result.ptr};
}

template <typename T>
std::map<std::string, std::string> TrainerImpl<T>::identity() const {
  uint64_t hash = fingerprint(data.x, data.rows * dim * sizeof(T), 0xcbf29ce484222325ULL);
  if (data.condition)
    hash = fingerprint(data.condition, data.rows * condDim * sizeof(T), hash);
  return {{"format", formatName},
          {"format_version", "1"},
          {"flow", model.flow().text()},
          {"item", model.flow().name()},
          {"rows", std::to_string(data.rows)},
          {"data", std::to_string(hash)},
          {"seed", std::to_string(options.seed)},
          {"batch_size", std::to_string(options.batchSize)},
          {"val_prop", exact(options.valProp)},
          {"learning_rate", exact(options.learningRate)}};
}

template <typename T>
Expected<void> TrainerImpl<T>::saveCheckpoint(const std::string &path) const {
  std::map<std::string, std::string> metadata = identity();
  metadata["epoch"] = std::to_string(current.epoch);
  metadata["batch"] = std::to_string(current.batch);
  metadata["step"] = std::to_string(current.step);
  metadata["best_epoch"] = std::to_string(current.bestEpoch);
  ElementType type = elementTypeOf(model.dtype());
  Shape flat = {impl.numTrainable}, epochs = {current.epoch};
  // Frozen parameters and permutations follow from the flow and its seed, but a
  // model that was trained before may have others.
  std::vector<TensorToWrite> tensors = {{"parameters", type, flat, impl.trainableData<T>()},
                                        {"adam.m", type, flat, m.data()},
                                        {"adam.v", type, flat, v.data()},
                                        {"best", type, flat, best.data()},
                                        {"loss_sum", ElementType::F64, {1}, &current.lossSum},
                                        {"train_losses", ElementType::F64, epochs, current.trainLosses.data()},
                                        {"val_losses", ElementType::F64, epochs, current.valLosses.data()}};
  std::vector<const void *> leaves = impl.leafPointers();
  for (size_t i = 0; i < leaves.size(); ++i)
    if (!impl.infos[i].trainable)
      tensors.push_back({"model" + impl.infos[i].path, impl.infos[i].integer ? ElementType::I32 : type,
                         impl.infos[i].shape, leaves[i]});
  return writeSafetensors(path, tensors, metadata);
}

namespace {

/// Reads numbers of a checkpoint and keeps the first error.
class CheckpointReader {
public:
  explicit CheckpointReader(const SafetensorsReader &file) : file(file) {}

  template <typename T>
  void read(const std::string &name, const Shape &shape, T *to) {
    if (!problem.empty())
      return;
    const ArrayLayout *layout = file.find(name);
    if (!layout || layout->shape != shape) {
      problem = "its tensor '" + name + "' " + (layout ? "has shape " + formatShape(layout->shape) : "is missing") +
                ", expected shape " + formatShape(shape);
      return;
    }
    auto values = readArray(file.file(), *layout);
    if (!values)
      problem = values.error().message;
    else
      std::transform(values->begin(), values->end(), to, [](double value) { return static_cast<T>(value); });
  }

  int64_t readCount(const std::string &key, int64_t most) {
    auto it = file.metadata().find(key);
    int64_t value = -1;
    if (it != file.metadata().end())
      std::from_chars(it->second.data(), it->second.data() + it->second.size(), value);
    if ((value < 0 || value > most) && problem.empty())
      problem = "its entry '" + key + "' is no number from 0 to " + std::to_string(most);
    return value;
  }

  const std::string &error() const { return problem; }

private:
  const SafetensorsReader &file;
  std::string problem;
};

} // namespace

template <typename T>
Expected<void> TrainerImpl<T>::loadCheckpoint(const std::string &path) {
  auto file = SafetensorsReader::open(path);
  if (!file)
    return file.takeError();
  auto found = [&](const std::string &key) {
    auto it = file->metadata().find(key);
    return it == file->metadata().end() ? std::string("nothing") : it->second;
  };
  if (found("format") != formatName)
    return Error{"'" + path + "' is no checkpoint of flowc"};
  for (const auto &[key, value] : identity())
    if (found(key) != value) {
      bool isText = key == "flow" || key == "data";
      return Error{"cannot resume from '" + path + "': it was written with another '" + key + "'" +
                   (isText ? "" : " (" + found(key) + ", now " + value + ")")};
    }

  TrainingState state;
  CheckpointReader reader(*file);
  constexpr int64_t many = int64_t(1) << 40;
  state.epoch = reader.readCount("epoch", many);
  state.batch = reader.readCount("batch", plan.trainBatches);
  state.step = reader.readCount("step", many);
  state.bestEpoch = reader.readCount("best_epoch", state.epoch);
  Shape flat = {impl.numTrainable}, epochs = {std::max<int64_t>(state.epoch, 0)};
  std::vector<T> parameters(impl.numTrainable);
  // Read into the state only when the file's own shape is known to be the same.
  if (reader.error().empty()) {
    const ArrayLayout *losses = file->find("train_losses");
    if (losses && losses->shape == epochs) {
      state.trainLosses.resize(state.epoch);
      state.valLosses.resize(state.epoch);
    }
  }
  reader.read("train_losses", epochs, state.trainLosses.data());
  reader.read("val_losses", epochs, state.valLosses.data());
  reader.read("loss_sum", {1}, &state.lossSum);
  reader.read("parameters", flat, parameters.data());
  reader.read("adam.m", flat, m.data());
  reader.read("adam.v", flat, v.data());
  reader.read("best", flat, best.data());
  for (size_t i = 0; i < impl.infos.size() && reader.error().empty(); ++i) {
    const ParameterInfo &info = impl.infos[i];
    if (info.trainable)
      continue;
    std::vector<double> values(numElements(info.shape));
    reader.read("model" + info.path, info.shape, values.data());
    if (reader.error().empty() && values != model.values(i))
      return Error{"cannot resume from '" + path + "': its '" + info.path + "' is another one than the model's"};
  }
  if (!reader.error().empty())
    return Error{"'" + path + "' is no valid checkpoint: " + reader.error()};
  std::copy(parameters.begin(), parameters.end(), impl.trainableData<T>());
  impl.bumpVersion();
  current = std::move(state);
  current.finished = isExhausted();
  return {};
}

template Expected<void> TrainerImpl<float>::saveCheckpoint(const std::string &) const;
template Expected<void> TrainerImpl<double>::saveCheckpoint(const std::string &) const;
template Expected<void> TrainerImpl<float>::loadCheckpoint(const std::string &);
template Expected<void> TrainerImpl<double>::loadCheckpoint(const std::string &);
