//===- LeafNames.cpp - Short names of leaves ------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MathPrinter.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>

using namespace flowc;
using llvm::StringRef;

/// Digits below the line.
static std::string getSubscript(unsigned number) {
  static constexpr const char *digits[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
  std::string text;
  for (char digit : std::to_string(number))
    text += digits[digit - '0'];
  return text;
}

/// `layers[2].weight` as `W₃`, `layers[2][0].weight.weight` too; others stay.
static std::string shortenLayer(StringRef name) {
  size_t at = name.rfind("layers[");
  if (at == StringRef::npos)
    return name.str();
  StringRef rest = name.substr(at + 7);
  unsigned layer;
  if (rest.consumeInteger(10, layer) || !rest.consume_front("]"))
    return name.str();
  rest.consume_front("[0]");
  if (!rest.consume_front("."))
    return name.str();
  for (auto [field, letter] : {std::pair("weight", "W"), std::pair("weight.weight", "W"),
                               std::pair("weight.scale", "s"), std::pair("bias", "b")})
    if (rest == field)
      return (name.take_front(at) + letter).str() + getSubscript(layer + 1);
  return name.str();
}

std::vector<std::string> flowc::getLeafNames(llvm::ArrayRef<std::string> paths) {
  // Parameterizations wrap the leaf that is trained.
  std::vector<llvm::SmallVector<StringRef>> parts;
  std::vector<bool> isRaw;
  for (StringRef path : paths) {
    bool raw = false;
    path.consume_back(".tree");
    for (StringRef wrapper : {".args[0]", ".arr"})
      raw |= path.consume_back(wrapper);
    isRaw.push_back(raw);
    path.consume_back(".args[1]"); // the weight behind its mask
    path.split(parts.emplace_back(), '.', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  }
  auto getSuffix = [&](size_t i, size_t length) {
    llvm::ArrayRef<StringRef> all = parts[i];
    return llvm::join(all.take_back(std::min(length, all.size())), ".");
  };
  std::vector<std::string> names;
  for (size_t i = 0; i < paths.size(); ++i) {
    size_t length = 1;
    auto isShared = [&](size_t other) {
      return other != i && isRaw[other] == isRaw[i] && getSuffix(other, length) == getSuffix(i, length);
    };
    auto isAmbiguous = [&] {
      for (size_t other = 0; other < paths.size(); ++other)
        if (isShared(other))
          return true;
      return false;
    };
    while (length < parts[i].size() && isAmbiguous())
      ++length;
    // A layer's weight is called after its layer even if there is one only.
    if (length == 1 && parts[i].size() > 1 && parts[i].end()[-2].starts_with("layers["))
      length = 2;
    names.push_back(shortenLayer(getSuffix(i, length)) + (isRaw[i] ? "′" : ""));
  }
  return names;
}
