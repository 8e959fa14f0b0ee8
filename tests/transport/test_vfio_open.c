/* SPDX-License-Identifier: MIT */
/* By which files a function is opened, and what is asked of each. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/vfio.h>

#include "core/core.h"
#include "transport/fake_tree.h"
#include "transport/fake_vfio.h"
#include "transport/sysfs.h"
#include "transport/vfio.h"
#include "transport/vfio_compat.h"

#define TOKEN	    "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3"
#define OTHER_TOKEN "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f4"

static struct vfs_device_options options;
static struct vfs_pci *pci;

static int setup(void **state)
{
	options = (struct vfs_device_options){.dma = VFS_DMA_AUTO};
	pci = NULL;
	return fake_vfio_make(state);
}

static int teardown(void **state)
{
	if (pci)
		pci->ops->close(pci);
	return fake_vfio_remove(state);
}

static int open_it(void)
{
	return vfs_vfio_open(FAKE_FS, FAKE_GROUP, &options, &pci);
}

static void close_it(void)
{
	pci->ops->close(pci);
	pci = NULL;
}

static void opens(void)
{
	if (open_it() < 0)
		fail_msg("%s", vfs_last_error());
	assert_string_equal(pci->bdf, FAKE_FS);
}

static void refuses(int error, const char *first, const char *second)
{
	assert_int_equal(open_it(), error);
	assert_null(pci);
	if (!strstr(vfs_last_error(), first) || !strstr(vfs_last_error(), second))
		fail_msg("'%s' does not say '%s' and '%s'", vfs_last_error(), first, second);
}

static void by_iommufd(void)
{
	opens();
	assert_true(fake_vfio.attached);
	assert_false(fake_vfio.in_container);
}

static void by_group(void)
{
	opens();
	assert_true(fake_vfio.in_container);
	assert_false(fake_vfio.bound);
}

static void remove_file(const char *name)
{
	assert_int_equal(unlink(tree_path(name)), 0);
}

static void map_one_page(unsigned int access)
{
	static _Alignas(4096) uint8_t page[4096];
	struct vfs_dma_map map = {
		.vaddr = page, .iova = 0x10000, .length = sizeof(page), .access = access, .fd = -1};

	assert_int_equal(pci->ops->dma_map(pci, &map), 0);
	if (fake_vfio.num_maps) {
		assert_ptr_equal(fake_vfio.map.vaddr, page);
		assert_int_equal(fake_vfio.map.iova, 0x10000);
		assert_int_equal(fake_vfio.map.length, sizeof(page));
	}
}

/* ---- which interface ---- */

static void own_device_is_taken_where_there_is_one(void **state)
{
	(void)state;
	by_iommufd();
}

static void group_is_taken_where_there_is_no_own_device(void **state)
{
	(void)state;
	remove_file("dev/vfio/devices/vfio3");
	by_group();
}

static void group_is_taken_where_there_is_no_iommufd(void **state)
{
	(void)state;
	remove_file("dev/iommu");
	by_group();
	assert_int_equal(fake_vfio.iommu, VFIO_TYPE1v2_IOMMU);
}

static void each_can_be_asked_for(void **state)
{
	(void)state;
	options.vfio = VFS_VFIO_GROUP;
	by_group();
	close_it();
	fake_vfio.in_container = false;
	options.vfio = VFS_VFIO_IOMMUFD;
	by_iommufd();
}

static void what_was_asked_for_and_is_not_there_is_named(void **state)
{
	(void)state;
	options.vfio = VFS_VFIO_IOMMUFD;
	remove_file("dev/iommu");
	refuses(-ENOTSUP, "dev/iommu does not exist", "iommufd");
	remove_file("dev/vfio/devices/vfio3");
	refuses(-ENOTSUP, "dev/vfio/devices/vfio3", FAKE_FS);
	assert_int_equal(rmdir(tree_path("sys/devices/pci0000:00/" FAKE_FS "/vfio-dev/vfio3")), 0);
	refuses(-ENOTSUP, FAKE_FS, "/dev/vfio/devices");
	options.vfio = VFS_VFIO_GROUP;
	remove_file("dev/vfio/1");
	refuses(-ENOTSUP, "dev/vfio/1 does not exist", FAKE_FS);
}

/* A kernel without groups: what is wrong is not that there is none. */
static void own_devices_error_counts_where_there_is_no_group(void **state)
{
	(void)state;
	remove_file("dev/vfio/1");
	remove_file("dev/iommu");
	refuses(-ENOTSUP, "dev/iommu does not exist", "");
}

static void check_agrees_with_open(void **state)
{
	(void)state;
	assert_int_equal(vfs_vfio_check(FAKE_FS, FAKE_GROUP), 0);
	remove_file("dev/vfio/1");
	assert_int_equal(vfs_vfio_check(FAKE_FS, FAKE_GROUP), 0);
	remove_file("dev/iommu");
	assert_int_equal(vfs_vfio_check(FAKE_FS, FAKE_GROUP), -ENOTSUP);
	assert_false(fake_vfio.bound);
}

static void another_device_is_refused(void **state)
{
	static const uint8_t other[256] = {0xf4, 0x1a, 0x41, 0x10};

	(void)state;
	tree_bytes("dev/vfio/devices/vfio3", other, sizeof(other));
	refuses(-ENODEV, FAKE_FS, "not a virtio-fs device");
	assert_false(fake_vfio.has_ioas);
}

/* ---- iommufd ---- */

static void limits_of_an_iommufd(void **state)
{
	(void)state;
	by_iommufd();
	assert_int_equal(pci->limits.translation, VFS_TRANSLATED);
	assert_int_equal(pci->limits.num_ranges, 2);
	assert_int_equal(pci->limits.ranges[0].start, 0);
	assert_int_equal(pci->limits.ranges[0].last, 0xfedfffff);
	assert_int_equal(pci->limits.ranges[1].start, 0x100200000);
	assert_int_equal(pci->limits.ranges[1].last, 0x1002fffff);
	assert_int_equal(pci->limits.page_size, sysconf(_SC_PAGESIZE));
	assert_int_equal(pci->limits.max_entries, UINT32_MAX);
}

static void larger_pages_of_an_iommu_count(void **state)
{
	(void)state;
	fake_vfio.alignment = 65536;
	by_iommufd();
	assert_int_equal(pci->limits.page_size, 65536);
}

static void more_ranges_than_there_is_room_for_are_left_out(void **state)
{
	(void)state;
	fake_vfio.num_ranges = VFS_IOVA_RANGES_MAX + 1;
	by_iommufd();
	assert_int_equal(pci->limits.num_ranges, VFS_IOVA_RANGES_MAX);
}

static void no_range_is_refused(void **state)
{
	(void)state;
	fake_vfio.num_ranges = 0;
	refuses(-EPROTO, "address ranges", FAKE_FS);
	assert_false(fake_vfio.has_ioas);
}

static void memory_is_mapped_by_iommufd_where_it_was_said(void **state)
{
	(void)state;
	by_iommufd();
	map_one_page(VFS_DMA_DEVICE_READS);
	assert_int_equal(
		fake_vfio.map_flags, VFS_IOMMU_IOAS_MAP_FIXED_IOVA | VFS_IOMMU_IOAS_MAP_READABLE);
	map_one_page(VFS_DMA_DEVICE_READS | VFS_DMA_DEVICE_WRITES);
	assert_int_equal(fake_vfio.map_flags, VFS_IOMMU_IOAS_MAP_FIXED_IOVA |
						      VFS_IOMMU_IOAS_MAP_READABLE |
						      VFS_IOMMU_IOAS_MAP_WRITEABLE);
	assert_int_equal(pci->ops->dma_unmap(pci, 0x10000, 4096), 0);
	assert_int_equal(fake_vfio.num_maps, 2);
	assert_int_equal(fake_vfio.num_unmaps, 1);
}

static void closing_leaves_nothing_in_an_iommufd(void **state)
{
	(void)state;
	by_iommufd();
	close_it();
	assert_false(fake_vfio.attached);
	assert_false(fake_vfio.has_ioas);
}

static void bind_errors_say_what_to_do(void **state)
{
	(void)state;
	options.vfio = VFS_VFIO_IOMMUFD;
	fake_vfio.bind_error = EBUSY;
	refuses(-EBUSY, FAKE_FS, "in use by another process");
	/* Somebody has the device by its own file: the kernel says EINVAL. */
	fake_vfio.bind_error = EINVAL;
	refuses(-EBUSY, FAKE_FS, "in use by another process");
	fake_vfio.bind_error = EPERM;
	refuses(-ENOTSUP, "interrupt remapping", "allow_unsafe_interrupts=1");
	tree_function("0000:00:06.0", TREE_VIRTIO, TREE_VIRTIO_NET, "virtio-pci", FAKE_GROUP);
	refuses(-EBUSY, "group 1", "0000:00:06.0 (virtio-pci)");
}

/* ---- no IOMMU ---- */

static void without_an_iommu_memory_is_where_it_is(void **state)
{
	(void)state;
	fake_vfio_without_iommu();
	by_group();
	assert_int_equal(fake_vfio.iommu, VFIO_NOIOMMU_IOMMU);
	assert_int_equal(pci->limits.translation, VFS_UNTRANSLATED);
	assert_int_equal(pci->limits.num_ranges, 1);
	assert_int_equal(pci->limits.ranges[0].start, 0);
	assert_int_equal(pci->limits.ranges[0].last, UINT64_MAX);
	map_one_page(VFS_DMA_DEVICE_WRITES);
	assert_int_equal(pci->ops->dma_unmap(pci, 0x10000, 4096), 0);
	assert_int_equal(fake_vfio.num_maps + fake_vfio.num_unmaps, 0);
}

static void without_an_iommu_there_is_no_iommufd(void **state)
{
	(void)state;
	fake_vfio_without_iommu();
	options.vfio = VFS_VFIO_IOMMUFD;
	refuses(-ENOTSUP, "no IOMMU", "vfio=group");
}

/* ---- tokens ---- */

static void token_goes_with_the_name(void **state)
{
	(void)state;
	options.vf_token = TOKEN;
	fake_vfio.token = TOKEN;
	by_group();
	assert_string_equal(fake_vfio.device_name, FAKE_FS " vf_token=" TOKEN);
}

static void without_a_token_the_name_is_alone(void **state)
{
	(void)state;
	options.vfio = VFS_VFIO_GROUP;
	by_group();
	assert_string_equal(fake_vfio.device_name, FAKE_FS);
}

static void wrong_tokens_are_told_apart(void **state)
{
	(void)state;
	options.vfio = VFS_VFIO_GROUP;
	fake_vfio.token = TOKEN;
	refuses(-EACCES, FAKE_FS, "asks for a vf_token");
	fake_vfio.in_container = false;
	fake_vfio.iommu = 0;
	options.vf_token = OTHER_TOKEN;
	refuses(-EACCES, FAKE_FS, "another one");
	fake_vfio.in_container = false;
	fake_vfio.iommu = 0;
	fake_vfio.token = NULL;
	refuses(-EINVAL, FAKE_FS, "takes no vf_token");
}

static void token_goes_with_the_bind_where_the_kernel_takes_it(void **state)
{
	static const uint8_t uuid[16] = {0xbd, 0x8d, 0x9d, 0x2b, 0x5a, 0x5f, 0x4f, 0x5a, 0xa2, 0x11,
		0xf5, 0x91, 0x51, 0x4b, 0xa1, 0xf3};

	(void)state;
	options.vfio = VFS_VFIO_IOMMUFD;
	options.vf_token = TOKEN;
	refuses(-ENOTSUP, "vf_token", "vfio=group");
	fake_vfio.bind_takes_token = true;
	by_iommufd();
	assert_memory_equal(fake_vfio.uuid, uuid, 16);
}

static void what_is_no_uuid_is_refused(void **state)
{
	static const char *const wrong[] = {"", "bd8d9d2b", TOKEN "0",
		"bd8d9d2b-5a5f-4f5a-a211-f591514ba1fg", "bd8d9d2b-5a5f-4f5a-a211ef591514ba1f3",
		"bd8d9d2b 5a5f 4f5a a211 f591514ba1f3"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		options.vf_token = wrong[i];
		refuses(-EINVAL, "vf_token", "not a UUID");
	}
}

/* ---- descriptors of the caller ---- */

/* From here on nobody could open anything. */
static void hide_the_files(void)
{
	vfs_sysfs_root = "/nonexistent";
	vfs_dev_root = "/nonexistent";
}

static void close_given(struct vfs_vfio_fds *fds)
{
	static const struct vfs_vfio_fds none = VFS_VFIO_NO_FDS;

	/* They are open still. */
	assert_true(fds->device < 0 || fcntl(fds->device, F_GETFD) >= 0);
	assert_true(fds->iommufd < 0 || fcntl(fds->iommufd, F_GETFD) >= 0);
	assert_true(fds->group < 0 || fcntl(fds->group, F_GETFD) >= 0);
	assert_true(fds->container < 0 || fcntl(fds->container, F_GETFD) >= 0);
	vfs_vfio_fds_close(fds);
	assert_memory_equal(fds, &none, sizeof(none));
}

static void an_iommufd_and_a_device_are_enough(void **state)
{
	struct vfs_vfio_fds fds = VFS_VFIO_NO_FDS;
	int again;

	(void)state;
	fds.iommufd = fake_vfio_open("dev/iommu");
	fds.device = fake_vfio_open("dev/vfio/devices/vfio3");
	options.vfio_fds = &fds;
	hide_the_files();
	by_iommufd();
	/* A second time: it is bound by then. */
	for (again = 0; again < 2; again++) {
		close_it();
		assert_false(fake_vfio.has_ioas);
		by_iommufd();
	}
	close_given(&fds);
}

static void a_container_and_a_group_are_enough(void **state)
{
	struct vfs_vfio_fds fds = VFS_VFIO_NO_FDS;

	(void)state;
	fds.container = fake_vfio_open("dev/vfio/vfio");
	fds.group = fake_vfio_open("dev/vfio/1");
	options.vfio_fds = &fds;
	hide_the_files();
	by_group();
	close_it();
	/* Now the group is in the container already, perhaps with what somebody had mapped. */
	assert_int_equal(fake_vfio.num_unmaps, 0);
	by_group();
	assert_int_equal(fake_vfio.num_unmaps, 1);
	assert_int_equal(fake_vfio.iommu, VFIO_TYPE1v2_IOMMU);
	close_given(&fds);
}

static void a_device_of_the_group_is_used(void **state)
{
	struct vfs_vfio_fds fds = VFS_VFIO_NO_FDS;

	(void)state;
	fake_vfio_without_iommu();
	fds.container = fake_vfio_open("dev/vfio/vfio");
	fds.group = fake_vfio_open("dev/vfio/noiommu-1");
	fds.device = fake_vfio_open("from-group");
	options.vfio_fds = &fds;
	hide_the_files();
	by_group();
	assert_string_equal(fake_vfio.device_name, "");
	assert_int_equal(pci->limits.translation, VFS_UNTRANSLATED);
	close_given(&fds);
}

static void half_of_the_descriptors_is_refused(void **state)
{
	struct vfs_vfio_fds fds = VFS_VFIO_NO_FDS;

	(void)state;
	options.vfio_fds = &fds;
	refuses(-EINVAL, FAKE_FS, "needs the descriptors of");
	fds.iommufd = fake_vfio_open("dev/iommu");
	refuses(-EINVAL, FAKE_FS, "needs the descriptors of");
	fds.device = fake_vfio_open("dev/vfio/devices/vfio3");
	fds.group = fake_vfio_open("dev/vfio/1");
	refuses(-EINVAL, FAKE_FS, "needs the descriptors of");
	close(fds.iommufd);
	fds.iommufd = -1;
	refuses(-EINVAL, FAKE_FS, "needs the descriptors of");
	close_given(&fds);
}

static void closed_descriptors_are_named(void **state)
{
	struct vfs_vfio_fds fds = VFS_VFIO_NO_FDS;

	(void)state;
	options.vfio_fds = &fds;
	fds.device = 9999;
	fds.iommufd = fake_vfio_open("dev/iommu");
	refuses(-EBADF, "device descriptor 9999", "");
	close(fds.iommufd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(own_device_is_taken_where_there_is_one),
		TEST(group_is_taken_where_there_is_no_own_device),
		TEST(group_is_taken_where_there_is_no_iommufd),
		TEST(each_can_be_asked_for),
		TEST(what_was_asked_for_and_is_not_there_is_named),
		TEST(own_devices_error_counts_where_there_is_no_group),
		TEST(check_agrees_with_open),
		TEST(another_device_is_refused),
		TEST(limits_of_an_iommufd),
		TEST(larger_pages_of_an_iommu_count),
		TEST(more_ranges_than_there_is_room_for_are_left_out),
		TEST(no_range_is_refused),
		TEST(memory_is_mapped_by_iommufd_where_it_was_said),
		TEST(closing_leaves_nothing_in_an_iommufd),
		TEST(bind_errors_say_what_to_do),
		TEST(without_an_iommu_memory_is_where_it_is),
		TEST(without_an_iommu_there_is_no_iommufd),
		TEST(token_goes_with_the_name),
		TEST(without_a_token_the_name_is_alone),
		TEST(wrong_tokens_are_told_apart),
		TEST(token_goes_with_the_bind_where_the_kernel_takes_it),
		TEST(what_is_no_uuid_is_refused),
		TEST(an_iommufd_and_a_device_are_enough),
		TEST(a_container_and_a_group_are_enough),
		TEST(a_device_of_the_group_is_used),
		TEST(half_of_the_descriptors_is_refused),
		TEST(closed_descriptors_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
