//===- Header.cpp - The header of an object -------------------------------===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ObjectParts.h"

#include "flowc/Support/Format.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace flowc;

namespace {

/// How an argument is written: as a parameter in C, in C++ (empty: spans know it), and what a
/// function of C++ hands on to that of C.
struct Spelling {
  std::string inC, withSpans, handedOn;
};

/// Writes one header.
class HeaderWriter {
public:
  HeaderWriter(const ObjectParts &parts, const Model &model, const ObjectOptions &options)
      : parts(parts), flow(model.flow()), options(options), capital(llvm::StringRef(parts.prefix).upper()),
        type(parts.dtype == F32 ? "float" : "double"), os(text) {}

  std::string write();

private:
  void writeHead();
  void writeConstants();
  void writeFunctions();
  void writePrepare();
  void writeSpans();
  void writeSpanFunction(const Signature &signature);
  Spelling spell(const Argument &argument) const;
  /// One spelling of all arguments, with commas.
  std::string list(const Signature &signature, std::string Spelling::*spelling) const;
  std::string describe(const Signature &signature) const;
  std::string describeArrays(const Signature &signature, ArgumentKind kind) const;
  std::string describeColumns(const std::vector<std::string> &names) const;

  const ObjectParts &parts;
  const Flow &flow;
  const ObjectOptions &options;
  /// The prefix of constants.
  std::string capital;
  const char *type;
  std::string text;
  llvm::raw_string_ostream os;
};

} // namespace

/// Text of others, in a comment.
static std::string quote(const std::string &name) {
  std::string safe = abbreviate(name);
  for (size_t at; (at = safe.find("*/")) != std::string::npos;)
    safe.replace(at, 2, "* /");
  return safe;
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

/// What a function computes.
static std::string describeProgram(const KernelSpec &spec) {
  switch (spec.program) {
  case Program::LogProb:
    return "the log-density of x (natural logarithm, in units of x)";
  case Program::Sample:
    return "draws x";
  case Program::SampleAndLogProb:
    return spec.rows == RowSource::Drawn
               ? "draws x and their log-densities"
               : "the events x that come from draws z of the base distribution, and their log-densities";
  case Program::Transform:
    return "y = T(x) by the flow's bijections, from the base to the event, and log |det dT/dx|";
  case Program::Inverse:
    return "x = T^-1(y) by the flow's bijections, from the event to the base, and log |det dT^-1/dy|";
  case Program::ToBase:
    return "the draw z of the innermost base distribution that x comes from";
  case Program::Nll:
  case Program::Weigh:
  case Program::Elbo:
  case Program::Stl:
    break;
  }
  llvm_unreachable("no function of rows alone");
}

std::string HeaderWriter::describe(const Signature &signature) const {
  const KernelSpec &spec = *signature.spec;
  std::string what = describeProgram(spec);
  if (spec.derivative != Derivative::None)
    what = "derivatives in " + std::string(spec.derivative == Derivative::Condition ? "the condition" : "x, y or z") +
           (spec.takesCotangents() ? ", by way of cotangents of the results, of " : " of ") + what;
  if (spec.tangent == Derivative::Inputs)
    what += "; and their derivatives along a tangent";
  what.front() = llvm::toUpper(what.front());
  return what;
}

std::string HeaderWriter::describeColumns(const std::vector<std::string> &names) const {
  std::vector<std::string> quoted;
  for (const std::string &name : names)
    quoted.push_back(quote(name));
  return llvm::join(quoted, ", ");
}

//===----------------------------------------------------------------------===//
// C
//===----------------------------------------------------------------------===//

void HeaderWriter::writeHead() {
  os << "/* Functions of '" << flow.name() << "', compiled by flowc";
  if (!options.source.empty())
    os << " from " << quote(options.source);
  os << ".\n *\n * Arrays are row-major without gaps: `rows` rows of " << type << ", aligned as such.\n";
  if (!options.columns.empty())
    os << " * Columns of events: " << describeColumns(options.columns) << ".\n";
  if (!options.conditionColumns.empty())
    os << " * Columns of conditions: " << describeColumns(options.conditionColumns) << ".\n";
  if (!options.condition.empty()) {
    os << " * The condition is";
    for (double value : options.condition)
      os << ' ' << formatNumber(value);
    os << ".\n";
  }
  os << expandPrefix(R"( *
 * Functions return a status: 0, or what went wrong, in words PREFIX_error_message(status). They keep no
 * state and allocate nothing. Any number of threads may call them at once, each with a workspace of its
 * own: PREFIX_workspace_size() bytes of any alignment, whose contents do not matter. The caller's
 * floating-point state does not matter either, and is left as it was. A row's results have the same bits
 * whatever rows are beside it.
 *
 * Compiled for)",
                     parts.prefix);
  for (const CpuLevel &level : parts.levels)
    os << ' ' << level.target.cpu;
  os << " (" << parts.levels.front().target.triple << ')'
     << (parts.levels.size() > 1 ? "; the processor decides which code runs.\n */\n" : ".\n */\n");
}

void HeaderWriter::writeConstants() {
  os << "enum {\n";
  for (const StatusSpec &spec : kStatuses)
    os << "  " << capital << '_' << spec.name << " = " << static_cast<int>(spec.status) << ", /* "
       << expandPrefix(spec.message, parts.prefix) << " */\n";
  os << "  " << capital << "_DIM = " << flow.dim() << ", /* numbers of an event */\n";
  os << "  " << capital << "_CONDITION_DIM = " << flow.condDim() << " /* numbers of a condition */\n};\n\n";
  os << "/* What a status means; never null. */\nconst char *" << parts.prefix << "_error_message(int status);\n\n";
  os << "/* Bytes of a workspace, for any function and any number of rows. */\nsize_t " << parts.prefix
     << "_workspace_size(void);\n\n";
}

void HeaderWriter::writePrepare() {
  os << expandPrefix(R"(/* Bytes of what PREFIX_prepare writes. */
size_t PREFIX_prepared_size(void);

/* Checks parameters, `size` bytes that `flowc compile --parameters` wrote, and computes what the other
 * functions need of them. `prepared` may lie anywhere, but not move afterwards, and belongs to the
 * processor that it was prepared on. */
int PREFIX_prepare(const void *parameters, size_t size, void *prepared, size_t prepared_size);

)",
                     parts.prefix);
}

Spelling HeaderWriter::spell(const Argument &argument) const {
  const std::string &name = argument.name, number = type;
  switch (argument.kind) {
  case ArgumentKind::Prepared:
    return {"const void *" + name, "const void *" + name, name};
  case ArgumentKind::Input:
    return {"const " + number + " *" + name, "std::span<const " + number + "> " + name, name + ".data()"};
  case ArgumentKind::Output:
    return {number + " *" + name, "std::span<" + number + "> " + name, name + ".data()"};
  case ArgumentKind::Rows:
    return {"int64_t " + name, "", "static_cast<std::int64_t>(" + name + ")"};
  case ArgumentKind::Seed:
  case ArgumentKind::First:
    return {"uint64_t " + name, "std::uint64_t " + name, name};
  case ArgumentKind::Workspace:
    return {"void *" + name, "std::span<std::byte> " + name, name + ".data()"};
  case ArgumentKind::WorkspaceSize:
    return {"size_t " + name, "", "workspace.size()"};
  }
  llvm_unreachable("an argument of no kind");
}

std::string HeaderWriter::list(const Signature &signature, std::string Spelling::*spelling) const {
  std::vector<std::string> words;
  for (const Argument &argument : signature.arguments)
    if (std::string word = spell(argument).*spelling; !word.empty())
      words.push_back(word);
  return llvm::join(words, ", ");
}

std::string HeaderWriter::describeArrays(const Signature &signature, ArgumentKind kind) const {
  std::vector<std::string> arrays;
  for (const Argument &argument : signature.getArrays(kind))
    arrays.push_back(argument.name + ": rows x " + std::to_string(argument.width));
  return llvm::join(arrays, "; ");
}

void HeaderWriter::writeFunctions() {
  for (const ObjectFunction &function : parts.functions) {
    const Signature &signature = function.signature;
    std::string taken = describeArrays(signature, ArgumentKind::Input);
    os << "/* " << describe(signature) << '.' << (taken.empty() ? "" : "\n * Takes " + taken + ".") << "\n * Gives "
       << describeArrays(signature, ArgumentKind::Output) << '.';
    if (signature.isDrawn())
      os << "\n * Draws number first, first + 1, ... of stream `seed`.";
    os << " */\nint " << parts.prefix << '_' << signature.spec->name << '(' << list(signature, &Spelling::inC)
       << ");\n\n";
  }
}

//===----------------------------------------------------------------------===//
// C++
//===----------------------------------------------------------------------===//

void HeaderWriter::writeSpanFunction(const Signature &signature) {
  os << "[[nodiscard]] inline int " << signature.spec->name << '(' << list(signature, &Spelling::withSpans)
     << ") noexcept {\n";
  Argument counted = signature.getArrays(ArgumentKind::Output).front();
  os << "  const std::size_t rows = " << counted.name << ".size() / " << counted.width << ";\n";
  std::vector<std::string> sizes;
  for (const Argument &argument : signature.arguments)
    if (argument.isArray())
      sizes.push_back(argument.name + ".size() != " + std::to_string(argument.width) + " * rows");
  os << "  if (" << llvm::join(sizes, " || ") << ")\n    return " << capital << "_WRONG_SIZE;\n";
  os << "  return ::" << parts.prefix << '_' << signature.spec->name << '(' << list(signature, &Spelling::handedOn)
     << ");\n}\n\n";
}

void HeaderWriter::writeSpans() {
  os << "#if defined(__cplusplus) && __cplusplus >= 202002L\n#include <cstddef>\n#include <cstdint>\n#include "
        "<span>\n\n"
     << "/* The same with arrays that know their sizes. */\nnamespace " << parts.prefix << " {\n\n";
  for (const ObjectFunction &function : parts.functions)
    writeSpanFunction(function.signature);
  os << "} // namespace " << parts.prefix << "\n#endif\n\n";
}

std::string HeaderWriter::write() {
  writeHead();
  std::string guard = capital + "_FLOWC_H";
  os << "#ifndef " << guard << "\n#define " << guard << "\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  writeConstants();
  if (parts.parameters)
    writePrepare();
  writeFunctions();
  os << "#ifdef __cplusplus\n} /* extern \"C\" */\n#endif\n\n";
  writeSpans();
  os << "#endif /* " << guard << " */\n";
  return text;
}

std::string flowc::writeHeader(const ObjectParts &parts, const Model &model, const ObjectOptions &options) {
  return HeaderWriter(parts, model, options).write();
}
