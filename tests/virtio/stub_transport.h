/* SPDX-License-Identifier: MIT */
/* A transport to a device whose every answer a test can set. */
#ifndef TEST_STUB_TRANSPORT_H
#define TEST_STUB_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "transport/transport.h"

#define STUB_WRITES_MAX 16

struct stub_transport {
	struct vfs_transport transport;

	uint64_t offered;
	uint8_t status;
	uint8_t drops;	/* bits of the status that the device does not keep */
	uint8_t raises; /* bits that it sets by itself once DRIVER_OK is set */
	bool gone;	/* every register reads as ones */
	uint8_t config[64];

	/* What the functions return instead of doing anything, if not 0. */
	int reset_error;
	int status_error;   /* of set_status */
	int features_error; /* of get_features */
	int set_features_error;
	int config_error;
	unsigned int fails_after; /* status_error counts from this write on */

	/* What the driver did. */
	unsigned int num_resets;
	unsigned int timeout_ms;
	uint64_t accepted;
	uint8_t writes[STUB_WRITES_MAX]; /* to the status */
	unsigned int num_writes;
};

/* A device that is well and offers VIRTIO_F_VERSION_1 only. */
void stub_transport_init(struct stub_transport *stub);

#endif
