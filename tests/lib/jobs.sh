# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables are shared with run.sh
# Tests that run at the same time. What they came to is shown in the order of the list.

jobs_max=$(nproc)
[ "$jobs_max" -le 4 ] || jobs_max=4

job_list=() # names that are not shown yet
declare -A job_name=() job_start=() job_took=() job_status=()

log_of() {
	echo "$logs/${1//\//-}.log"
}

# What has work for all processors, or measures. A guest has two of its own, but little to do for the
# second one, and waits for its devices.
runs_alone() {
	case $1 in
	build/* | bench/* | guest*/bench | guest/bridge-beside*) ;;
	*) false ;;
	esac
}

# missing_for NAME: sets missing to the packages that are not installed; asked once for each list.
declare -A missing_of=()
missing_for() {
	local wanted

	wanted=$(packages_for "$1" | tr '\n' ' ')
	if [ -z "${missing_of[$wanted]+asked}" ]; then
		# shellcheck disable=SC2086 # list of words
		missing_of[$wanted]=$(missing_packages $wanted | tr '\n' ' ')
	fi
	missing=${missing_of[$wanted]}
}

end_job() {
	job_status[$1]=$2
	job_took[$1]=$((${EPOCHREALTIME/./} - job_start[$1]))
}

start_job() {
	local name=$1 log missing
	log=$(log_of "$name")

	job_list+=("$name")
	job_start[$name]=${EPOCHREALTIME/./}
	missing_for "$name"
	if [ -n "$missing" ]; then
		echo "skip: not installed: $missing" >"$log"
		end_job "$name" 77
		return
	fi
	# bash gives a background command no input unless told.
	run_test "$name" >"$log" 2>&1 <&0 &
	job_name[$!]=$name
}

# For the end of the run: all are told before any is waited for.
end_jobs() {
	[ ${#job_name[@]} = 0 ] || kill "${!job_name[@]}" 2>/dev/null || true
	wait "${!job_name[@]}" 2>/dev/null || true
}

# reap_job PID: of one that has ended, or until it does.
reap_job() {
	local status=0

	wait "$1" || status=$?
	end_job "${job_name[$1]}" "$status"
	unset "job_name[$1]"
}

# Waits until one of them has ended. What ended while bash waited for something else is not seen by
# wait -n, but wait still knows its status.
wait_for_a_job() {
	local pid found='' status=0

	for pid in "${!job_name[@]}"; do
		kill -0 "$pid" 2>/dev/null && continue
		reap_job "$pid"
		found=1
	done
	[ -z "$found" ] || return 0
	wait -n -p pid "${!job_name[@]}" || status=$?
	[ -n "${pid:-}" ] || return 0
	end_job "${job_name[$pid]}" "$status"
	unset "job_name[$pid]"
}

# Those at the head of the list that are over.
show_jobs() {
	local name

	while [ ${#job_list[@]} -gt 0 ]; do
		name=${job_list[0]}
		[ -n "${job_status[$name]:-}" ] || break
		job_list=("${job_list[@]:1}")
		report_test "$name" "${job_status[$name]}" "${job_took[$name]}"
	done
}

# finish_jobs [N]: until no more than N run, or none.
finish_jobs() {
	while [ ${#job_name[@]} -gt "${1:-0}" ]; do
		wait_for_a_job
		show_jobs
	done
	show_jobs
}

# do_test NAME: starts it when there is room, and waits for it if it has to be alone.
do_test() {
	if runs_alone "$1"; then
		finish_jobs
		start_job "$1"
		finish_jobs
	else
		finish_jobs $((jobs_max - 1))
		start_job "$1"
		show_jobs
	fi
}
