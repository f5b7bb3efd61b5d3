/*===- flowc-c-tables.h - Tables from C ----------------------------*- C -*-===*\
|*                                                                            *|
|* Part of flowc, under the Apache License v2.0 with LLVM Exceptions.         *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A part of flowc/flowc-c.h: columns of files as they are, whole numbers,    *|
|* categories, dates and cells without a value among them (docs/Fitting.md).  *|
|* The record of a model remembers what they were: new files become rows of   *|
|* the model, and its samples rows of such a table.                           *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef FLOWC_FLOWC_C_TABLES_H
#define FLOWC_FLOWC_C_TABLES_H

#ifndef FLOWC_FLOWC_C_H
#error "include flowc/flowc-c.h instead"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*\
|* From a file to a flow
\*===----------------------------------------------------------------------===*/

typedef enum flowc_column_kind {
  FLOWC_COLUMN_ANY = 0, /* Found out. */
  FLOWC_COLUMN_REAL = 1,
  FLOWC_COLUMN_GRID = 2, /* Whole numbers, or rounded ones. */
  FLOWC_COLUMN_CATEGORY = 3
} flowc_column_kind;

typedef enum flowc_missing_cells {
  FLOWC_MISSING_ERROR = 0,
  FLOWC_MISSING_DROP = 1,     /* Rows with one are left out. */
  FLOWC_MISSING_INDICATOR = 2 /* Which are missing is a part of the model. */
} flowc_missing_cells;

/* What is known of a column. Given by pointer to an array; does not grow. */
typedef struct flowc_column {
  const char *name;    /* Or "#NUMBER", from 0. */
  double lower, upper; /* Its values lie between; -INFINITY, INFINITY: no bound. */
  int32_t kind;        /* A flowc_column_kind. */
  int32_t reserved;    /* 0. */
} flowc_column;

typedef struct flowc_table_options {
  size_t size; /* Of this struct: `flowc_table_options_init` sets it. */
  /* Names of columns of the event, and of the condition. Null: all that are no conditions; none. */
  const char *const *columns, *const *condition_columns;
  size_t num_columns, num_condition_columns; /* 0. */
  const flowc_column *known;                 /* Null. */
  size_t num_known;                          /* 0. */
  uint64_t seed;                             /* Of what repeated values are spread by. 0. */
  int32_t keep_ties;                         /* 1: repeated values are taken as they are. 0. */
  int32_t missing;                           /* A flowc_missing_cells. FLOWC_MISSING_ERROR. */
} flowc_table_options;

FLOWC_API void flowc_table_options_init(flowc_table_options *options, size_t size);

/* `flowc_fit_table` of the rows of a file: `.csv`, `.tsv`, `.npy`, `.npz` or
 * `FILE.safetensors:NAME`. `table` may be null; of `options` it takes no names, and a `dtype` of
 * -1 is float32 unless a column needs float64. The record of `training` has the columns. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_fit_file(const char *path, const flowc_table_options *table,
                                                     const flowc_fit_table_options *options, flowc_model **result,
                                                     flowc_training **training);

/*===----------------------------------------------------------------------===*\
|* Columns of a model
\*===----------------------------------------------------------------------===*/

/* What the columns are that a model was fitted to. */
typedef struct flowc_table flowc_table;

/* From the record of a model or a training; those of conditions if `is_condition` is not 0. An
 * error if the record tells nothing of columns that are more than real numbers. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_table_from_record(const char *record, int is_condition,
                                                              flowc_table **result);
FLOWC_API void flowc_table_free(flowc_table *table);
/* Numbers of the model that a row becomes: the columns of an array of events or conditions. */
FLOWC_API int64_t flowc_table_width(const flowc_table *table);
/* What to add to log-densities of rows to have log-probabilities of the values of grids. */
FLOWC_API double flowc_table_log_step(const flowc_table *table);
/* One line for each column. */
FLOWC_API const char *flowc_table_describe(const flowc_table *table);

/* Reads all rows of a file, which must be those of `result`, as numbers of the model. Columns are
 * found by their names where the file has names. Missing cells that the model has no place
 * for become NaN if the model left such rows out, else they are errors. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_table_read(const flowc_table *table, const char *path, flowc_output result);
/* Writes rows of the model as rows of the table: `.csv`, `.tsv` or `.npy`. */
FLOWC_API FLOWC_MUST_USE flowc_error *flowc_table_write(const flowc_table *table, flowc_input rows, const char *path);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* FLOWC_FLOWC_C_TABLES_H */
