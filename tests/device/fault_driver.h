/* SPDX-License-Identifier: MIT */
/* A driver, which is the library, of a virtiofs-device that does wrong what it is told to. */
#ifndef TESTS_FAULT_DRIVER_H
#define TESTS_FAULT_DRIVER_H

#include <stdbool.h>

#include <vfs/device.h>
#include <vfs/request.h>
#include <vfs/session.h>

#include "device_process.h"

/* What the session may wait for the device, and what a whole test may take. */
#define TIMEOUT_MS 500
#define BOUND_MS   20000

/* The device, from the group's setup to its teardown. */
extern struct device_process process;

struct connection {
	struct vfs_device *device;
	struct vfs_session *session;
	struct vfs_queue *queue;
};

/* The test's own, here so that it is closed also when the test fails. */
extern struct connection conn;

/* Of sessions that are connected next. */
extern unsigned int quirks;
extern unsigned int notify_buffers;

/* What was logged since it was cleared, and the library's last error as well. */
extern char said[4096];
void assert_said(const char *text);

long now_ms(void);

/* 0, or the error of whatever failed first. */
int connect_session(struct connection *c);
void disconnect(struct connection *c);

struct vfs_request *send_getattr(struct connection *c);

/* The next completed one; NULL: none came in time. */
struct vfs_request *reap(struct connection *c, int timeout_ms);

int getattr_within(struct connection *c, int timeout_ms);
int getattr(struct connection *c);

/* To the device's control socket. */
void command(const char *line);

/* A device without faults works, whatever came before it. */
void assert_next_works(void);

/* What GETATTR comes to with the fault, and what is said of it. */
void fault_in_getattr(const char *fault, int expected, const char *reason);

/* The same for opening the device and starting the session. */
void fault_in_connect(const char *fault, int expected, const char *reason);

/* For cmocka. The group's end finds as many open descriptors as the group's start. */
int start_process(const struct device_process *how);
int start_vhost_user(void **state);
int start_vfio_user(void **state);
int stop_process(void **state);
int close_connection(void **state);

#define FAULT_TEST(f) cmocka_unit_test_teardown(f, close_connection)

#endif
