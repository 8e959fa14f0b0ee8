/* SPDX-License-Identifier: MIT */
/* Behaviours of file operations by name, on the library's mount or on the kernel. */
#include <errno.h>
#include <getopt.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mount.h"
#include "names.h"

const struct calls *c;
void *fs;

/* ---- what checks share ---- */

int make_file(const char *path, mode_t mode, const char *text)
{
	void *file;
	ssize_t n;
	int r = c->open(fs, NULL, path, O_CREAT | O_EXCL | O_WRONLY, mode, &file);

	if (r < 0)
		return r;
	n = c->write(file, text, strlen(text));
	r = c->close(file);
	return n == (ssize_t)strlen(text) ? r : -EIO;
}

bool has_text(const char *path, const char *text)
{
	char buffer[256];
	void *file;
	ssize_t n;

	if (c->open(fs, NULL, path, O_RDONLY, 0, &file) < 0)
		return false;
	n = c->read(file, buffer, sizeof(buffer));
	c->close(file);
	return n == (ssize_t)strlen(text) && memcmp(buffer, text, strlen(text)) == 0;
}

long long mode_of(const char *path)
{
	struct stat stat;
	int r = c->stat(fs, NULL, path, &stat, AT_SYMLINK_NOFOLLOW);

	return r < 0 ? r : (long long)stat.st_mode;
}

long long size_of(const char *path)
{
	struct stat stat;
	int r = c->stat(fs, NULL, path, &stat, AT_SYMLINK_NOFOLLOW);

	return r < 0 ? r : (long long)stat.st_size;
}

long long links_of(const char *path)
{
	struct stat stat;
	int r = c->stat(fs, NULL, path, &stat, AT_SYMLINK_NOFOLLOW);

	return r < 0 ? r : (long long)stat.st_nlink;
}

void become(uid_t uid, mode_t mask)
{
	const struct vfs_caller caller = {.uid = uid, .gid = uid, .pid = 1, .umask = mask};

	c->become(&caller);
}

void root_again(void)
{
	become(0, 022);
}

/* ---- the program ---- */

struct files_settings {
	struct mount_settings mount;
	const char *only;
	unsigned int bad;
};

static void run_check(const struct check *check, struct files_settings *settings)
{
	static const char *const words[] = {"ok", "not ok", "skip"};
	enum check_result result;
	int r;

	root_again();
	r = names_remove_all(c, fs);
	result = r == 0 ? check->function() : CHECK_BAD;
	settings->bad += result == CHECK_BAD;
	printf("%s %s\n", words[result], check->name);
}

static void run_list(const struct check *check, struct files_settings *settings)
{
	regex_t regex;

	if (settings->only && regcomp(&regex, settings->only, REG_EXTENDED | REG_NOSUB) != 0) {
		settings->bad++;
		return;
	}
	for (; check->name; check++)
		if (!settings->only || regexec(&regex, check->name, 0, NULL, 0) == 0)
			run_check(check, settings);
	if (settings->only)
		regfree(&regex);
}

static const char usage[] = "usage: files --device DEVICE|--kernel DIR [OPTION...]\n"
			    "Checks of file operations, on a file system that is emptied.\n"
			    "\n" MOUNT_USAGE "  --only REGEX      checks whose name matches\n";

static const struct option options[] = {
	MOUNT_OPTIONS,
	{"only", required_argument, NULL, 'o'},
	{NULL, 0, NULL, 0},
};

static int run(struct files_settings *settings)
{
	struct mounted mounted;

	if (mount_start(&settings->mount, &mounted) < 0)
		return 2;
	c = mounted.calls;
	fs = mounted.fs;
	run_list(data_checks, settings);
	run_list(name_checks, settings);
	run_list(right_checks, settings);
	root_again();
	if (names_remove_all(c, fs) < 0 || mount_balanced(&mounted) < 0)
		settings->bad++;
	if (mount_end(&mounted) < 0)
		settings->bad++;
	return settings->bad ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct files_settings settings = {0};
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'o')
			settings.only = optarg;
		else
			good = mount_option(option, optarg, &settings.mount);
	}
	if (!good || optind != argc || !mount_settings_good(&settings.mount)) {
		fputs(usage, stderr);
		return 2;
	}
	setlinebuf(stdout);
	return run(&settings);
}
