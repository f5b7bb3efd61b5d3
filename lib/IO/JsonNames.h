//===- JsonNames.h - The members of an object -------------------*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_IO_JSONNAMES_H
#define FLOWC_LIB_IO_JSONNAMES_H

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace flowc::detail {

/// Hears of the names of an object's members, in their order and each time that they occur,
/// which a parsed object does not tell. (An `ordered_json`, and a parser with a callback,
/// go through all members for each.)
class JsonNames : public nlohmann::json_sax<nlohmann::json> {
public:
  /// Of a text that may be no JSON; then they are those up to where it is none.
  static std::vector<std::string> of(const std::string &text) {
    JsonNames reader;
    nlohmann::json::sax_parse(text, &reader);
    return std::move(reader.names);
  }

  bool key(string_t &name) override {
    if (depth == 1)
      names.push_back(name);
    return true;
  }
  bool start_object(std::size_t) override { return ++depth > 0; }
  bool end_object() override { return --depth >= 0; }
  bool start_array(std::size_t) override { return ++depth > 0; }
  bool end_array() override { return --depth >= 0; }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool parse_error(std::size_t, const std::string &, const nlohmann::detail::exception &) override { return false; }

private:
  std::vector<std::string> names;
  int64_t depth = 0;
};

} // namespace flowc::detail

#endif // FLOWC_LIB_IO_JSONNAMES_H
