/* SPDX-License-Identifier: MIT */
/*
 * virtiofs-fuse: mount a virtio-fs device that belongs to vfio-pci. The kernel's file system
 * and the device speak the same protocol, so messages are relayed and not re-encoded.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfs/device.h>
#include <vfs/request.h>
#include <vfs/session.h>

#include "check.h"
#include "daemon.h"
#include "handshake.h"
#include "lane_reader.h"
#include "listing.h"
#include "mount.h"
#include "notices.h"
#include "open.h"
#include "options.h"
#include "plan.h"
#include "process_title.h"
#include "readahead.h"
#include "relay.h"
#include "report.h"
#include "sandbox.h"
#include "service.h"
#include "signals.h"
#include "trace.h"
#include "window.h"

struct bridge {
	struct options options;
	struct vfs_device *device;
	struct vfs_session *session;
	struct mount mount;
	struct plan plan;
	struct relay relay;
	struct notices notices;
	struct window *window; /* NULL: none is used */
	sigset_t while_waiting;
	int ready_fd; /* -1 in the foreground */
};

static int start_device(struct bridge *bridge)
{
	const char *name = bridge->options.device;
	int error = open_device(&bridge->options, name, &bridge->device);

	if (!error)
		return 0;
	report_error("cannot open %s: %s", name, report_reason(error));
	return -1;
}

static int start_session(struct bridge *bridge)
{
	const char *name = bridge->options.device;
	unsigned int queues = vfs_device_info(bridge->device)->num_request_queues;
	int error;

	if (plan_make(&bridge->plan, &bridge->options, queues))
		return -1;
	error = open_session(&bridge->options, &bridge->plan, bridge->device, &bridge->session);
	if (error) {
		report_error("cannot start %s: %s", name, report_reason(error));
		return -1;
	}
	if (open_serves_mounts(bridge->session))
		return 0;
	report_error("cannot serve a mount from %s: its rings are too small for the requests of a "
		     "kernel",
		name);
	return -1;
}

static int start_window(
	struct bridge *bridge, const struct fuse_init_out *kernel, const struct vfs_init *agreed)
{
	const struct window_options how = {
		.mode = bridge->options.dax,
		.range = bridge->options.dax_range,
		.agreed = *agreed,
		.kernel_flags = (uint64_t)kernel->flags2 << 32 | kernel->flags,
		.timeout_ms = (int)bridge->options.timeout * 1000,
	};

	return window_start(&bridge->window, bridge->device, bridge->session, &how);
}

static int settle_plan(struct bridge *bridge, const struct fuse_init_out *answer)
{
	const struct plan_facts facts = {
		.num_queues = vfs_session_num_queues(bridge->session),
		.rings = ((uint64_t)answer->flags2 << 32 | answer->flags) & FUSE_OVER_IO_URING,
		.clones = lane_reader_can_clone(bridge->mount.fd),
	};

	return plan_settle(&bridge->plan, &bridge->options, &facts);
}

static int shake_hands(struct bridge *bridge)
{
	const struct options *options = &bridge->options;
	struct handshake handshake = {
		.fuse_fd = bridge->mount.fd,
		.session = bridge->session,
		.limits =
			{
				.max_payload = vfs_session_max_payload(bridge->session),
				.max_write = options->max_write,
				.readahead = options->readahead,
				.page_size = (size_t)sysconf(_SC_PAGESIZE),
				.depth = options->depth,
				/* Whoever mounted may have gone without. */
				.default_permissions = !bridge->mount.handed_in,
				.allow_root = options->allow_root,
				.posix_acl = options->posix_acl,
				.writeback = options->writeback,
				.rings = bridge->plan.lane == LANE_URING,
				.no_cache = options->cache == CACHE_NONE,
				.dax = options->dax != VFS_DAX_NEVER,
				.inode_dax = options->dax == VFS_DAX_INODE,
				.off = options->features_off,
			},
		.require = options->require,
		.timeout_ms = (int)options->timeout * 1000,
	};
	struct fuse_init_out answer;
	struct vfs_init agreed;

	if (handshake_run(&handshake, &answer, &agreed))
		return -1;
	if (options->debug)
		trace_init(&answer);
	if (settle_plan(bridge, &answer))
		return -1;
	if (options->debug)
		plan_say(&bridge->plan);
	if (agreed.max_readahead > answer.max_readahead)
		readahead_raise(&bridge->mount, agreed.max_readahead);
	return start_window(bridge, &answer, &agreed);
}

static int prepare_relay(struct bridge *bridge)
{
	const struct options *options = &bridge->options;
	struct relay_options how = {
		.crew =
			{
				.fuse_fd = bridge->mount.fd,
				.plan = &bridge->plan,
				.window = bridge->window,
				.poll = options->poll,
				.request_timeout_ms = options->request_timeout * 1000,
				.cache = options->cache,
				.allow_root = options->allow_root,
				.trace = options->debug,
				.notices = notices_are_relayed(&bridge->notices),
				.lock_wait = options->quirks & VFS_QUIRK_LOCK_WAIT &&
					     notices_are_relayed(&bridge->notices),
			},
		.device_loss = options->device_loss,
		.timeout_ms = (int)options->timeout * 1000,
		.while_waiting = bridge->while_waiting,
	};

	return relay_init(&bridge->relay, &bridge->mount, bridge->device, bridge->session, &how);
}

static int start_notices(struct bridge *bridge)
{
	int error = notices_start(&bridge->notices, bridge->session, bridge->mount.fd);

	if (error)
		report_error("cannot relay notifications: %s", strerror(-error));
	return error;
}

static struct sandbox sandbox_of(const struct options *options)
{
	return (struct sandbox){.mode = options->sandbox, .trace = options->debug};
}

/* What is still to be opened, before it is told that all is well. */
static int prepare_to_tell(const struct bridge *bridge)
{
	int error;

	if (bridge->ready_fd < 0) {
		service_find();
		return 0;
	}
	report_open_syslog();
	error = daemon_detach();
	if (error)
		report_error("cannot go to the background: %s", strerror(-error));
	return error;
}

/* From here on the mount answers, and a signal ends it as at any time. */
static int start_relay(struct bridge *bridge)
{
	if (signals_pending()) {
		report_error("ended by a signal before it was ready");
		return -1;
	}
	return relay_start(&bridge->relay);
}

static int tell_ready(struct bridge *bridge)
{
	report_ready(false);
	if (bridge->ready_fd < 0) {
		service_tell("READY=1\nSTATUS=Mounted");
		return 0;
	}
	if (daemon_ready(bridge->ready_fd)) {
		report_error("cannot go to the background: nobody waits for it");
		return -1;
	}
	report_ready(true);
	return 0;
}

static int enter_sandbox(struct bridge *bridge)
{
	const struct sandbox sandbox = sandbox_of(&bridge->options);

	return prepare_to_tell(bridge) ? -1
				       : sandbox_enter(&sandbox, bridge->plan.lane == LANE_URING);
}

/* The device comes first: a mount is not made before there is something to serve it. */
static int start(struct bridge *bridge)
{
	const struct sandbox sandbox = sandbox_of(&bridge->options);

	if (start_device(bridge) || window_check(bridge->device, bridge->options.dax) ||
		start_session(bridge))
		return -1;
	signals_block(&bridge->while_waiting);
	if (mount_create(&bridge->mount, &bridge->options, vfs_device_info(bridge->device)->tag))
		return -1;
	if (sandbox_drop(&sandbox) || shake_hands(bridge) || start_notices(bridge))
		return -1;
	if (prepare_relay(bridge) || start_relay(bridge))
		return -1;
	return enter_sandbox(bridge) ? -1 : tell_ready(bridge);
}

/* The mount goes first, so that nobody waits for a device that is being stopped. */
static void stop(struct bridge *bridge)
{
	relay_stop(&bridge->relay);
	notices_stop(&bridge->notices);
	mount_remove(&bridge->mount);
	notices_join(&bridge->notices);
	relay_free(&bridge->relay);
	window_free(bridge->window, bridge->options.debug);
	vfs_session_destroy(bridge->session);
	vfs_device_close(bridge->device);
}

static int serve(struct bridge *bridge)
{
	int result = start(bridge);

	if (!result) {
		result = relay_run(&bridge->relay);
		if (bridge->options.foreground)
			service_tell("STOPPING=1");
	}
	signals_unblock();
	stop(bridge);
	return result;
}

static int run(struct bridge *bridge)
{
	const struct sandbox sandbox = sandbox_of(&bridge->options);

	bridge->ready_fd = -1;
	if (mount_check(&bridge->mount, bridge->options.dir))
		return -1;
	if (bridge->options.fake)
		return 0;
	sandbox_close_inherited(&sandbox, bridge->mount.handed_in ? bridge->mount.fd : -1);
	if (!bridge->options.foreground) {
		bridge->ready_fd = daemon_fork();
		if (bridge->ready_fd < 0) {
			report_error("cannot go to the background: %s: give -f",
				strerror(-bridge->ready_fd));
			return -1;
		}
	}
	report_library(bridge->options.debug);
	return serve(bridge);
}

int main(int argc, char **argv)
{
	static struct bridge bridge = {.relay.unmount.done_fd = -1, .notices.stop_fd = -1};
	int result;

	process_title_init(argc, argv);
	daemon_open_std_fds();
	report_start();
	result = options_parse(&bridge.options, argc, argv);
	if (!result && bridge.options.help)
		options_usage();
	else if (!result && bridge.options.version)
		options_version();
	else if (!result && bridge.options.list)
		result = listing_print();
	else if (!result && bridge.options.check)
		result = check_run(&bridge.options);
	else if (!result)
		result = run(&bridge);
	free(bridge.mount.dir);
	options_free(&bridge.options);
	return result ? EXIT_FAILURE : EXIT_SUCCESS;
}
