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

/// An array of rows.
struct Argument {
  std::string name; ///< Unique in its function.
  RowWidth kind;
  int64_t width; ///< Numbers in a row.
};

/// A function of rows.
struct Signature {
  const KernelSpec *spec;
  std::vector<Argument> inputs, outputs;

  bool isDrawn() const { return spec->rows == RowSource::Drawn; }
};

/// What a kernel of `flow` takes and gives; `hasCondition` unless that is fixed.
Signature makeSignature(const KernelSpec &spec, const Flow &flow, bool hasCondition);

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
