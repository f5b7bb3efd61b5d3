//===- Signature.h - What functions of an object take and give --*- C++ -*-===//
//
// Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWC_LIB_OBJECTS_SIGNATURE_H
#define FLOWC_LIB_OBJECTS_SIGNATURE_H

#include "flowc/flowc.h"

#include <string>
#include <string_view>
#include <vector>

namespace flowc {

/// What an argument of a function is.
enum class ArgumentKind {
  Prepared, ///< What PREFIX_prepare wrote.
  Input,    ///< An array of rows.
  Rows,     ///< How many there are.
  Seed,
  First,  ///< Number of the first draw.
  Output, ///< An array of rows.
  Workspace,
  WorkspaceSize
};

struct Argument {
  ArgumentKind kind;
  std::string name;  ///< Unique in its function.
  int64_t width = 0; ///< Of an array: numbers in a row.

  bool isArray() const { return kind == ArgumentKind::Input || kind == ArgumentKind::Output; }
  bool isPointer() const { return isArray() || kind == ArgumentKind::Prepared || kind == ArgumentKind::Workspace; }
};

/// A function of rows.
struct Signature {
  const KernelSpec *spec;
  /// In the order in which callers give them, in every language.
  std::vector<Argument> arguments;

  bool isDrawn() const { return spec->rows == RowSource::Drawn; }
  /// The inputs, or the outputs, in order.
  std::vector<Argument> getArrays(ArgumentKind kind) const;
};

/// What a kernel of `flow` takes and gives; `hasCondition` unless that is fixed, `isPrepared` if
/// parameters are given at run time.
Signature makeSignature(const KernelSpec &spec, const Flow &flow, bool hasCondition, bool isPrepared);

/// What functions return; 0 is success. Objects that exist know these numbers.
enum class Status : int {
  OK,
  NullPointer,
  NegativeRows,
  SmallWorkspace,
  NoCode,
  WrongSize,
  WrongParameters,
  NotPrepared
};

/// A row of the table of what functions return.
struct StatusSpec {
  Status status;
  const char *name;    ///< In capital letters, behind the prefix.
  const char *message; ///< PREFIX stands for the prefix.
};

inline constexpr StatusSpec kStatuses[] = {
    {Status::OK, "OK", "success"},
    {Status::NullPointer, "NULL_POINTER", "a pointer to an array of rows or to other memory is null"},
    {Status::NegativeRows, "NEGATIVE_ROWS", "the number of rows is negative"},
    {Status::SmallWorkspace, "SMALL_WORKSPACE",
     "the memory is smaller than PREFIX_workspace_size() or "
     "PREFIX_prepared_size() bytes"},
    {Status::NoCode, "NO_CODE", "this processor lacks instructions of each kind that PREFIX was compiled for"},
    {Status::WrongSize, "WRONG_SIZE", "arrays differ in their numbers of rows, or have rows of another width"},
    {Status::WrongParameters, "WRONG_PARAMETERS",
     "the parameters are those of another flow or of another element type, "
     "or damaged"},
    {Status::NotPrepared, "NOT_PREPARED", "the memory does not hold what PREFIX_prepare wrote"},
};

/// `text` with `prefix` for PREFIX.
std::string expandPrefix(std::string_view text, std::string_view prefix);

} // namespace flowc

#endif // FLOWC_LIB_OBJECTS_SIGNATURE_H
