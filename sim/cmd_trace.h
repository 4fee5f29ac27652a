/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_CMD_TRACE_H
#define SIM_CMD_TRACE_H

/*
 * `ephmap trace generate|import|info|convert`.  argv[0] is "trace".
 * Returns the exit status: 0, or 2 for bad usage or input.
 */
int cmd_trace(int argc, char **argv);

#endif /* !SIM_CMD_TRACE_H */
