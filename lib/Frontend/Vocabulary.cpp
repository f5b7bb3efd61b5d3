//===- Vocabulary.cpp - The names of the language -------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowc/Frontend/Vocabulary.h"

#include "Evaluator.h"

#include "flowc/Symbolic/Functions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace flowc {

using llvm::StringRef;

std::string Signature::describe() const {
  auto written = llvm::map_range(arguments, [](const Argument &argument) { return argument.describe(); });
  return name + "(" + llvm::join(written, ", ") + ")";
}

/// A default as a text would have it: none is an object or a random array.
static std::string write(const Value::Data &data) {
  if (const bool *flag = std::get_if<bool>(&data))
    return *flag ? "true" : "false";
  if (const Word *word = std::get_if<Word>(&data))
    return word->text.str();
  if (const ArrayValue *array = std::get_if<ArrayValue>(&data))
    return array->shape.empty() ? formatNumber(array->init.values[0]) : "[]";
  return "none";
}

static Signature describe(const Constructor &constructor) {
  Signature signature{constructor.name.str(), {}, constructor.documentation.str()};
  for (const Parameter &parameter : constructor.parameters)
    signature.arguments.push_back(
        {parameter.name.str(), parameter.fallback ? std::optional(write(*parameter.fallback)) : std::nullopt});
  return signature;
}

std::optional<Signature> describeConstructor(StringRef name) {
  const Constructor *constructor = findConstructor(name);
  return constructor ? std::optional(describe(*constructor)) : std::nullopt;
}

Signature describeFormula(const ast::Item &item) { return describe(getFormulaConstructor(item.name)); }

std::vector<StringRef> functionNames() {
  std::vector<StringRef> names;
  for (const symbolic::FunctionRow &row : symbolic::getFunctions())
    if (row.scope != symbolic::Scope::Algebra)
      names.push_back(row.name);
  return names;
}

/// What a function makes of its arguments, as far as the table of functions tells.
static std::string describeUse(const symbolic::FunctionRow &row) {
  if (row.isLogDensity())
    return "The log-density of a distribution at y, constants included.";
  if (row.arity > 0 && row.vectorArity > 0)
    return "Of " + std::to_string(row.arity) + " arguments element by element, of " + std::to_string(row.vectorArity) +
           (row.vectorArity == 1 ? " vector" : " vectors") + " as a whole.";
  return row.arity > 0 ? "Element by element." : "Of vectors as a whole.";
}

std::optional<Signature> describeFunction(StringRef name) {
  const symbolic::FunctionRow *row = symbolic::findFunction(name);
  if (!row || row->scope == symbolic::Scope::Algebra)
    return std::nullopt;
  Signature signature{std::string(row->name), {}, describeUse(*row)};
  for (const symbolic::FunctionArgument &argument : row->arguments)
    signature.arguments.push_back({std::string(argument.name), argument.otherwise
                                                                   ? std::optional(formatNumber(*argument.otherwise))
                                                                   : std::nullopt});
  // Others have no names for their arguments.
  static constexpr const char *names[] = {"a", "b", "c"};
  for (unsigned i = 0, count = row->arity > 0 ? row->arity : row->vectorArity; row->arguments.empty() && i < count; ++i)
    signature.arguments.push_back({names[std::min(i, 2u)], std::nullopt});
  return signature;
}

} // namespace flowc
