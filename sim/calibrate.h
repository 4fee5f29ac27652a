/* SPDX-License-Identifier: BSD-2-Clause */

#ifndef SIM_CALIBRATE_H
#define SIM_CALIBRATE_H

/*
 * What this host's CPUs take, as far as a program can find out.
 *
 * Times are the least of many short batches: what disturbs only adds.  CPUs
 * are chosen by affinity, which is given back; priorities are left alone.
 */

/* Nanoseconds; 0: it could not be measured, and `why' says so. */
struct calibrated {
	double ns;
	const char *why;
};

struct calibration {
	unsigned cpus;		   /* that may be used */
	double mhz;		   /* of dependent additions */
	struct calibrated lock;	   /* an atomic exchange and a store */
	struct calibrated load;	   /* from the first cache */
	struct calibrated walk;	   /* that a load in another page adds */
	struct calibrated copy;	   /* 4 KiB, loaded and stored */
	struct calibrated invlpg;  /* one page */
	struct calibrated flush;   /* a whole TLB */
	struct calibrated line;	   /* from the CPU that wrote it last */
	struct calibrated remote;  /* that another CPU adds to an unmapping */
	struct calibrated handler; /* that it loses by it */
};

/* Takes a few seconds.  Returns 0 or an errno value. */
int calibrate(struct calibration *c);

#endif /* !SIM_CALIBRATE_H */
