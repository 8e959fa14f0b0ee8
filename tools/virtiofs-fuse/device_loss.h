/* SPDX-License-Identifier: MIT */
/* device_loss=: what becomes of the mount when the device fails or is gone. */
#ifndef VIRTIOFS_FUSE_DEVICE_LOSS_H
#define VIRTIOFS_FUSE_DEVICE_LOSS_H

/* Requests that are under way end with EIO. */
enum device_loss {
	DEVICE_LOSS_FAIL,    /* it stays, and answers ENOTCONN */
	DEVICE_LOSS_WAIT,    /* it stays, and what is asked later waits */
	DEVICE_LOSS_UNMOUNT, /* it is unmounted */
};

#endif
