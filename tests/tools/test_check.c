/* SPDX-License-Identifier: MIT */
/* What --check finds in machines that are made up. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/virtio_config.h>

#include "check.h"
#include "inspect/fake_proc.h"
#include "options.h"

#define FS     "0000:00:05.0"
#define OTHER  "0000:00:05.1"
#define NOBODY 65534

/* Here instead of findings.c: a text that has all of them. */
static char found[4096];

static void take(const char *kind, const char *format, va_list args)
{
	size_t used = strlen(found);

	used += (size_t)snprintf(found + used, sizeof(found) - used, "%s: ", kind);
	used += (size_t)vsnprintf(found + used, sizeof(found) - used, format, args);
	snprintf(found + used, sizeof(found) - used, "\n");
}

void findings_ok(struct findings *findings, const char *format, ...)
{
	va_list args;

	(void)findings;
	va_start(args, format);
	take("ok", format, args);
	va_end(args);
}

void findings_warning(struct findings *findings, const char *format, ...)
{
	va_list args;

	findings->warnings++;
	va_start(args, format);
	take("warning", format, args);
	va_end(args);
}

void findings_problem(struct findings *findings, const char *format, ...)
{
	va_list args;

	findings->problems++;
	va_start(args, format);
	take("problem", format, args);
	va_end(args);
}

static char etc_root[PATH_MAX];
static struct findings findings;
static struct options options;

/* A machine where all is well. */
static int make(void **state)
{
	if (proc_make(state) < 0)
		return -1;
	found[0] = '\0';
	findings = (struct findings){0};
	options = (struct options){.max_write = 1U << 20, .depth = 32};
	snprintf(etc_root, sizeof(etc_root), "%s", tree_path("etc"));
	check_etc_root = etc_root;
	tree_file("dev/fuse", "%s", "");
	tree_good_function(FS, 12);
	tree_dir("sys/devices/pci0000:00/" FS "/vfio-dev/vfio3");
	tree_file("dev/vfio/devices/vfio3", "%s", "");
	tree_file("dev/iommu", "%s", "");
	tree_dir("sys/bus/pci/drivers/vfio-pci");
	tree_dir("sys/module/vfio_iommu_type1");
	return 0;
}

static int end(void **state)
{
	check_etc_root = "/etc";
	return proc_remove(state);
}

static void is_ok(const char *what)
{
	assert_int_equal(findings.problems, 0);
	assert_non_null(strstr(found, what));
}

/* One problem, and it has these words. */
static void is_problem(const char *what, const char *remedy)
{
	assert_int_equal(findings.problems, 1);
	assert_non_null(strstr(found, "problem: "));
	assert_non_null(strstr(strstr(found, "problem: "), what));
	assert_non_null(strstr(strstr(found, "problem: "), remedy));
}

static void is_warning(const char *what, const char *remedy)
{
	assert_int_equal(findings.problems, 0);
	assert_int_equal(findings.warnings, 1);
	assert_non_null(strstr(found, what));
	assert_non_null(strstr(found, remedy));
}

/* As a user who is not root, where the test is. */
static void fuse_as_user(void)
{
	uid_t root = geteuid();

	assert_int_equal(chmod(tree_path(""), 0755), 0);
	assert_int_equal(chmod(tree_path("dev/fuse"), 0666), 0);
	if (root == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	check_fuse(&findings, &options);
	if (root == 0)
		assert_int_equal(seteuid(0), 0);
}

static void put_fusermount(mode_t mode)
{
	char dir[PATH_MAX];

	tree_file("programs/fusermount3", "%s", "");
	assert_int_equal(chmod(tree_path("programs/fusermount3"), mode), 0);
	snprintf(dir, sizeof(dir), "/nowhere:%s", tree_path("programs"));
	setenv("PATH", dir, 1);
}

static void test_fuse_is_there(void **state)
{
	(void)state;
	check_fuse(&findings, &options);
	is_ok("dev/fuse can be opened");
	assert_null(strstr(found, "io_uring"));
}

static void test_fuse_is_missing(void **state)
{
	(void)state;
	assert_int_equal(unlink(tree_path("dev/fuse")), 0);
	check_fuse(&findings, &options);
	is_problem("dev/fuse does not exist", "modprobe fuse");
}

static void test_fuse_is_forbidden(void **state)
{
	(void)state;
	put_fusermount(04755);
	assert_int_equal(chmod(tree_path(""), 0755), 0);
	assert_int_equal(chmod(tree_path("dev/fuse"), 0), 0);
	if (geteuid() != 0 || seteuid(NOBODY) != 0)
		skip();
	check_fuse(&findings, &options);
	assert_int_equal(seteuid(0), 0);
	is_problem("no permission for", "run as root");
}

static void test_user_without_fusermount3(void **state)
{
	(void)state;
	setenv("PATH", "/nowhere::/nor/here", 1);
	fuse_as_user();
	is_problem("fusermount3 is not in PATH", "install it");
}

static void test_user_with_fusermount3(void **state)
{
	(void)state;
	put_fusermount(04755);
	fuse_as_user();
	is_ok("fusermount3 mounts for this user");
}

static void test_fusermount3_without_the_right(void **state)
{
	(void)state;
	put_fusermount(0755);
	fuse_as_user();
	is_warning("not set-uid root", "install it again");
}

static void test_user_may_not_allow_others(void **state)
{
	(void)state;
	put_fusermount(04755);
	tree_file("etc/fuse.conf", "#user_allow_other\nmount_max = 5\n");
	options.allow_other = true;
	fuse_as_user();
	is_problem("allow_other is for root only", "write the line user_allow_other into");
}

static void test_user_may_allow_others(void **state)
{
	(void)state;
	put_fusermount(04755);
	tree_file("etc/fuse.conf", "mount_max = 5\nuser_allow_other # all of us\n");
	options.allow_root = true;
	fuse_as_user();
	is_ok("lets users allow others");
}

#define ENABLE_URING "sys/module/fuse/parameters/enable_uring"

static void test_uring_can_be_used(void **state)
{
	(void)state;
	tree_file(ENABLE_URING, "Y\n");
	check_uring(&findings, &options, 0);
	is_ok("FUSE over io_uring is on");
	assert_int_equal(findings.warnings, 0);
}

static void test_uring_is_off(void **state)
{
	(void)state;
	tree_file(ENABLE_URING, "N\n");
	check_uring(&findings, &options, 0);
	is_warning("FUSE over io_uring is off", "echo Y >");
	options.lane = LANE_URING;
	check_uring(&findings, &options, 0);
	is_problem("FUSE over io_uring is off", "fuse.enable_uring=1");
}

static void test_uring_is_not_in_the_kernel(void **state)
{
	(void)state;
	check_uring(&findings, &options, 0);
	assert_string_equal(found, "");
	options.lane = LANE_URING;
	check_uring(&findings, &options, 0);
	is_problem("no FUSE over io_uring", "lane=uring");
}

static void test_uring_is_forbidden(void **state)
{
	(void)state;
	tree_file(ENABLE_URING, "Y\n");
	tree_file("proc/sys/kernel/io_uring_disabled", "2\n");
	check_uring(&findings, &options, -EPERM);
	is_warning("it is 2", "kernel.io_uring_disabled=0");
	options.lane = LANE_URING;
	check_uring(&findings, &options, -EPERM);
	is_problem("it is 2", "kernel.io_uring_disabled=0");
}

static void test_uring_is_forbidden_by_a_container(void **state)
{
	(void)state;
	tree_file(ENABLE_URING, "Y\n");
	check_uring(&findings, &options, -EPERM);
	is_warning("io_uring cannot be used", "io_uring_setup");
}

static void test_uring_is_not_wanted(void **state)
{
	(void)state;
	tree_file(ENABLE_URING, "N\n");
	options.lane = LANE_SINGLE;
	check_uring(&findings, &options, -EPERM);
	assert_string_equal(found, "");
}

static void test_no_such_socket(void **state)
{
	(void)state;
	check_socket(&findings, tree_path("fs.sock"));
	is_problem("fs.sock does not exist", "virtiofsd");
}

static void test_no_such_vfio_user_socket(void **state)
{
	char name[PATH_MAX];

	(void)state;
	snprintf(name, sizeof(name), "vfio-user:%s", tree_path("fs.sock"));
	check_socket(&findings, name);
	is_problem("fs.sock does not exist", "the vfio-user server");
}

static int bind_socket(int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", tree_path("fs.sock"));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void test_daemon_is_not_connected(void **state)
{
	int fd = bind_socket(SOCK_STREAM);

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	check_socket(&findings, tree_path("fs.sock"));
	is_ok("is the socket of a process");
	assert_int_equal(accept(fd, NULL, NULL), -1);
	close(fd);
}

static void test_nobody_listens(void **state)
{
	(void)state;
	close(bind_socket(SOCK_STREAM));
	check_socket(&findings, tree_path("fs.sock"));
	is_problem("nobody listens on", "start the daemon");
}

static void test_not_a_socket(void **state)
{
	(void)state;
	tree_file("fs.sock", "%s", "");
	check_socket(&findings, tree_path("fs.sock"));
	is_problem("it is no socket", "start the daemon");
}

static void test_socket_of_another_kind(void **state)
{
	int fd = bind_socket(SOCK_DGRAM);

	(void)state;
	check_socket(&findings, tree_path("fs.sock"));
	is_problem("datagram", "give the path");
	close(fd);
}

static void test_socket_is_forbidden(void **state)
{
	int fd = bind_socket(SOCK_STREAM);

	(void)state;
	assert_int_equal(chmod(tree_path(""), 0755), 0);
	assert_int_equal(chmod(tree_path("fs.sock"), 0), 0);
	if (geteuid() != 0 || seteuid(NOBODY) != 0)
		skip();
	check_socket(&findings, tree_path("fs.sock"));
	assert_int_equal(seteuid(0), 0);
	close(fd);
	is_problem("no permission for", "--socket-group");
}

static void test_path_is_too_long(void **state)
{
	char path[200] = "./";

	(void)state;
	memset(path + 2, 'a', sizeof(path) - 3);
	check_socket(&findings, path);
	is_problem("too long", "shorter");
}

static void test_good_function(void **state)
{
	(void)state;
	assert_true(check_function(&findings, FS));
	is_ok(FS " is bound to vfio-pci");
	is_ok("IOMMU group 12");
}

static void test_bound_to_another_driver(void **state)
{
	(void)state;
	tree_function(FS, TREE_VIRTIO, TREE_VIRTIO_FS, "virtio-pci", 12);
	assert_false(check_function(&findings, FS));
	is_problem(FS " is bound to virtio-pci: ", "virtiofs-inspect bind " FS);
}

static void test_bound_to_nothing_and_no_vfio(void **state)
{
	(void)state;
	assert_int_equal(unlink(tree_path("sys/devices/pci0000:00/" FS "/driver")), 0);
	assert_int_equal(rmdir(tree_path("sys/bus/pci/drivers/vfio-pci")), 0);
	assert_false(check_function(&findings, FS));
	is_problem("bound to no driver, and the kernel module vfio-pci is not loaded",
		"virtiofs-inspect bind");
}

static void test_no_iommu(void **state)
{
	(void)state;
	assert_int_equal(unlink(tree_path("sys/devices/pci0000:00/" FS "/iommu_group")), 0);
	assert_false(check_function(&findings, FS));
	is_problem("has no IOMMU group", "intel_iommu=on");
}

static void test_no_iommu_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(unlink(tree_path("sys/devices/pci0000:00/" FS "/iommu_group")), 0);
	tree_file("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	assert_true(check_function(&findings, FS));
	is_warning("has no IOMMU", "reach all memory");
}

static void test_group_that_vfio_made_up(void **state)
{
	(void)state;
	tree_file("sys/kernel/iommu_groups/12/name", "vfio-noiommu\n");
	tree_file("dev/vfio/noiommu-12", "%s", "");
	assert_int_equal(rmdir(tree_path("sys/module/vfio_iommu_type1")), 0);
	/* Nothing answers behind the file, but the module is not asked for. */
	assert_false(check_function(&findings, FS));
	is_problem("cannot ask for the state of IOMMU group 12", "");
	assert_non_null(strstr(found, "warning: " FS " has no IOMMU"));
}

static void test_group_is_shared(void **state)
{
	(void)state;
	tree_function(OTHER, TREE_VIRTIO, TREE_VIRTIO_NET, "virtio-pci", 12);
	assert_false(check_function(&findings, FS));
	is_problem("shares IOMMU group 12", "a slot of its own");
	assert_non_null(strstr(found, OTHER " (virtio-pci)"));
}

static void test_module_of_the_iommu_is_missing(void **state)
{
	(void)state;
	assert_int_equal(rmdir(tree_path("sys/module/vfio_iommu_type1")), 0);
	assert_int_equal(unlink(tree_path("dev/iommu")), 0);
	assert_false(check_function(&findings, FS));
	is_problem("vfio_iommu_type1 is not loaded", "modprobe vfio_iommu_type1");
}

static void test_iommufd_does_without_that_module(void **state)
{
	(void)state;
	assert_int_equal(rmdir(tree_path("sys/module/vfio_iommu_type1")), 0);
	assert_true(check_function(&findings, FS));
	is_ok("IOMMU group 12");
}

static void test_somebody_has_it(void **state)
{
	(void)state;
	proc_process(123, "dpdk", "first", "12");
	assert_false(check_function(&findings, FS));
	is_problem("in use by dpdk (process 123)", "end that");
}

static void test_files_of_vfio_are_missing(void **state)
{
	(void)state;
	assert_int_equal(unlink(tree_path("dev/vfio/12")), 0);
	assert_int_equal(unlink(tree_path("dev/iommu")), 0);
	assert_false(check_function(&findings, FS));
	is_problem("dev/vfio/12 does not exist", "vfio-pci");
}

#define FREE_PAGES "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"

static void memory(unsigned long long features, bool translated, bool addresses)
{
	const struct check_memory memory = {
		.features = features, .translated = translated, .addresses = addresses};

	check_memory(&findings, FS, &options, &memory);
}

static void test_translated_device(void **state)
{
	(void)state;
	memory(1ULL << VIRTIO_F_ACCESS_PLATFORM, true, false);
	is_ok("the IOMMU translates for " FS);
}

static void test_device_that_is_said_to_be_translated(void **state)
{
	(void)state;
	options.dma = VFS_DMA_IOVA;
	memory(0, true, false);
	is_ok("the IOMMU translates for " FS);
}

static void test_addresses_are_hidden(void **state)
{
	(void)state;
	tree_file(FREE_PAGES, "64\n");
	memory(0, true, false);
	is_problem("does not offer VIRTIO_F_ACCESS_PLATFORM", "CAP_SYS_ADMIN");
}

static void test_enough_hugepages(void **state)
{
	(void)state;
	tree_file(FREE_PAGES, "64\n");
	memory(0, false, true);
	is_ok("64 hugepages of 2 MiB are free");
}

static void test_hugepages_are_of_use(void **state)
{
	(void)state;
	tree_file(FREE_PAGES, "3\n");
	memory(0, true, true);
	is_warning("3 hugepages of 2 MiB are free", "vm.nr_hugepages=");
}

static void test_hugepages_are_needed(void **state)
{
	(void)state;
	memory(1ULL << VIRTIO_F_ACCESS_PLATFORM, false, true);
	is_problem("0 hugepages of 2 MiB are free", "vm.nr_hugepages=");
}

static void test_fewer_hugepages_for_smaller_options(void **state)
{
	(void)state;
	tree_file(FREE_PAGES, "3\n");
	options.depth = 4;
	options.max_write = 65536;
	memory(0, false, true);
	is_ok("3 hugepages of 2 MiB are free, 3 are used at most");
}

static void test_hugepages_are_wanted(void **state)
{
	(void)state;
	options.hugepages = VFS_HUGEPAGES_ALWAYS;
	memory(1ULL << VIRTIO_F_ACCESS_PLATFORM, true, true);
	is_problem("0 hugepages of 2 MiB are free", "vm.nr_hugepages=");
}

static void test_hugepages_are_not_wanted(void **state)
{
	(void)state;
	options.hugepages = VFS_HUGEPAGES_NEVER;
	memory(0, true, true);
	assert_null(strstr(found, "hugepages"));
	memory(0, false, true);
	is_problem("has no IOMMU", "no_hugepages");
}

static void test_limit_is_low(void **state)
{
	(void)state;
	check_locked(&findings, &options, 8 << 20);
	is_warning("8192 KiB", "LimitMEMLOCK=");
}

static void test_limit_is_high(void **state)
{
	(void)state;
	check_locked(&findings, &options, UINT64_MAX);
	is_ok("high enough");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fuse_is_there),
		TEST(test_fuse_is_missing),
		TEST(test_fuse_is_forbidden),
		TEST(test_user_without_fusermount3),
		TEST(test_user_with_fusermount3),
		TEST(test_fusermount3_without_the_right),
		TEST(test_user_may_not_allow_others),
		TEST(test_user_may_allow_others),
		TEST(test_uring_can_be_used),
		TEST(test_uring_is_off),
		TEST(test_uring_is_not_in_the_kernel),
		TEST(test_uring_is_forbidden),
		TEST(test_uring_is_forbidden_by_a_container),
		TEST(test_uring_is_not_wanted),
		TEST(test_no_such_socket),
		TEST(test_no_such_vfio_user_socket),
		TEST(test_daemon_is_not_connected),
		TEST(test_nobody_listens),
		TEST(test_not_a_socket),
		TEST(test_socket_of_another_kind),
		TEST(test_socket_is_forbidden),
		TEST(test_path_is_too_long),
		TEST(test_good_function),
		TEST(test_bound_to_another_driver),
		TEST(test_bound_to_nothing_and_no_vfio),
		TEST(test_no_iommu),
		TEST(test_no_iommu_is_allowed),
		TEST(test_group_that_vfio_made_up),
		TEST(test_group_is_shared),
		TEST(test_module_of_the_iommu_is_missing),
		TEST(test_iommufd_does_without_that_module),
		TEST(test_somebody_has_it),
		TEST(test_files_of_vfio_are_missing),
		TEST(test_translated_device),
		TEST(test_device_that_is_said_to_be_translated),
		TEST(test_addresses_are_hidden),
		TEST(test_enough_hugepages),
		TEST(test_hugepages_are_of_use),
		TEST(test_hugepages_are_needed),
		TEST(test_fewer_hugepages_for_smaller_options),
		TEST(test_hugepages_are_wanted),
		TEST(test_hugepages_are_not_wanted),
		TEST(test_limit_is_low),
		TEST(test_limit_is_high),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
