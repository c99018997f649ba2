# For sourcing. need COMMAND=PACKAGE… installs the Debian packages of the commands that
# are missing, as root on Debian; elsewhere it says what to install and fails.
need() {
  local pair missing=() policy=/usr/sbin/policy-rc.d made='' ok=yes log
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  (( ${#missing[@]} )) || return 0
  if (( EUID != 0 )) || ! command -v apt-get >/dev/null; then
    echo "install the Debian packages ${missing[*]}, or what has the commands ${*%%=*}" >&2
    return 1
  fi
  echo "apt-get install ${missing[*]}"
  # They are wanted for their commands; none of their services may start.
  if [[ ! -e $policy ]]; then
    made=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  log=$(mktemp)
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
    { ok=no; tail -20 "$log" >&2; }
  rm -f "$log"
  if [[ $made ]]; then rm -f "$policy"; fi
  [[ $ok == yes ]]
}
