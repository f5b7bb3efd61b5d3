/*===- flowc-c.h - The public C interface of flowc -----------------*- C -*-===*\
|*                                                                            *|
|* Part of flowc, under the Apache License v2.0 with LLVM Exceptions.         *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* Parse a flow, make or load a model of it, compile kernels, run and train   *|
|* them, from C99, C++ or any language that can call C. docs/CAPI.md shows it. *|
|*                                                                            *|
|* Objects are opaque. A function with a last parameter `OBJECT **result`     *|
|* makes one, which the caller frees with `flowc_OBJECT_free`; null may be    *|
|* freed, too. Objects keep alive what they were made of, so that they can be *|
|* freed in any order. What a function returns as `const` pointer (a text, a  *|
|* shape, the flow of a model) belongs to the object that it was asked of and *|
|* lives until that is written or freed. Texts are UTF-8 and end with a 0.    *|
|*                                                                            *|
|* Errors are values. A function that can fail returns null if it did not,    *|
|* else a `flowc_error`, which the caller frees with `flowc_error_free`.      *|
|* After an error nothing has been made, `*result` is null, and the contents  *|
|* of outputs are undefined. No function crashes on null pointers, wrong      *|
|* sizes or numbers that are not finite, none throws, none keeps a pointer    *|
|* to an array after it returned. Functions that cannot fail take a null      *|
|* object for one that has nothing: they return 0, null or an empty text.     *|
|*                                                                            *|
|* Threads: every object may be used from several threads at once, except     *|
|* that nobody may free or write an object (functions that take it without    *|
|* `const`; kernels are never written) while another thread uses it.          *|
|*                                                                            *|
|* Binary interface: `flowc_input` and `flowc_output` never change. Structs   *|
|* of options begin with their size and grow at the end only.                 *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef FLOWC_FLOWC_C_H
#define FLOWC_FLOWC_C_H

#include <stddef.h>
#include <stdint.h>

/* NOLINTBEGIN(modernize-use-using,modernize-deprecated-headers): this is C. */

#if defined(__GNUC__)
#define FLOWC_API __attribute__((visibility("default")))
/* Whoever drops the result misses an error, and leaks it. */
#define FLOWC_MUST_USE __attribute__((warn_unused_result))
#else
#define FLOWC_API
#define FLOWC_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*\
|* Versions
\*===----------------------------------------------------------------------===*/

/* Of this header. A program runs with any library of the same FLOWC_C_API_MAJOR (which
 * is that of the library's soname) and of at least this FLOWC_C_API_MINOR. */
#define FLOWC_C_API_MAJOR 0
#define FLOWC_C_API_MINOR 3

/* The version of the library that runs, of its C interface, and of flowc ("0.1.0"). */
FLOWC_API int flowc_c_api_major(void);
FLOWC_API int flowc_c_api_minor(void);
FLOWC_API const char *flowc_version(void);

/*===----------------------------------------------------------------------===*\
|* Errors
\*===----------------------------------------------------------------------===*/

/* What went wrong. */
typedef struct flowc_error flowc_error;

/* Kinds of errors. More may come. */
typedef enum flowc_status {
  FLOWC_OK = 0,
  /* The call itself is wrong: a null pointer, a shape, an element type, an option. */
  FLOWC_INVALID_ARGUMENT = 1,
  /* What was asked for cannot be done: a flow that does not parse, a file that cannot be
   * read, a kernel that the flow has not, a loss that is not finite. */
  FLOWC_FAILED = 2,
  /* There is not enough memory. */
  FLOWC_OUT_OF_MEMORY = 3,
  /* A defect of flowc. */
  FLOWC_INTERNAL = 4
} flowc_status;

/* The kind of an error; FLOWC_OK for null. */
FLOWC_API flowc_status flowc_error_status(const flowc_error *error);
/* Where and what was found, what was expected, and the likely fix: the messages of the
 * `flowc` tool, in lower case and without a final full stop. Lives as long as the error;
 * "" for null. */
FLOWC_API const char *flowc_error_message(const flowc_error *error);
FLOWC_API void flowc_error_free(flowc_error *error);

/*===----------------------------------------------------------------------===*\
|* Arrays
\*===----------------------------------------------------------------------===*/

/* Element types. */
typedef enum flowc_dtype { FLOWC_F32 = 0, FLOWC_F64 = 1 } flowc_dtype;

/* An array that is read: `rows` rows of `columns` numbers, row-major, without gaps, aligned
 * to its elements. A column or a vector of n numbers has n rows of 1 column. */
typedef struct flowc_input {
  const void *data;
  int64_t rows, columns;
  int32_t dtype;    /* A flowc_dtype. */
  int32_t reserved; /* 0. */
} flowc_input;

/* An array that is written. It must not overlap any other array of the call. */
typedef struct flowc_output {
  void *data;
  int64_t rows, columns;
  int32_t dtype;    /* A flowc_dtype. */
  int32_t reserved; /* 0. */
} flowc_output;

static inline flowc_input flowc_in_f32(const float *data, int64_t rows, int64_t columns) {
  flowc_input array = {data, rows, columns, FLOWC_F32, 0};
  return array;
}
static inline flowc_input flowc_in_f64(const double *data, int64_t rows, int64_t columns) {
  flowc_input array = {data, rows, columns, FLOWC_F64, 0};
  return array;
}
static inline flowc_output flowc_out_f32(float *data, int64_t rows, int64_t columns) {
  flowc_output array = {data, rows, columns, FLOWC_F32, 0};
  return array;
}
static inline flowc_output flowc_out_f64(double *data, int64_t rows, int64_t columns) {
  flowc_output array = {data, rows, columns, FLOWC_F64, 0};
  return array;
}
/* No array: the condition of a flow that has none, an output that is not wanted. */
static inline flowc_input flowc_no_input(void) { return flowc_in_f64(NULL, 0, 0); }
static inline flowc_output flowc_no_output(void) { return flowc_out_f64(NULL, 0, 0); }

/*===----------------------------------------------------------------------===*\
|* Flows
\*===----------------------------------------------------------------------===*/

/* A parsed and checked flow, bijection or density (docs/Language.md). Immutable. */
typedef struct flowc_flow flowc_flow;

typedef enum flowc_flow_kind { FLOWC_DISTRIBUTION = 0, FLOWC_BIJECTION = 1, FLOWC_DENSITY = 2 } flowc_flow_kind;

/* Parses `text`. `name` selects one of several items (null: the last `flow`, else the last
 * `bijection`, else the last `density`). `file` is what messages call the text, and data
 * files that it names are looked for beside it (null: "<text>"). Errors: of the text, with
 * the line and a caret under the place. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_flow_parse(const char *text, const char *name, const char *file,
                                                       flowc_flow **result);
/* The same for a `density` item (null: the last one): a target for a flow to approximate. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_flow_parse_density(const char *text, const char *name, const char *file,
                                                               flowc_flow **result);
/* Another handle of the same flow. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_flow_copy(const flowc_flow *flow, flowc_flow **result);
FLOWC_API void flowc_flow_free(flowc_flow *flow);

FLOWC_API flowc_flow_kind flowc_flow_get_kind(const flowc_flow *flow);
FLOWC_API const char *flowc_flow_name(const flowc_flow *flow);
/* The text that it was parsed from. */
FLOWC_API const char *flowc_flow_text(const flowc_flow *flow);
/* Number of coordinates of an event, and its shape: `*rank` numbers, whose product that is. */
FLOWC_API int64_t flowc_flow_dim(const flowc_flow *flow);
FLOWC_API const int64_t *flowc_flow_shape(const flowc_flow *flow, size_t *rank);
/* Number of elements of the condition (0: there is none), and its shape. */
FLOWC_API int64_t flowc_flow_cond_dim(const flowc_flow *flow);
FLOWC_API const int64_t *flowc_flow_cond_shape(const flowc_flow *flow, size_t *rank);

/* The flow in units of data: `flow` and, outside of it, a frozen affine layer (and one for
 * the condition) that gives the columns of `x` mean 0 and variance 1. Flows learn
 * such data much faster. `x`: rows of events; `condition`: of conditions, for a
 * conditional flow. Errors: a constant column; a flow whose support is not all of R^D. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_flow_standardize(const flowc_flow *flow, flowc_input x,
                                                             flowc_input condition, flowc_flow **result);

/* The same flow with its text in the layout of `flowc format`. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_flow_format(const flowc_flow *flow, flowc_flow **result);

/*===----------------------------------------------------------------------===*\
|* The vocabulary of the language, for those who write texts
\*===----------------------------------------------------------------------===*/

/* Constructors of the language, functions that make arrays included (docs/Language.md): how
 * many there are, the name of one ("" beyond the last) and what it constructs (Markdown).
 * Texts live for ever. */
FLOWC_API size_t flowc_num_constructors(void);
FLOWC_API const char *flowc_constructor_name(size_t i);
FLOWC_API const char *flowc_constructor_documentation(size_t i);
/* Its arguments in their order: the name of one ("" beyond the last), and what it is if it is
 * left out, as the language writes it; null if it has to be given. */
FLOWC_API size_t flowc_constructor_num_arguments(size_t i);
FLOWC_API const char *flowc_constructor_argument(size_t i, size_t argument);
FLOWC_API const char *flowc_constructor_default(size_t i, size_t argument);
/* Activations of networks: how many there are, and the name of one ("" beyond the last). */
FLOWC_API size_t flowc_num_activations(void);
FLOWC_API const char *flowc_activation_name(size_t i);

/*===----------------------------------------------------------------------===*\
|* Models
\*===----------------------------------------------------------------------===*/

/* The parameters of a flow, in one element type. */
typedef struct flowc_model flowc_model;

/* Initial parameters: those of stream `seed`. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_init(const flowc_flow *flow, flowc_dtype dtype, uint64_t seed,
                                                       flowc_model **result);
/* Reads a `.safetensors` model file; everything in it is checked. `name` as for
 * `flowc_flow_parse`. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_load(const char *path, const char *name, flowc_model **result);
/* Reads what `equinox.tree_serialise_leaves` wrote (a model trained with FlowJAX); every
 * constant in it is compared with the flow. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_import_equinox(const flowc_flow *flow, const char *path,
                                                                 flowc_model **result);
/* Writes a model file: a temporary file, synced and renamed. `record` (null: none) is kept as
 * the record of the training, JSON (docs/ABI.md). */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_save(const flowc_model *model, const char *path, const char *record);
/* A deep copy. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_copy(const flowc_model *model, flowc_model **result);
/* A copy in another element type. What is out of the range of float32 is an error. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_astype(const flowc_model *model, flowc_dtype dtype,
                                                         flowc_model **result);
FLOWC_API void flowc_model_free(flowc_model *model);

FLOWC_API const flowc_flow *flowc_model_flow(const flowc_model *model);
FLOWC_API flowc_dtype flowc_model_dtype(const flowc_model *model);
/* The record of the training from the file that it was loaded from, JSON; "" if there is none. */
FLOWC_API const char *flowc_model_record(const flowc_model *model);

/* Parameters are arrays with names, in FlowJAX's leaf order: trainable ones, frozen ones, and
 * permutations (whole numbers). */
FLOWC_API size_t flowc_model_num_parameters(const flowc_model *model);
/* The name of parameter `i`, such as `.bijection.bijection.loc`; "" if there is none. */
FLOWC_API const char *flowc_model_parameter_name(const flowc_model *model, size_t i);
FLOWC_API const int64_t *flowc_model_parameter_shape(const flowc_model *model, size_t i, size_t *rank);
/* The product of its shape. */
FLOWC_API int64_t flowc_model_parameter_size(const flowc_model *model, size_t i);
/* 1 or 0: whether training changes it; whether it is a permutation. */
FLOWC_API int flowc_model_parameter_is_trainable(const flowc_model *model, size_t i);
FLOWC_API int flowc_model_parameter_is_integer(const flowc_model *model, size_t i);
/* The number of the parameter of this name. Errors: there is none; suggests the nearest. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_find_parameter(const flowc_model *model, const char *name, size_t *i);
/* Copies parameter `i` to or from an array of as many numbers (whatever its rows and
 * columns) of either element type, row-major. Errors of writing, which change nothing:
 * numbers that are not finite or out of range; of permutations, what is none. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_get_parameter(const flowc_model *model, size_t i,
                                                                flowc_output values);
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_set_parameter(flowc_model *model, size_t i, flowc_input values);
/* Writes `count` parameters at once, all or none: those of numbers `which[0]` ... A
 * permutation has to be written together with its inverse, which is a parameter, too. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_set_parameters(flowc_model *model, size_t count, const size_t *which,
                                                                 const flowc_input *values);
/* All trainable parameters one after the other, in leaf order, as gradients are. */
FLOWC_API int64_t flowc_model_num_trainable(const flowc_model *model);
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_get_trainable(const flowc_model *model, flowc_output values);
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_model_set_trainable(flowc_model *model, flowc_input values);

#ifdef __cplusplus
} /* extern "C" */
#endif

/* NOLINTEND(modernize-use-using,modernize-deprecated-headers) */

#include "flowc/flowc-c-kernels.h"
#include "flowc/flowc-c-training.h"

#include "flowc/flowc-c-tables.h"

#endif /* FLOWC_FLOWC_C_H */
