/* no_target.c - A shared library that is no target.
 *
 * Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 */

int flowc_target_unknown(void) { return 0; }
