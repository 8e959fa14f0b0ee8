/* SPDX-License-Identifier: MIT */
/*
 * What <linux/vfio.h> and <linux/iommufd.h> of newer kernels define and Debian 12's do not have: a
 * function's own character device, and iommufd. The names are our own, so that newer headers are
 * not in the way; where they have the same, the two are compared.
 */
#ifndef VFS_VFIO_COMPAT_H
#define VFS_VFIO_COMPAT_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/vfio.h>

/* ---- a function's character device (Linux 6.6) ---- */

struct vfs_vfio_bind {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
	__aligned_u64 token_uuid_ptr; /* with VFS_VFIO_BIND_FLAG_TOKEN, 16 bytes */
};

#define VFS_VFIO_BIND_FLAG_TOKEN (1u << 0) /* not every kernel takes it */

struct vfs_vfio_attach {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
};

struct vfs_vfio_detach {
	__u32 argsz;
	__u32 flags;
};

#define VFS_VFIO_DEVICE_BIND_IOMMUFD	  _IO(VFIO_TYPE, VFIO_BASE + 18)
#define VFS_VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)
#define VFS_VFIO_DEVICE_DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)

/* ---- iommufd (Linux 6.2) ---- */

#define VFS_IOMMUFD_TYPE (';')

struct vfs_iommu_destroy {
	__u32 size;
	__u32 id;
};

struct vfs_iommu_ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};

struct vfs_iommu_iova_range {
	__aligned_u64 start;
	__aligned_u64 last;
};

struct vfs_iommu_ioas_iova_ranges {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 reserved;
	__aligned_u64 allowed_iovas;
	__aligned_u64 out_iova_alignment;
};

struct vfs_iommu_ioas_map {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 reserved;
	__aligned_u64 user_va;
	__aligned_u64 length;
	__aligned_u64 iova;
};

#define VFS_IOMMU_IOAS_MAP_FIXED_IOVA (1u << 0)
#define VFS_IOMMU_IOAS_MAP_WRITEABLE  (1u << 1)
#define VFS_IOMMU_IOAS_MAP_READABLE   (1u << 2)

struct vfs_iommu_ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__aligned_u64 iova;
	__aligned_u64 length;
};

#define VFS_IOMMU_DESTROY	   _IO(VFS_IOMMUFD_TYPE, 0x80)
#define VFS_IOMMU_IOAS_ALLOC	   _IO(VFS_IOMMUFD_TYPE, 0x81)
#define VFS_IOMMU_IOAS_IOVA_RANGES _IO(VFS_IOMMUFD_TYPE, 0x84)
#define VFS_IOMMU_IOAS_MAP	   _IO(VFS_IOMMUFD_TYPE, 0x85)
#define VFS_IOMMU_IOAS_UNMAP	   _IO(VFS_IOMMUFD_TYPE, 0x86)

/* ---- the same, where the system's headers have it ---- */

#ifdef VFIO_DEVICE_BIND_IOMMUFD
_Static_assert(VFS_VFIO_DEVICE_BIND_IOMMUFD == VFIO_DEVICE_BIND_IOMMUFD, "");
_Static_assert(VFS_VFIO_DEVICE_ATTACH_IOMMUFD_PT == VFIO_DEVICE_ATTACH_IOMMUFD_PT, "");
_Static_assert(VFS_VFIO_DEVICE_DETACH_IOMMUFD_PT == VFIO_DEVICE_DETACH_IOMMUFD_PT, "");
_Static_assert(__builtin_offsetof(struct vfs_vfio_bind, out_devid) ==
		       __builtin_offsetof(struct vfio_device_bind_iommufd, out_devid),
	"");
_Static_assert(__builtin_offsetof(struct vfs_vfio_attach, pt_id) ==
		       __builtin_offsetof(struct vfio_device_attach_iommufd_pt, pt_id),
	"");
#endif

#ifdef VFIO_DEVICE_BIND_FLAG_TOKEN
_Static_assert(VFS_VFIO_BIND_FLAG_TOKEN == VFIO_DEVICE_BIND_FLAG_TOKEN, "");
_Static_assert(sizeof(struct vfs_vfio_bind) == sizeof(struct vfio_device_bind_iommufd), "");
_Static_assert(__builtin_offsetof(struct vfs_vfio_bind, token_uuid_ptr) ==
		       __builtin_offsetof(struct vfio_device_bind_iommufd, token_uuid_ptr),
	"");
#endif

#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>

#define VFS_SAME_SIZE(name) _Static_assert(sizeof(struct vfs_##name) == sizeof(struct name), #name)

VFS_SAME_SIZE(iommu_destroy);
VFS_SAME_SIZE(iommu_ioas_alloc);
VFS_SAME_SIZE(iommu_iova_range);
VFS_SAME_SIZE(iommu_ioas_iova_ranges);
VFS_SAME_SIZE(iommu_ioas_map);
VFS_SAME_SIZE(iommu_ioas_unmap);
#undef VFS_SAME_SIZE

_Static_assert(VFS_IOMMU_DESTROY == IOMMU_DESTROY, "");
_Static_assert(VFS_IOMMU_IOAS_ALLOC == IOMMU_IOAS_ALLOC, "");
_Static_assert(VFS_IOMMU_IOAS_IOVA_RANGES == IOMMU_IOAS_IOVA_RANGES, "");
_Static_assert(VFS_IOMMU_IOAS_MAP == IOMMU_IOAS_MAP, "");
_Static_assert(VFS_IOMMU_IOAS_UNMAP == IOMMU_IOAS_UNMAP, "");
_Static_assert(VFS_IOMMU_IOAS_MAP_FIXED_IOVA == IOMMU_IOAS_MAP_FIXED_IOVA, "");
_Static_assert(VFS_IOMMU_IOAS_MAP_WRITEABLE == IOMMU_IOAS_MAP_WRITEABLE, "");
_Static_assert(VFS_IOMMU_IOAS_MAP_READABLE == IOMMU_IOAS_MAP_READABLE, "");
#endif

#endif
