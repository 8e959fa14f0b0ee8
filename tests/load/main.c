/* SPDX-License-Identifier: MIT */
/*
 * mixed-load DIR SAID COUNT: two processes of each role work in DIR at once, in directories of
 * their own. What they say is in files in SAID. COUNT is how much each does.
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OF_EACH_ROLE 2

static const struct role {
	const char *name;
	void (*run)(unsigned int count);
} roles[] = {
	{"buffered", load_buffered},
	{"direct", load_direct},
	{"mapped", load_mapped},
	{"names", load_names},
	{"xattrs", load_xattrs},
	{"many", load_many},
	{"signals", load_signals},
	{"locks", load_locks},
};

static char self[32];
static uint32_t state;

uint32_t load_random(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % limit;
}

void load_must(bool well, const char *what)
{
	if (well)
		return;
	fprintf(stderr, "%s: %s: %s\n", self, what, strerror(errno));
	exit(EXIT_FAILURE);
}

const char *load_result(int result)
{
	return result < 0 ? strerrorname_np(errno) : "ok";
}

static void say_to(const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, self);
	load_must(freopen(path, "w", stdout), path);
}

_Noreturn static void run(unsigned int i, char **argv)
{
	const struct role *role = &roles[i / OF_EACH_ROLE];

	snprintf(self, sizeof(self), "%s-%u", role->name, i % OF_EACH_ROLE);
	state = i + 1;
	say_to(argv[2]);
	load_must(!chdir(argv[1]) && !mkdir(self, 0755) && !chdir(self), "mkdir");
	role->run((unsigned int)strtoul(argv[3], NULL, 10));
	exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	unsigned int num = OF_EACH_ROLE * sizeof(roles) / sizeof(roles[0]);
	bool well = argc == 4;
	unsigned int i;
	int status;

	umask(022);
	for (i = 0; well && i < num; i++) {
		if (!fork())
			run(i, argv);
	}
	while (wait(&status) > 0)
		well = well && !status;
	return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
