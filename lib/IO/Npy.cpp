//===- Npy.cpp - NumPy's array file format --------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/IO/Npy.h"

#include "flowc/Support/Format.h"

#include <cctype>
#include <charconv>
#include <string_view>

using namespace flowc;

namespace {

/// As many axes as NumPy's arrays have at most.
constexpr size_t kMaxAxes = 64;

/// Parses the Python dictionary of a header, e.g.
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`.
class HeaderParser {
public:
  HeaderParser(std::string_view text, ArrayLayout &layout) : text(text), layout(layout) {}

  /// An empty string on success, else what is wrong.
  std::string parse() {
    if (!eat('{'))
      return "its header is no dictionary";
    bool seen[3] = {};
    while (!eat('}')) {
      std::string_view key;
      if (!parseString(key) || !eat(':'))
        return "its header is malformed";
      std::string problem;
      if (key == "descr")
        seen[0] = true, problem = parseDescr();
      else if (key == "fortran_order")
        seen[1] = true, problem = parseOrder();
      else if (key == "shape")
        seen[2] = true, problem = parseShape();
      else
        problem = "its header has an unknown key '" + abbreviate(key) + "'";
      if (!problem.empty())
        return problem;
      if (!eat(',') && !peek('}'))
        return "its header is malformed";
    }
    if (!seen[0] || !seen[1] || !seen[2])
      return "its header lacks 'descr', 'fortran_order' or 'shape'";
    return {};
  }

private:
  void skipSpace() {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])))
      ++at;
  }
  bool peek(char c) {
    skipSpace();
    return at < text.size() && text[at] == c;
  }
  bool eat(char c) {
    if (!peek(c))
      return false;
    ++at;
    return true;
  }
  bool parseString(std::string_view &value) {
    char quote = peek('\'') ? '\'' : '"';
    if (!eat(quote))
      return false;
    size_t end = text.find(quote, at);
    if (end == std::string_view::npos)
      return false;
    value = text.substr(at, end - at);
    at = end + 1;
    return true;
  }

  std::string parseDescr() {
    std::string_view descr;
    if (!parseString(descr))
      return "its elements are records, expected plain numbers";
    if (!descr.empty() && descr[0] == '>')
      return "its elements are big-endian ('" + abbreviate(descr) +
             "'), expected little-endian: convert them with x.astype(x.dtype.newbyteorder('<'))";
    static constexpr std::pair<std::string_view, ElementType> known[] = {
        {"f4", ElementType::F32}, {"f8", ElementType::F64}, {"i1", ElementType::I8},  {"i2", ElementType::I16},
        {"i4", ElementType::I32}, {"i8", ElementType::I64}, {"u1", ElementType::U8},  {"u2", ElementType::U16},
        {"u4", ElementType::U32}, {"u8", ElementType::U64}, {"b1", ElementType::Bool}};
    std::string_view code = descr.empty() ? descr : descr.substr(1);
    for (auto [name, type] : known)
      if (code == name) {
        layout.type = type;
        return {};
      }
    return "its elements have the type '" + abbreviate(descr) +
           "', expected float32, float64 or integers: "
           "convert them with x.astype('float32')";
  }

  std::string parseOrder() {
    skipSpace();
    for (bool value : {false, true}) {
      std::string_view word = value ? "True" : "False";
      if (text.substr(at, word.size()) == word) {
        at += word.size();
        layout.fortranOrder = value;
        return {};
      }
    }
    return "its header has no valid 'fortran_order'";
  }

  std::string parseShape() {
    layout.shape.clear();
    if (!eat('('))
      return "its header has no valid 'shape'";
    while (!eat(')')) {
      skipSpace();
      int64_t extent = 0;
      auto [end, status] = std::from_chars(text.data() + at, text.data() + text.size(), extent);
      if (status != std::errc() || extent < 0)
        return "its header has no valid 'shape'";
      at = static_cast<size_t>(end - text.data());
      if (layout.shape.size() == kMaxAxes)
        return "its shape has more than " + std::to_string(kMaxAxes) + " axes";
      layout.shape.push_back(extent);
      if (!eat(',') && !peek(')'))
        return "its header has no valid 'shape'";
    }
    if (!isSaneShape(layout.shape, layout.type))
      return "its shape " + formatShape(layout.shape) + " is impossibly large";
    return {};
  }

  std::string_view text;
  ArrayLayout &layout;
  size_t at = 0;
};

constexpr std::string_view magic("\x93NUMPY", 6);

} // namespace

Expected<ArrayLayout> flowc::readNpyHeader(const InputFile &file, int64_t offset, const std::string &what) {
  auto fail = [&](const std::string &problem) {
    return Error{what + " is no valid .npy array: " + abbreviate(problem, 400)};
  };
  int64_t available = file.size() - offset;
  unsigned char start[12] = {};
  if (available < 10)
    return fail("it is cut off (" + std::to_string(available < 0 ? 0 : available) + " bytes)");
  if (auto ok = file.readAt(start, 10, offset); !ok)
    return ok.takeError();
  if (std::string_view(reinterpret_cast<char *>(start), magic.size()) != magic)
    return fail("it does not start with NumPy's signature");
  int version = start[6];
  if (version < 1 || version > 3)
    return fail("its format version is " + std::to_string(version) + ", expected 1, 2 or 3");
  int64_t headerStart = 10, headerSize = start[8] | start[9] << 8;
  if (version > 1) {
    if (available < 12)
      return fail("it is cut off in its header");
    if (auto ok = file.readAt(start, 12, offset); !ok)
      return ok.takeError();
    headerStart = 12;
    headerSize |= static_cast<int64_t>(start[10]) << 16 | static_cast<int64_t>(start[11]) << 24;
  }
  if (headerStart + headerSize > available)
    return fail("it is cut off in its header");
  std::string header(static_cast<size_t>(headerSize), '\0');
  if (auto ok = file.readAt(header.data(), header.size(), offset + headerStart); !ok)
    return ok.takeError();

  ArrayLayout layout;
  if (std::string problem = HeaderParser(header, layout).parse(); !problem.empty())
    return fail(problem);
  // 'descr' may come after 'shape': only now both are known.
  if (!isSaneShape(layout.shape, layout.type))
    return fail("its shape " + formatShape(layout.shape) + " is impossibly large");
  layout.offset = offset + headerStart + headerSize;
  // (The sum of both may be out of range.)
  if (layout.numBytes() > file.size() - layout.offset)
    return fail("it is cut off: shape " + formatShape(layout.shape) + " of " + elementTypeName(layout.type) +
                " needs " + std::to_string(layout.numBytes()) + " bytes of data, the file has " +
                std::to_string(file.size() - layout.offset));
  return layout;
}

std::string flowc::makeNpyHeader(DType dtype, const Shape &shape, size_t paddedSize) {
  std::string dict =
      "{'descr': '" + std::string(dtype == F32 ? "<f4" : "<f8") + "', 'fortran_order': False, 'shape': (";
  for (int64_t extent : shape)
    dict += std::to_string(extent) + ",";
  dict += "), }";
  constexpr size_t prefix = 10;
  while (prefix + dict.size() + 1 > paddedSize)
    paddedSize += 64;
  dict.resize(paddedSize - prefix - 1, ' ');
  dict += '\n';
  std::string header(magic);
  header += {'\x01', '\x00', static_cast<char>(dict.size() & 0xff), static_cast<char>(dict.size() >> 8)};
  return header + dict;
}
