/* SPDX-License-Identifier: MIT */
#include "handshake.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "feature_list.h"
#include "report.h"

/* The kernel newer than us asks twice. More would be a loop. */
#define MAX_QUESTIONS 2

struct question {
	struct fuse_in_header header;
	struct fuse_init_in init;
	/* The kernel refuses to fill less, however short the message. */
	char unused[FUSE_MIN_READ_BUFFER];
};

static ssize_t read_question(const struct handshake *handshake, struct question *question)
{
	struct pollfd pfd = {.fd = handshake->fuse_fd, .events = POLLIN};
	ssize_t n;
	int ready;

	memset(question, 0, sizeof(*question));
	do {
		ready = poll(&pfd, 1, handshake->timeout_ms);
		if (ready == 0)
			return -ETIMEDOUT;
		n = ready < 0 ? -1 : read(handshake->fuse_fd, question, sizeof(*question));
	} while (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT));
	return n < 0 ? -errno : n;
}

/* 0 if it is a FUSE_INIT that has all that its version has */
static int check_question(const struct question *question, ssize_t length)
{
	const size_t oldest = sizeof(question->header) + offsetof(struct fuse_init_in, flags2);
	const size_t versions = sizeof(question->header) + offsetof(struct fuse_init_in, flags);

	if (length < (ssize_t)versions || question->header.opcode != FUSE_INIT)
		return -EPROTO;
	if (question->init.major == FUSE_KERNEL_VERSION && length < (ssize_t)oldest)
		return -EPROTO;
	return 0;
}

static int answer_question(
	const struct handshake *handshake, uint64_t unique, void *payload, size_t size)
{
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + size),
		.unique = unique,
	};
	struct iovec iov[2] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = payload, .iov_len = size},
	};

	if (writev(handshake->fuse_fd, iov, 2) >= 0)
		return 0;
	report_error("the kernel refused the answer to FUSE_INIT: %s", strerror(errno));
	return -1;
}

static int ask_again(const struct handshake *handshake, const struct question *question)
{
	uint32_t major = FUSE_KERNEL_VERSION;

	return answer_question(handshake, question->header.unique, &major, sizeof(major));
}

static int check_required(uint64_t missing, const char *what)
{
	if (!missing)
		return 0;
	feature_list_complain(what, missing);
	return -1;
}

static int agree(const struct handshake *handshake, const struct question *question,
	struct fuse_init_out *answer, struct vfs_init *agreed)
{
	struct vfs_init want;
	int error;

	negotiate_offer(&question->init, &handshake->limits, &want);
	if (check_required(handshake->require & ~want.flags,
		    "neither this kernel nor virtiofs-fuse offers the server what is required"))
		return -1;
	error = vfs_session_init(handshake->session, &want, agreed);
	if (error) {
		report_error("no FUSE connection with the server: %s", report_reason(error));
		return -1;
	}
	if (check_required(
		    handshake->require & ~agreed->flags, "the server has not got what is required"))
		return -1;
	negotiate_answer(&question->init, &handshake->limits, agreed, answer);
	agreed->max_readahead = negotiate_readahead(&question->init, &handshake->limits, agreed);
	return answer_question(handshake, question->header.unique, answer, sizeof(*answer));
}

static int get_question(const struct handshake *handshake, struct question *question)
{
	ssize_t length = read_question(handshake, question);
	int error = length < 0 ? (int)length : check_question(question, length);

	if (error == -ENODEV)
		report_error("unmounted by somebody else before it was ready: start it again");
	else if (error)
		report_error("the kernel sends no usable FUSE_INIT: %s", strerror(-error));
	return error ? -1 : 0;
}

int handshake_run(
	const struct handshake *handshake, struct fuse_init_out *answer, struct vfs_init *agreed)
{
	struct question question;
	int i;

	for (i = 0; i < MAX_QUESTIONS; i++) {
		if (get_question(handshake, &question))
			return -1;
		switch (negotiate_version(&question.init)) {
		case NEGOTIATE_GO_ON:
			return agree(handshake, &question, answer, agreed);
		case NEGOTIATE_ASK_AGAIN:
			if (ask_again(handshake, &question))
				return -1;
			break;
		case NEGOTIATE_REFUSE:
			i = MAX_QUESTIONS;
			break;
		}
	}
	report_error("the kernel speaks FUSE %u.%u, and 7.%d or a newer 7 is needed: "
		     "use another kernel",
		question.init.major, question.init.minor, VFS_FUSE_MINOR_MIN);
	return -1;
}
