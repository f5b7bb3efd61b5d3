//===- Safetensors.cpp - The safetensors file format ----------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/IO/Safetensors.h"

#include "JsonNames.h"

#include "flowc/Support/Format.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <tuple>

using namespace flowc;
using nlohmann::json;

namespace {

constexpr std::pair<const char *, ElementType> typeNames[] = {
    {"F32", ElementType::F32}, {"F64", ElementType::F64}, {"I8", ElementType::I8},    {"I16", ElementType::I16},
    {"I32", ElementType::I32}, {"I64", ElementType::I64}, {"U8", ElementType::U8},    {"U16", ElementType::U16},
    {"U32", ElementType::U32}, {"U64", ElementType::U64}, {"BOOL", ElementType::Bool}};

/// Characters of what is wrong that a message shows: files of strangers have long names.
constexpr size_t kLongestProblem = 400;

/// The reference implementation's limit on the header.
constexpr uint64_t maxHeader = 100'000'000;

/// The entry of the metadata that holds the checksum of all the others and of the tensors.
constexpr const char *checksumKey = "checksum";

/// FNV-1a in 64 bits (docs/ABI.md): it finds damage, not malice.
class Checksum {
public:
  void add(const void *data, size_t count) {
    for (const auto *byte = static_cast<const unsigned char *>(data), *end = byte + count; byte != end; ++byte)
      hash = (hash ^ *byte) * 0x100000001b3;
  }
  /// A text and the 0 that ends it.
  void add(const std::string &text) { add(text.c_str(), text.size() + 1); }
  void add(const std::map<std::string, std::string> &metadata) {
    for (const auto &[key, value] : metadata)
      if (key != checksumKey)
        add(key), add(value);
  }
  void addTensor(const std::string &name, ElementType type, const Shape &shape) {
    add(name);
    add(elementTypeName(type) + formatShape(shape));
  }
  std::string text() const {
    char digits[17];
    std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash));
    return digits;
  }

private:
  uint64_t hash = 0xcbf29ce484222325;
};

/// Reads one entry of the header; what is wrong, or an empty string.
std::string readEntry(const json &entry, ArrayLayout &layout, int64_t dataStart) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets"))
    return "it lacks 'dtype', 'shape' or 'data_offsets'";
  const json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
  if (!dtype.is_string())
    return "its 'dtype' is no string";
  const auto *type =
      std::find_if(std::begin(typeNames), std::end(typeNames), [&](const auto &known) { return dtype == known.first; });
  if (type == std::end(typeNames))
    return "its dtype " + dtype.get<std::string>() + " is not supported";
  layout.type = type->second;
  if (!shape.is_array() ||
      !std::all_of(shape.begin(), shape.end(), [](const json &n) { return n.is_number_unsigned(); }))
    return "its 'shape' is no list of sizes";
  constexpr size_t maxAxes = 64;
  if (shape.size() > maxAxes)
    return "its shape has " + std::to_string(shape.size()) + " axes, expected at most " + std::to_string(maxAxes);
  layout.shape = shape.get<Shape>();
  if (!isSaneShape(layout.shape, layout.type))
    return "its shape " + formatShape(layout.shape) + " is impossibly large";
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    return "its 'data_offsets' are no pair of offsets";
  auto begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  constexpr uint64_t limit = uint64_t(1) << 62;
  if (begin > end || end > limit)
    return "its 'data_offsets' [" + std::to_string(begin) + ", " + std::to_string(end) + "] are not in order";
  if (static_cast<int64_t>(end - begin) != layout.numBytes())
    return "shape " + formatShape(layout.shape) + " of " + elementTypeName(layout.type) + " needs " +
           std::to_string(layout.numBytes()) + " bytes, its 'data_offsets' span " + std::to_string(end - begin);
  layout.offset = dataStart + static_cast<int64_t>(begin);
  return {};
}

} // namespace

Expected<SafetensorsReader> SafetensorsReader::open(const std::string &path) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  SafetensorsReader reader(std::move(*file));
  if (auto ok = reader.readHeader(); !ok)
    return ok.takeError();
  return reader;
}

Expected<void> SafetensorsReader::readHeader() {
  auto fail = [&](const std::string &problem) {
    return Error{"'" + path() + "' is no valid .safetensors file: " + abbreviate(problem, kLongestProblem)};
  };
  uint64_t headerSize = 0;
  if (input.size() < 8)
    return fail("it has " + std::to_string(std::max<int64_t>(input.size(), 0)) + " bytes, expected at least 8");
  if (auto ok = input.readAt(&headerSize, 8, 0); !ok)
    return ok;
  if (headerSize > maxHeader)
    return fail("its header would have " + std::to_string(headerSize) + " bytes");
  if (8 + static_cast<int64_t>(headerSize) > input.size())
    return fail("it is cut off: the header needs " + std::to_string(headerSize) + " bytes, the file has " +
                std::to_string(input.size() - 8));
  std::string text(headerSize, '\0');
  if (auto ok = input.readAt(text.data(), text.size(), 8); !ok)
    return ok;

  json header;
  try {
    header = json::parse(text);
  } catch (const json::exception &error) {
    return fail("its header is no valid JSON (" + std::string(error.what()) + ")");
  }
  if (!header.is_object())
    return fail("its header is no JSON object");
  // The parsed object would hide what occurs twice.
  std::set<std::string> names;
  for (const std::string &name : detail::JsonNames::of(text))
    if (!names.insert(name).second)
      return fail("tensor '" + name + "' occurs twice");

  int64_t dataStart = 8 + static_cast<int64_t>(headerSize);
  for (const auto &[name, entry] : header.items()) {
    if (name == "__metadata__") {
      for (const auto &[key, value] : entry.items()) {
        if (!value.is_string())
          return fail("the metadata entry '" + key + "' is no string");
        strings[key] = value.get<std::string>();
      }
      continue;
    }
    ArrayLayout layout;
    if (std::string problem = readEntry(entry, layout, dataStart); !problem.empty())
      return fail("tensor '" + name + "': " + problem);
    layouts.emplace_back(name, std::move(layout));
  }
  // Empty tensors come before the one that starts at the same offset.
  std::sort(layouts.begin(), layouts.end(), [](const auto &a, const auto &b) {
    return std::tuple(a.second.offset, a.second.numBytes(), a.first) <
           std::tuple(b.second.offset, b.second.numBytes(), b.first);
  });
  if (auto ok = checkOffsets(dataStart); !ok)
    return ok;
  return verifyChecksum();
}

Expected<void> SafetensorsReader::verifyChecksum() {
  auto found = strings.find(checksumKey);
  if (found == strings.end())
    return {};
  Checksum checksum;
  checksum.add(strings);
  std::vector<char> buffer;
  for (const auto &[name, layout] : layouts) {
    checksum.addTensor(name, layout.type, layout.shape);
    constexpr int64_t step = 1 << 20;
    for (int64_t done = 0, bytes = layout.numBytes(); done < bytes; done += step) {
      auto count = static_cast<size_t>(std::min(step, bytes - done));
      buffer.resize(count);
      if (auto ok = input.readAt(buffer.data(), count, layout.offset + done); !ok)
        return ok;
      checksum.add(buffer.data(), count);
    }
  }
  if (checksum.text() != found->second)
    return Error{"'" + path() + "' is damaged: its contents have the checksum " + checksum.text() +
                 ", but it was written with " + abbreviate(found->second) +
                 " (a program that changes the file on purpose has to remove this entry of its metadata)"};
  strings.erase(found);
  return {};
}

Expected<void> SafetensorsReader::checkOffsets(int64_t dataStart) const {
  auto fail = [&](const std::string &problem) {
    return Error{"'" + path() + "' is no valid .safetensors file: " + abbreviate(problem, kLongestProblem)};
  };
  int64_t end = dataStart;
  const std::string *previous = nullptr;
  for (const auto &[name, layout] : layouts) {
    if (layout.offset < end)
      return fail("the data of tensors '" + *previous + "' and '" + name + "' overlap");
    if (layout.offset > end)
      return fail("there is a gap of " + std::to_string(layout.offset - end) + " bytes before tensor '" + name + "'");
    end = layout.offset + layout.numBytes();
    previous = &name;
  }
  if (end > input.size())
    return fail("it is cut off: " + std::to_string(end) + " bytes are needed, the file has " +
                std::to_string(input.size()));
  if (end < input.size())
    return fail("there are " + std::to_string(input.size() - end) + " bytes after the last tensor");
  return {};
}

const ArrayLayout *SafetensorsReader::find(const std::string &name) const {
  auto it = std::find_if(layouts.begin(), layouts.end(), [&](const auto &entry) { return entry.first == name; });
  return it == layouts.end() ? nullptr : &it->second;
}

/// The checksum of a file that is to be written.
static std::string computeChecksum(const std::map<std::string, std::string> &metadata,
                                   const std::vector<TensorToWrite> &tensors) {
  Checksum checksum;
  checksum.add(metadata);
  auto bytesOf = [](const TensorToWrite &tensor) {
    return static_cast<size_t>(numElements(tensor.shape)) * elementSize(tensor.type);
  };
  // In the reader's order: a tensor without elements lies before the next one that has some,
  // and such tensors by their names.
  std::vector<const TensorToWrite *> order;
  auto byName = [](const TensorToWrite *a, const TensorToWrite *b) { return a->name < b->name; };
  size_t firstEmpty = 0;
  for (const TensorToWrite &tensor : tensors) {
    order.push_back(&tensor);
    if (bytesOf(tensor) == 0)
      continue;
    std::sort(order.begin() + static_cast<std::ptrdiff_t>(firstEmpty), order.end() - 1, byName);
    firstEmpty = order.size();
  }
  std::sort(order.begin() + static_cast<std::ptrdiff_t>(firstEmpty), order.end(), byName);
  for (const TensorToWrite *tensor : order) {
    checksum.addTensor(tensor->name, tensor->type, tensor->shape);
    checksum.add(tensor->data, bytesOf(*tensor));
  }
  return checksum.text();
}

Expected<void> flowc::writeSafetensors(const std::string &path, const std::vector<TensorToWrite> &tensors,
                                       const std::map<std::string, std::string> &metadata) {
  // The checksum is that of what will be read: JSON has no bytes that are no UTF-8.
  auto strings = json::parse(json(metadata).dump(-1, ' ', false, json::error_handler_t::replace))
                     .get<std::map<std::string, std::string>>();
  strings[checksumKey] = computeChecksum(strings, tensors);
  nlohmann::ordered_json header;
  header["__metadata__"] = strings;
  int64_t offset = 0;
  for (const TensorToWrite &tensor : tensors) {
    int64_t bytes = numElements(tensor.shape) * static_cast<int64_t>(elementSize(tensor.type));
    const auto *type = std::find_if(std::begin(typeNames), std::end(typeNames),
                                    [&](const auto &known) { return known.second == tensor.type; });
    header[tensor.name] = {{"dtype", type->first}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  // The data starts at a multiple of 64 bytes.
  text.resize((text.size() + 8 + 63) / 64 * 64 - 8, ' ');
  uint64_t headerSize = text.size();

  auto file = OutputFile::create(path);
  if (!file)
    return file.takeError();
  if (auto ok = file->write(&headerSize, 8); !ok)
    return ok;
  if (auto ok = file->write(text.data(), text.size()); !ok)
    return ok;
  for (const TensorToWrite &tensor : tensors)
    if (auto ok = file->write(tensor.data, static_cast<size_t>(numElements(tensor.shape)) * elementSize(tensor.type));
        !ok)
      return ok;
  return file->commit(/*toDisk=*/true);
}
