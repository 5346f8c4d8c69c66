# Set-up shared by the entry points; sourced, never run. Uses bash alone until something is missing,
# so that it works on a machine that has nothing yet, and costs no time on one that has all.

poolmark_root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
poolmark_list=$poolmark_root/scripts/lib/packages.txt
entry=scripts/${0##*/}

refuse() {
  printf '%s: %s\n' "$entry" "$1" >&2
  exit 2
}

# python_with MODULE...: sets `python` to the first interpreter that has all of them. The first python3
# on PATH is often not the one that Debian's packages serve, so that one is asked first.
python_with() {
  local candidate
  local probe='import sys, importlib.util as u; sys.exit(not all(u.find_spec(m) for m in sys.argv[1:]))'
  for candidate in "${POOLMARK_PYTHON:-}" /usr/bin/python3 python3; do
    [[ -n $candidate ]] && candidate=$(command -v "$candidate") || continue
    if "$candidate" -c "$probe" "$@" 2>/dev/null; then
      python=$candidate
      return 0
    fi
  done
  return 1
}

# modules GROUP...: the Python modules that the groups need.
modules() {
  local package group probe _
  while read -r package group probe _; do
    [[ $probe == python:* && " $* " == *" $group "* ]] && printf '%s\n' "${probe#python:}"
  done <"$poolmark_list"
  return 0
}

has_command() {
  local name
  for name in ${1//,/ }; do
    command -v "$name" >/dev/null && return 0
  done
  return 1
}

# find_missing GROUP...: fills the arrays missing (package names) and reasons (for people).
find_missing() {
  local package group probe purpose installed='' is_missing all_modules=yes
  missing=() reasons=()
  python_with $(modules "$@") || all_modules=no
  if command -v dpkg-query >/dev/null; then
    installed=$(dpkg-query -W -f='${Package}=${db:Status-Status}\n' $(package_names "$@") 2>/dev/null) || true
  fi
  while read -r package group probe purpose; do
    [[ -z $package || $package == '#'* || " $* " != *" $group "* ]] && continue
    is_missing=no
    case $probe in
      command:*) has_command "${probe#command:}" || is_missing=yes ;;
      python:*) [[ $all_modules == yes || $'\n'$installed == *$'\n'"$package=installed"* ]] || is_missing=yes ;;
      # Without dpkg a library cannot be looked up by package; CMake finds it or says what it misses.
      package) command -v dpkg-query >/dev/null && [[ $'\n'$installed != *$'\n'"$package=installed"* ]] && is_missing=yes ;;
    esac
    if [[ $is_missing == yes ]]; then
      missing+=("$package")
      reasons+=("$package ($purpose)")
    fi
  done <"$poolmark_list"
}

package_names() {
  local package group _
  while read -r package group _; do
    [[ -n $package && $package != '#'* && " $* " == *" $group "* ]] && printf '%s\n' "$package"
  done <"$poolmark_list"
  return 0
}

# keep_available: drops from `missing` what this distribution does not have.
keep_available() {
  local package available=()
  for package in "${missing[@]}"; do
    [[ $(LC_ALL=C apt-cache policy "$package" 2>/dev/null) =~ Candidate:\ [^\(] ]] && available+=("$package")
  done
  missing=("${available[@]}")
}

join_lines() {
  printf '\n  %s' "$@"
}

# as_root: sets `sudo` to the words before a command that needs root; says what to do without root.
as_root() {
  sudo=()
  ((EUID == 0)) && return 0
  if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    sudo=(sudo)
    return 0
  fi
  return 1
}

# install_missing: installs the packages in `missing`, or refuses with a sentence.
install_missing() {
  local needs log
  needs="these packages are missing:$(join_lines "${reasons[@]}")"
  command -v apt-get >/dev/null || refuse "$needs
There is no apt-get here to install them with. Install what your system calls them and run $entry again."
  as_root || refuse "$needs
Installing them needs root. Run this, then $entry again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
  printf '%s: installing with apt-get, because they are missing:%s\n' "$entry" "$(join_lines "${reasons[@]}")"
  log=$(mktemp) || refuse "cannot make a temporary file in ${TMPDIR:-/tmp}."
  if ! "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update >"$log" 2>&1; then
    printf '%s: apt-get update failed; trying with the package lists that are here.\n' "$entry" >&2
  fi
  [[ $1 == optional ]] && keep_available
  if ((${#missing[@]})) && ! "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    mapfile -t last < <(grep -E '^[EW]:' "$log" || true)
    rm -f "$log"
    [[ $1 == optional ]] && return 0
    refuse "apt-get could not install ${missing[*]}.$(join_lines "${last[@]:${#last[@]} > 6 ? ${#last[@]} - 6 : 0}")
Is the network up, and does this system's package archive have them? Then run $entry again."
  fi
  rm -f "$log"
}

# set_up GROUP...: makes sure that everything of the groups is there; sets `python`.
set_up() {
  find_missing "$@"
  if ((${#missing[@]})); then
    install_missing needed
    find_missing "$@"
    ((${#missing[@]} == 0)) || refuse "apt-get installed nothing of use: still missing ${missing[*]}."
  fi
  python_with $(modules "$@") ||
    refuse "no Python has all of: $(printf '%s ' $(modules "$@")). Set POOLMARK_PYTHON to one that has."
}

# set_up_optional GROUP...: the same for what can be done without.
set_up_optional() {
  find_missing "$@"
  ((${#missing[@]} == 0)) || { command -v apt-get >/dev/null && as_root && install_missing optional; } || true
}

# run_module MODULE ARGUMENTS...: becomes Python; signals reach it directly.
run_module() {
  export PYTHONPATH=$poolmark_root/scripts${PYTHONPATH:+:$PYTHONPATH} PYTHONDONTWRITEBYTECODE=1
  exec "$python" -m "poolmark_scripts.$@"
}

# help_only MODULE ARGUMENTS...: answers --help with any Python, before anything is installed.
help_only() {
  local argument
  for argument in "${@:2}"; do
    if [[ $argument == -h || $argument == --help ]]; then
      python_with || refuse "--help needs python3; run $entry without it to install what is missing, or read README.md."
      run_module "$1" --help
    fi
  done
}
