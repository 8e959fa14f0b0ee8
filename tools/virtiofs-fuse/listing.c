/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <locale.h>
#include <stdio.h>

#include "inspect.h"
#include "report.h"

int listing_print(void)
{
	int error;

	setlocale(LC_ALL, "");
	error = verb_list(0, NULL);
	if (error) {
		report_error("%s", report_reason(error));
		return -1;
	}
	if (fflush(stdout) == EOF) {
		report_error("cannot write the list");
		return -1;
	}
	return 0;
}
