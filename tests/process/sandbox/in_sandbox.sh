#!/bin/bash
# Runs test programs, one after the other, in a sandbox as containers have them:
#   in_sandbox.sh SANDBOX PROGRAM...
# Exit status: 0 all passed, 77 the sandbox is not permitted here (it says why), else a test failed.
# WITHOUT_CALLS is the path of the program without_calls. GTEST_FILTER is obeyed.
set -uo pipefail

readonly SKIP=77
readonly DESCRIPTORS=64
# On top of what the user runs already: pools and threads of a test, and not many more.
readonly PROCESSES=32
# Enough for the test program and its sanitizer, and soon used up.
readonly MEMORY_MIB=400

skip() {
  echo "skipped: $*"
  exit "$SKIP"
}

# Root has no limit of processes, so somebody else must run them.
with_few_processes() {
  local user running
  command -v ps >/dev/null || skip "ps is needed to count what runs already"
  user=$(id -u)
  if [[ $user != 0 ]]; then
    running=$(ps -L -u "$user" --no-headers | wc -l)
    ulimit -u $((running + PROCESSES)) || return
    "$@"
    return
  fi
  command -v setpriv >/dev/null || skip "setpriv is needed to stop being root, whom no limit binds"
  local as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  "${as_nobody[@]}" test -x "$1" || skip "user 65534 cannot run $1"
  running=$(ps -L -u 65534 --no-headers | wc -l)
  (
    ulimit -u $((running + PROCESSES)) || exit
    exec "${as_nobody[@]}" "$@"
  )
}

# A control group of its own, below the one that we are in. Where the kernel does not say why it is
# refused, the shell does.
with_little_memory() {
  local path group limit status
  path=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
  if [[ -n $path ]]; then
    group=/sys/fs/cgroup/memory$path limit=memory.limit_in_bytes
  else
    group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup) limit=memory.max
  fi
  group=${group%/}/poolmark-test.$$
  said=$(mkdir "$group" 2>&1) || skip "no control group can be made: $said"
  if said=$( (echo $((MEMORY_MIB << 20)) >"$group/$limit") 2>&1); then
    (echo "$BASHPID" >"$group/cgroup.procs" && POOLMARK_TEST_MEMORY_MIB=$MEMORY_MIB exec "$@")
    status=$?
  fi
  # The processes of the last pool may still be on their way out of it.
  for ((i = 0; i < 100; ++i)); do rmdir "$group" 2>/dev/null && break; sleep 0.05; done
  [[ -n ${status-} ]] || skip "memory cannot be limited here: $said"
  return "$status"
}

# Some user namespace makes an ordinary user root enough.
unshared() {
  local as_root=()
  [[ $(id -u) == 0 ]] || as_root=(--user --map-root-user)
  unshare "${as_root[@]}" "$@"
}

run() {
  # shellcheck disable=SC2016  # "$0" is for the inner shell to expand
  case $sandbox in
    few_descriptors) (ulimit -n "$DESCRIPTORS" && "$@") ;;
    few_processes) with_few_processes "$@" ;;
    small_shm) unshared --mount bash -c 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$0" "$@"' "$@" ;;
    no_pidfd) "$WITHOUT_CALLS" ENOSYS pidfd_open pidfd_send_signal close_range -- "$@" ;;
    forbidden_pidfd) "$WITHOUT_CALLS" EPERM pidfd_open pidfd_send_signal close_range -- "$@" ;;
    no_memfd) "$WITHOUT_CALLS" ENOSYS memfd_create -- "$@" ;;
    pid_1) unshared --pid --fork --mount-proc "$@" ;;
    little_memory) with_little_memory "$@" ;;
    one_cpu) taskset -c "$first_cpu" "$@" ;;
    *) echo "$0: no sandbox is called $sandbox" >&2; exit 2 ;;
  esac
}

[[ $# -ge 2 ]] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
sandbox=$1
shift
first_cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')

if [[ $(ulimit -Hn) != unlimited && $(ulimit -Hn) -lt $DESCRIPTORS ]]; then
  skip "there are fewer than $DESCRIPTORS descriptors already"
fi
case $sandbox in
  small_shm) probe=(mount -t tmpfs -o size=64m tmpfs /dev/shm) options=(--mount) ;;
  pid_1) probe=(true) options=(--pid --fork --mount-proc) ;;
  *) probe=() options=() ;;
esac
if ((${#probe[@]})); then
  said=$(unshared "${options[@]}" "${probe[@]}" 2>&1) || skip "unshare ${options[*]} is not permitted: $said"
fi

status=0
for program in "$@"; do
  echo "== $sandbox: ${program##*/}"
  run "$program" --gtest_brief=1
  ended=$?
  [[ $ended == "$SKIP" ]] && exit "$SKIP"
  [[ $ended == 0 ]] || { echo "== $sandbox: ${program##*/} ended with status $ended"; status=1; }
done
exit "$status"
