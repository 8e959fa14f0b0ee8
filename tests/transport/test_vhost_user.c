/* SPDX-License-Identifier: MIT */
/* What the front end makes of a daemon's status. The daemon is a thread of the test. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/virtio_config.h>

#include <vfs/error.h>

#include "transport/vhost_user.h"

#define RUNNING                                                                               \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK | \
		VIRTIO_CONFIG_S_DRIVER_OK)

static struct {
	char path[64];
	int listener;
	pthread_t thread;
	uint64_t protocol;	    /* what it offers */
	_Atomic uint64_t status;    /* what it says of itself */
	_Atomic unsigned int asked; /* how often for that */
	_Atomic uint64_t set;	    /* the status that it was told */
} d;

static struct vfs_transport *t;

static bool is_question(uint32_t request)
{
	return request == VHOST_USER_GET_FEATURES || request == VHOST_USER_GET_PROTOCOL_FEATURES ||
	       request == VHOST_USER_GET_STATUS;
}

static uint64_t value_of(uint32_t request)
{
	switch (request) {
	case VHOST_USER_GET_FEATURES:
		return 1ULL << VHOST_USER_F_PROTOCOL_FEATURES | 1ULL << VIRTIO_F_VERSION_1;
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		return d.protocol;
	case VHOST_USER_GET_STATUS:
		d.asked++;
		return d.status;
	default:
		return 0;
	}
}

struct message {
	struct vfs_vhost_user_header header;
	uint8_t payload[512];
};

static bool receive(int fd, struct message *m)
{
	if (recv(fd, &m->header, sizeof(m->header), MSG_WAITALL) != sizeof(m->header) ||
		m->header.size > sizeof(m->payload))
		return false;
	return !m->header.size ||
	       recv(fd, m->payload, m->header.size, MSG_WAITALL) == (ssize_t)m->header.size;
}

static void *serve(void *opaque)
{
	int fd = accept(d.listener, NULL, NULL);
	struct message m = {.header = {.size = 0}};

	(void)opaque;
	while (receive(fd, &m)) {
		uint64_t value;

		memcpy(&value, m.payload, sizeof(value));
		if (m.header.request == VHOST_USER_SET_STATUS)
			d.set = value;
		if (!is_question(m.header.request))
			continue;
		value = value_of(m.header.request);
		m.header.flags = VHOST_USER_FLAG_VERSION | VHOST_USER_FLAG_REPLY;
		m.header.size = sizeof(value);
		memcpy(m.payload, &value, sizeof(value));
		if (send(fd, &m, sizeof(m.header) + sizeof(value), MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
	return NULL;
}

static void start(uint64_t protocol)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(&d, 0, sizeof(d));
	d.protocol = protocol;
	strcpy(d.path, "/tmp/test-vhost-user.XXXXXX");
	assert_non_null(mkdtemp(d.path));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", d.path);
	d.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(d.listener, (void *)&address, sizeof(address)), 0);
	assert_int_equal(listen(d.listener, 1), 0);
	assert_int_equal(pthread_create(&d.thread, NULL, serve, NULL), 0);
	assert_int_equal(vfs_vhost_user_open(address.sun_path, &t), 0);
}

static int teardown(void **state)
{
	char path[80];

	(void)state;
	if (t)
		t->ops->close(t);
	t = NULL;
	pthread_join(d.thread, NULL);
	close(d.listener);
	snprintf(path, sizeof(path), "%s/s", d.path);
	unlink(path);
	return rmdir(d.path);
}

static void a_daemon_says_that_it_needs_a_reset(void **state)
{
	(void)state;
	start(1ULL << VHOST_USER_PROTOCOL_F_STATUS);
	assert_int_equal(t->ops->set_status(t, RUNNING), 0);
	d.status = RUNNING;
	assert_int_equal(t->ops->get_status(t), RUNNING);
	assert_int_equal(d.set, RUNNING);
	d.status = RUNNING | VIRTIO_CONFIG_S_NEEDS_RESET;
	assert_int_equal(t->ops->get_status(t), RUNNING | VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(d.asked, 2);
}

static void features_that_are_not_kept_show(void **state)
{
	(void)state;
	start(1ULL << VHOST_USER_PROTOCOL_F_STATUS);
	assert_int_equal(t->ops->set_status(t, VIRTIO_CONFIG_S_FEATURES_OK | 3), 0);
	d.status = 3;
	assert_int_equal(t->ops->get_status(t), 3);
}

static void a_daemon_that_keeps_none_has_the_one_that_was_set(void **state)
{
	(void)state;
	start(1ULL << VHOST_USER_PROTOCOL_F_STATUS);
	assert_int_equal(t->ops->set_status(t, RUNNING), 0);
	assert_int_equal(t->ops->get_status(t), RUNNING);
}

static void a_status_that_is_none_is_refused(void **state)
{
	(void)state;
	start(1ULL << VHOST_USER_PROTOCOL_F_STATUS);
	assert_int_equal(t->ops->set_status(t, RUNNING), 0);
	d.status = 1ULL << 32 | RUNNING;
	assert_int_equal(t->ops->get_status(t), -EPROTO);
	assert_non_null(strstr(vfs_last_error(), "status"));
}

static void a_daemon_that_does_not_offer_it_is_not_asked(void **state)
{
	(void)state;
	start(0);
	d.status = VIRTIO_CONFIG_S_NEEDS_RESET;
	assert_int_equal(t->ops->set_status(t, RUNNING), 0);
	assert_int_equal(t->ops->get_status(t), RUNNING);
	assert_int_equal(d.asked, 0);
}

#define THREADS 4
#define ROUNDS	200

static void *look(void *opaque)
{
	uintptr_t wrong = 0;
	unsigned int i;

	(void)opaque;
	for (i = 0; i < ROUNDS; i++)
		wrong += t->ops->get_status(t) != RUNNING || t->ops->check_events(t) != 0;
	return (void *)wrong;
}

/* Whoever waits looks after the device. */
static void threads_do_not_take_each_others_answers(void **state)
{
	pthread_t threads[THREADS];
	unsigned int i;

	(void)state;
	start(1ULL << VHOST_USER_PROTOCOL_F_STATUS);
	assert_int_equal(t->ops->set_status(t, RUNNING), 0);
	d.status = RUNNING;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, NULL), 0);
	for (i = 0; i < THREADS; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	assert_int_equal(d.asked, THREADS * ROUNDS);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_daemon_says_that_it_needs_a_reset),
		TEST(features_that_are_not_kept_show),
		TEST(a_daemon_that_keeps_none_has_the_one_that_was_set),
		TEST(a_status_that_is_none_is_refused),
		TEST(a_daemon_that_does_not_offer_it_is_not_asked),
		TEST(threads_do_not_take_each_others_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
