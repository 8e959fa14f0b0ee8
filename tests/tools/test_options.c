/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <vfs/quirks.h>

#include "options.h"
#include "report.h"

#define TOKEN "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3"

static char said[256];
static unsigned int num_said;

void report_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(said, sizeof(said), format, ap);
	va_end(ap);
	num_said++;
}

const char *report_libfuse(void)
{
	return "libfuse's words";
}

const char *report_reason(int error)
{
	(void)error;
	return "no such quirk";
}

int vfs_quirk_parse(const char *names, unsigned int *quirks)
{
	if (strcmp(names, "one:two") != 0)
		return -1;
	*quirks = 12;
	return 0;
}

static char *program = "virtiofs-fuse";

/* Parses the program's name and the words of @line. */
static int parse(struct options *options, const char *line)
{
	char *argv[16] = {program};
	char copy[256];
	int argc = 1;
	char *word;

	num_said = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return options_parse(options, argc, argv);
}

static void refused(const char *line, const char *because)
{
	struct options options;

	assert_int_equal(parse(&options, line), -1);
	assert_int_equal(num_said, 1);
	assert_non_null(strstr(said, because));
	options_free(&options);
}

/* What libfuse gets, without its name, as one string. */
static void mount_args(const char *line, const char *tag, char *text, size_t size)
{
	struct options options;
	struct fuse_args args;
	int i;

	assert_int_equal(parse(&options, line), 0);
	assert_int_equal(options_mount_args(&options, tag, &args), 0);
	text[0] = '\0';
	for (i = 1; i < args.argc; i++) {
		strncat(text, args.argv[i], size - strlen(text) - 1);
		strncat(text, " ", size - strlen(text) - 1);
	}
	fuse_opt_free_args(&args);
	options_free(&options);
}

static void test_defaults(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "myfs /mnt"), 0);
	assert_string_equal(options.device, "myfs");
	assert_string_equal(options.dir, "/mnt");
	assert_false(options.foreground);
	assert_false(options.debug);
	assert_true(options.posix_acl);
	assert_true(options.writeback);
	assert_int_equal(options.dma, VFS_DMA_AUTO);
	assert_int_equal(options.vfio, VFS_VFIO_AUTO);
	assert_null(options.vf_token);
	assert_int_equal(options.dax, VFS_DAX_NEVER);
	assert_int_equal(options.dax_range, 0);
	assert_int_equal(options.max_write, 1 << 20);
	assert_int_equal(options.readahead, 0);
	assert_int_equal(options.depth, 32);
	assert_int_equal(options.timeout, 10);
	assert_int_equal(options.poll, VFS_POLL_AUTO);
	assert_int_equal(options.lane, LANE_AUTO);
	assert_int_equal(options.queues, 0);
	assert_false(options.has_cpus);
	assert_int_equal(options.request_timeout, 0);
	assert_int_equal(options.device_loss, DEVICE_LOSS_FAIL);
	assert_int_equal(options.cache, CACHE_AUTO);
	assert_int_equal(options.sandbox, SANDBOX_AUTO);
	assert_int_equal(options.hugepages, VFS_HUGEPAGES_AUTO);
	assert_int_equal(options.allow_other, geteuid() == 0);
	options_free(&options);
}

static void test_own_options(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(
		parse(&options, "-o dma=iova,max_write=65536,readahead=262144 0000:00:05.0 -f /mnt "
				"-o quirks=one:two,depth=8,timeout=3,no_posix_acl,no_writeback"),
		0);
	assert_string_equal(options.device, "0000:00:05.0");
	assert_string_equal(options.dir, "/mnt");
	assert_true(options.foreground);
	assert_false(options.posix_acl);
	assert_false(options.writeback);
	assert_int_equal(options.dma, VFS_DMA_IOVA);
	assert_int_equal(options.max_write, 65536);
	assert_int_equal(options.readahead, 262144);
	assert_int_equal(options.quirks, 12);
	assert_int_equal(options.depth, 8);
	assert_int_equal(options.timeout, 3);
	assert_int_equal(options.poll, VFS_POLL_AUTO);
	options_free(&options);
}

static void expect_poll(const char *arguments, enum vfs_poll poll)
{
	struct options options;

	assert_int_equal(parse(&options, arguments), 0);
	assert_int_equal(options.poll, poll);
	options_free(&options);
}

static void test_ways_to_wait(void **state)
{
	(void)state;
	expect_poll("myfs /mnt -o poll=auto", VFS_POLL_AUTO);
	expect_poll("myfs /mnt -o poll=always", VFS_POLL_ALWAYS);
	expect_poll("myfs /mnt -o poll=never", VFS_POLL_NEVER);
	refused("myfs /mnt -o poll=often", "poll=often");
}

static void test_lanes(void **state)
{
	static const char *const lines[] = {
		[LANE_AUTO] = "myfs /mnt -o lane=auto",
		[LANE_URING] = "myfs /mnt -o lane=uring",
		[LANE_READERS] = "myfs /mnt -o lane=readers,queues=1",
		[LANE_SINGLE] = "myfs /mnt -o lane=single,queues=1024",
	};
	struct options options;
	int i;

	(void)state;
	for (i = LANE_AUTO; i <= LANE_SINGLE; i++) {
		assert_int_equal(parse(&options, lines[i]), 0);
		assert_int_equal(options.lane, i);
		options_free(&options);
	}
	assert_int_equal(options.queues, 1024);
	refused("myfs /mnt -o lane=fast", "auto, uring, readers or single");
	refused("myfs /mnt -o queues=0", "queues=0");
	refused("myfs /mnt -o queues=1025", "from 1 to 1024");
}

/* A processor that this process may run on; the kernel has at least one. */
static unsigned int some_cpu(void)
{
	unsigned int cpu = 0;
	cpu_set_t allowed;

	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	return cpu;
}

static void test_processors(void **state)
{
	unsigned int cpu = some_cpu();
	struct options options;
	cpu_set_t expected;
	char line[64];

	(void)state;
	CPU_ZERO(&expected);
	CPU_SET(cpu, &expected);
	snprintf(line, sizeof(line), "myfs /mnt -o cpus=%u", cpu);
	assert_int_equal(parse(&options, line), 0);
	assert_true(options.has_cpus);
	assert_true(CPU_EQUAL(&options.cpus, &expected));
	options_free(&options);
	/* None has so many that the last one is there. */
	snprintf(line, sizeof(line), "myfs /mnt -o cpus=1022-1023:%u-%u", cpu, cpu);
	assert_int_equal(parse(&options, line), 0);
	assert_true(CPU_EQUAL(&options.cpus, &expected));
	options_free(&options);
	snprintf(line, sizeof(line), "myfs /mnt -o cpus=1023\\,%u", cpu);
	assert_int_equal(parse(&options, line), 0);
	assert_true(CPU_EQUAL(&options.cpus, &expected));
	options_free(&options);
}

static void test_processors_that_there_are_not(void **state)
{
	(void)state;
	refused("myfs /mnt -o cpus=1023", "none of them is online");
	refused("myfs /mnt -o cpus=", "numbers and ranges");
	refused("myfs /mnt -o cpus=1-", "numbers and ranges");
	refused("myfs /mnt -o cpus=3-1", "numbers and ranges");
	refused("myfs /mnt -o cpus=0:", "numbers and ranges");
	refused("myfs /mnt -o cpus=0;1", "numbers and ranges");
	refused("myfs /mnt -o cpus=1024", "below 1024");
	refused("myfs /mnt -o cpus=-1", "numbers and ranges");
	refused("myfs /mnt -o cpus=99999999999999999999", "numbers and ranges");
}

static void test_when_the_device_does_not_answer(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "myfs /mnt -o request_timeout=30,device_loss=unmount"), 0);
	assert_int_equal(options.request_timeout, 30);
	assert_int_equal(options.device_loss, DEVICE_LOSS_UNMOUNT);
	options_free(&options);
	assert_int_equal(parse(&options, "myfs /mnt -o request_timeout=0,device_loss=wait"), 0);
	assert_int_equal(options.request_timeout, 0);
	assert_int_equal(options.device_loss, DEVICE_LOSS_WAIT);
	options_free(&options);
	refused("myfs /mnt -o request_timeout=1m", "request_timeout=1m");
	refused("myfs /mnt -o device_loss=no", "fail, wait or unmount");
}

static void expect_cache(const char *arguments, enum cache_mode cache)
{
	struct options options;

	assert_int_equal(parse(&options, arguments), 0);
	assert_int_equal(options.cache, cache);
	options_free(&options);
}

static void test_ways_to_cache(void **state)
{
	(void)state;
	expect_cache("myfs /mnt -o cache=auto", CACHE_AUTO);
	expect_cache("myfs /mnt -o cache=none", CACHE_NONE);
	expect_cache("myfs /mnt -o cache=always", CACHE_ALWAYS);
	refused("myfs /mnt -o cache=never", "auto, none or always");
}

static void expect_sandbox(const char *arguments, enum sandbox_mode sandbox)
{
	struct options options;

	assert_int_equal(parse(&options, arguments), 0);
	assert_int_equal(options.sandbox, sandbox);
	options_free(&options);
}

static void test_sandboxes(void **state)
{
	(void)state;
	expect_sandbox("myfs /mnt -o sandbox=auto", SANDBOX_AUTO);
	expect_sandbox("myfs /mnt -o sandbox=off", SANDBOX_OFF);
	expect_sandbox("myfs /mnt -o sandbox=on", SANDBOX_ON);
	refused("myfs /mnt -o sandbox=chroot", "auto, off or on");
}

static void expect_hugepages(const char *arguments, enum vfs_hugepages hugepages)
{
	struct options options;

	assert_int_equal(parse(&options, arguments), 0);
	assert_int_equal(options.hugepages, hugepages);
	options_free(&options);
}

static void test_hugepages(void **state)
{
	(void)state;
	expect_hugepages("myfs /mnt -o hugepages", VFS_HUGEPAGES_ALWAYS);
	expect_hugepages("myfs /mnt -o no_hugepages", VFS_HUGEPAGES_NEVER);
	expect_hugepages("myfs /mnt -o hugepages,no_hugepages", VFS_HUGEPAGES_NEVER);
}

static void test_features(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "myfs /mnt -o features_off=async_read:SECURITY_CTX"), 0);
	assert_int_equal(options.features_off, FUSE_ASYNC_READ | FUSE_SECURITY_CTX);
	assert_int_equal(options.require, 0);
	options_free(&options);
	assert_int_equal(parse(&options, "myfs /mnt -o require=posix_acl"), 0);
	assert_int_equal(options.features_off, 0);
	assert_int_equal(options.require, FUSE_POSIX_ACL);
	options_free(&options);
	refused("myfs /mnt -o features_off=posix_acl:nonsense", "\"nonsense\" is no feature");
	refused("myfs /mnt -o require=posix_acl:", "\"\" is no feature");
	refused("myfs /mnt -o require=a_name_that_is_longer_than_any_feature_has", "is no feature");
	refused("myfs /mnt -o require=posix_acl,features_off=posix_acl",
		"off and required at once: posix_acl");
}

static void test_options_of_the_window(void **state)
{
	static const struct {
		const char *line;
		enum vfs_dax_mode mode;
	} modes[] = {
		{"-o dax=never myfs /mnt", VFS_DAX_NEVER},
		{"-o dax=auto myfs /mnt", VFS_DAX_AUTO},
		{"-o dax=always myfs /mnt", VFS_DAX_ALWAYS},
		{"-o dax=inode myfs /mnt", VFS_DAX_INODE},
	};
	struct options options;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(parse(&options, modes[i].line), 0);
		assert_int_equal(options.dax, modes[i].mode);
		options_free(&options);
	}
	assert_int_equal(parse(&options, "-o dax=auto,dax_range=65536 myfs /mnt"), 0);
	assert_int_equal(options.dax_range, 65536);
	options_free(&options);
	refused("-o dax=yes myfs /mnt", "never, auto, always or inode");
	refused("-o dax_range=2048 myfs /mnt", "dax_range=2048");
	refused("-o dax_range=12288 myfs /mnt", "power of 2");
}

static void test_options_of_vfio(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "myfs /mnt -o vfio=group,vf_token=" TOKEN), 0);
	assert_int_equal(options.vfio, VFS_VFIO_GROUP);
	assert_string_equal(options.vf_token, TOKEN);
	options_free(&options);
	assert_int_equal(parse(&options, "myfs /mnt -o vfio=iommufd"), 0);
	assert_int_equal(options.vfio, VFS_VFIO_IOMMUFD);
	options_free(&options);
}

static void test_debug_stays_in_the_foreground(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "-d myfs /mnt"), 0);
	assert_true(options.foreground);
	options_free(&options);
}

static void test_help_and_version_need_no_device(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "-h"), 0);
	assert_true(options.help);
	options_free(&options);
	assert_int_equal(parse(&options, "--version"), 0);
	assert_true(options.version);
	options_free(&options);
}

static void test_mistakes_are_named_in_one_line(void **state)
{
	(void)state;
	refused("", "tag, PCI address or socket is missing");
	refused("myfs", "mount point is missing");
	refused("myfs /mnt /too/much", "\"/too/much\"");
	refused("myfs /mnt -o frobnicate", "\"frobnicate\"");
	refused("myfs /mnt -x", "\"-x\"");
	refused("myfs /mnt -o", "libfuse's words");
	refused("myfs /mnt -o dma=fast", "dma=fast");
	refused("myfs /mnt -o vfio=fast", "vfio=fast");
	refused("myfs /mnt -o quirks=none-such", "quirks=none-such: no such quirk");
	refused("myfs /mnt -o max_write=4095", "max_write=4095");
	refused("myfs /mnt -o max_write=1M", "max_write=1M");
	refused("myfs /mnt -o readahead=0", "readahead=0");
	refused("myfs /mnt -o depth=0", "depth=0");
	refused("myfs /mnt -o depth=-1", "depth=-1");
	refused("myfs /mnt -o timeout=", "timeout=");
	refused("myfs /mnt -o allow_other,allow_root", "exclude each other");
}

static void test_libfuse_gets_its_options_and_our_defaults(void **state)
{
	char text[256];

	(void)state;
	mount_args("myfs /mnt -o ro,depth=4,auto_unmount,max_read=8192", "tag", text, sizeof(text));
	assert_non_null(strstr(text, "ro,max_read=8192"));
	assert_null(strstr(text, "depth"));
	/* Ours does that. */
	assert_null(strstr(text, "auto_unmount"));
	assert_non_null(strstr(text, "default_permissions"));
	assert_non_null(strstr(text, "fsname=tag"));
	assert_non_null(strstr(text, "subtype=virtiofs"));
	assert_int_equal(strstr(text, "allow_other") != NULL, geteuid() == 0);
}

static void test_users_names_win(void **state)
{
	char text[256];

	(void)state;
	mount_args("myfs /mnt -o fsname=mine,subtype=other", "tag", text, sizeof(text));
	assert_non_null(strstr(text, "fsname=mine"));
	assert_non_null(strstr(text, "subtype=other"));
	assert_null(strstr(text, "fsname=tag"));
	assert_null(strstr(text, "subtype=virtiofs"));
}

static void test_allow_root_replaces_allow_other(void **state)
{
	char text[256];

	(void)state;
	mount_args("myfs /mnt -o allow_root", "tag", text, sizeof(text));
	assert_non_null(strstr(text, "allow_root"));
	assert_null(strstr(text, "allow_other"));
}

static void test_tag_with_a_comma_is_no_option(void **state)
{
	char text[256];

	(void)state;
	mount_args("myfs /mnt", "a,suid", text, sizeof(text));
	assert_non_null(strstr(text, "fsname=a\\,suid"));
}

static void test_what_fstab_adds_is_accepted(void **state)
{
	char text[256];

	(void)state;
	mount_args("myfs /mnt -o rw,_netdev,nofail,x-systemd.automount,nosuid", "tag", text,
		sizeof(text));
	assert_non_null(strstr(text, "rw,nosuid"));
	assert_null(strstr(text, "_netdev"));
	assert_null(strstr(text, "x-systemd"));
}

static void test_list_and_check_need_no_mount_point(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "--check"), 0);
	assert_true(options.check);
	assert_null(options.device);
	options_free(&options);
	assert_int_equal(parse(&options, "--check myfs -o depth=4"), 0);
	assert_string_equal(options.device, "myfs");
	options_free(&options);
	assert_int_equal(parse(&options, "--list"), 0);
	assert_true(options.list);
	options_free(&options);
	refused("--list myfs", "--list takes no device");
	refused("--check myfs /mnt", "--check takes a device only");
}

static int as_helper(void **state)
{
	(void)state;
	program = "/sbin/mount.fuse.virtiofs";
	return 0;
}

static int as_itself(void **state)
{
	(void)state;
	program = "virtiofs-fuse";
	return 0;
}

static void test_flags_of_mount_are_taken(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(parse(&options, "myfs /mnt -n -v -t fuse.virtiofs -o depth=4"), 0);
	assert_string_equal(options.device, "myfs");
	assert_string_equal(options.dir, "/mnt");
	assert_int_equal(options.depth, 4);
	assert_true(options.from_mount);
	assert_false(options.foreground);
	assert_false(options.fake);
	options_free(&options);
	assert_int_equal(parse(&options, "myfs /mnt -fn"), 0);
	assert_true(options.fake);
	assert_false(options.foreground);
	options_free(&options);
	refused("myfs /mnt -N /proc/1/ns/mnt", "namespace");
}

static void test_sloppy_mount_takes_any_option(void **state)
{
	struct options options;

	(void)state;
	refused("myfs /mnt -o nonsense", "nonsense");
	assert_int_equal(parse(&options, "myfs /mnt -s -o nonsense,depth=5"), 0);
	assert_int_equal(options.depth, 5);
	options_free(&options);
	refused("myfs /mnt -s -o depth=0", "depth=0");
}

static void test_mount_calls_it_what_fstab_does(void **state)
{
	char text[256];

	(void)state;
	mount_args("00:05.0 /mnt -o rw", "tag", text, sizeof(text));
	assert_non_null(strstr(text, "fsname=00:05.0"));
	mount_args("00:05.0 /mnt -o fsname=mine", "tag", text, sizeof(text));
	assert_non_null(strstr(text, "fsname=mine"));
	assert_null(strstr(text, "fsname=00:05.0"));
}

static void test_mount_has_suid_and_dev_if_root(void **state)
{
	bool root = geteuid() == 0;
	char text[256];

	(void)state;
	mount_args("myfs /mnt -o rw", "tag", text, sizeof(text));
	assert_int_equal(strstr(text, "suid") != NULL, root);
	assert_int_equal(strstr(text, "dev") != NULL, root);
	mount_args("myfs /mnt -o rw,nosuid,nodev", "tag", text, sizeof(text));
	assert_null(strstr(text, ",suid"));
	assert_null(strstr(text, "dev,dev"));
	program = "virtiofs-fuse";
	mount_args("myfs /mnt -o rw", "tag", text, sizeof(text));
	assert_null(strstr(text, "suid"));
}

static void test_all_that_fstab_may_say(void **state)
{
	char text[256];

	(void)state;
	mount_args("myfs /mnt -o defaults,_netdev,nofail,noauto,users,owner,group,user=me,"
		   "relatime,lazytime,nodiratime,silent,comment=x,X-mount.mkdir,x-initrd.mount,"
		   "noexec",
		"tag", text, sizeof(text));
	assert_non_null(strstr(text, "-o noexec "));
}

#define AS_HELPER(name) cmocka_unit_test_setup_teardown(name, as_helper, as_itself)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_own_options),
		cmocka_unit_test(test_ways_to_wait),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_processors),
		cmocka_unit_test(test_processors_that_there_are_not),
		cmocka_unit_test(test_when_the_device_does_not_answer),
		cmocka_unit_test(test_ways_to_cache),
		cmocka_unit_test(test_sandboxes),
		cmocka_unit_test(test_hugepages),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_options_of_the_window),
		cmocka_unit_test(test_options_of_vfio),
		cmocka_unit_test(test_debug_stays_in_the_foreground),
		cmocka_unit_test(test_help_and_version_need_no_device),
		cmocka_unit_test(test_mistakes_are_named_in_one_line),
		cmocka_unit_test(test_libfuse_gets_its_options_and_our_defaults),
		cmocka_unit_test(test_users_names_win),
		cmocka_unit_test(test_allow_root_replaces_allow_other),
		cmocka_unit_test(test_tag_with_a_comma_is_no_option),
		cmocka_unit_test(test_what_fstab_adds_is_accepted),
		cmocka_unit_test(test_list_and_check_need_no_mount_point),
		AS_HELPER(test_flags_of_mount_are_taken),
		AS_HELPER(test_sloppy_mount_takes_any_option),
		AS_HELPER(test_mount_calls_it_what_fstab_does),
		AS_HELPER(test_mount_has_suid_and_dev_if_root),
		AS_HELPER(test_all_that_fstab_may_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
