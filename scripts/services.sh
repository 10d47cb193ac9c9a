#!/usr/bin/env bash
# PostgreSQL and Redis on loopback for tests and benches, from Debian's own packages.
#
# Owns two servers whose data lies in var/services/, which may be deleted at any time while they are down. It never
# touches the machine's own clusters (5432, 6379). Trust authentication is safe here for one reason only: both
# listen on 127.0.0.1 and hold nothing but test data.
#
#   scripts/services.sh up      start what is not running; a no-op when both run
#   scripts/services.sh down    stop what this checkout started
#   scripts/services.sh status  say what runs; exit status 0 when both answer
#   scripts/services.sh env     print the export lines that the tests read
#
# CE_TEST_PG_PORT (54329) and CE_TEST_REDIS_PORT (56379) choose other ports.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
pg_port="${CE_TEST_PG_PORT:-54329}"
redis_port="${CE_TEST_REDIS_PORT:-56379}"
home="$root/var/services"
redis_dir="$home/redis"
export LC_ALL=C

say() { printf 'services: %s\n' "$*"; }
die() { printf 'services: %s\n' "$*" >&2; exit 1; }

# --- programs ---------------------------------------------------------------------------------------------------------

# The folder of the newest PostgreSQL server programs; Debian keeps them off the PATH.
find_pg_bin() {
  local found
  found="$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -name initdb 2>/dev/null | sort -V | tail -n 1)"
  [ -n "$found" ] || found="$(command -v initdb || true)"
  [ -z "$found" ] || dirname "$found"
}

# Installs what is missing, for root only. The packages would start servers of their own on the usual ports: a
# policy file, there just for the installation, forbids it.
install_packages() {
  [ "$(id -u)" = 0 ] || die "not installed: $*. Run as root: apt-get install $*"
  command -v apt-get >/dev/null || die "not installed: $*, and there is no apt-get here; install them by hand"
  say "installing $*"
  local policy=/usr/sbin/policy-rc.d log="$home/apt.log" failed=0
  if [ -e "$policy" ]; then policy=""; else printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; fi
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
    >"$log" 2>&1 || failed=1
  [ -z "$policy" ] || rm -f "$policy"
  [ "$failed" = 0 ] || { tail -n 5 "$log" >&2; die "apt-get could not install $*; see $log"; }
}

ensure_programs() {
  local missing=()
  [ -n "$(find_pg_bin)" ] || missing+=(postgresql)
  command -v redis-server >/dev/null || missing+=(redis-server)
  [ "${#missing[@]}" = 0 ] || install_packages "${missing[@]}"
  pg_bin="$(find_pg_bin)"
  [ -n "$pg_bin" ] || die "no PostgreSQL server programs (initdb, pg_ctl) found"
}

# --- small questions --------------------------------------------------------------------------------------------------

# pid_is PIDFILE NAME: does the file's first line name a live process of that name? A pid file outlives a crash or a
# container's restart, and its number may by then be somebody else's.
pid_is() {
  local pid
  [ -r "$1" ] && read -r pid <"$1" && [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ]
}

pg_answers() { "$pg_bin/pg_isready" -q -h 127.0.0.1 -p "$pg_port" -U postgres; }
redis_answers() { [ "$(redis-cli -h 127.0.0.1 -p "$redis_port" ping 2>/dev/null)" = PONG ]; }
port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# PostgreSQL refuses to run as root, so root hands it to the package's user.
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

# Where the cluster lies: in the checkout, or, where the postgres user cannot get there, in the temporary folder under
# a name that belongs to this checkout.
pg_dir() {
  if [ "$(id -u)" = 0 ] && ! runuser -u postgres -- test -x "$home" 2>/dev/null; then
    printf '%s/campaign-express-pg-%s\n' "${TMPDIR:-/tmp}" "$(printf '%s' "$root" | cksum | cut -d' ' -f1)"
  else
    printf '%s/postgres\n' "$home"
  fi
}

# --- PostgreSQL -------------------------------------------------------------------------------------------------------

pg_init() {
  mkdir -p "$1"
  if [ "$(id -u)" = 0 ]; then chown postgres "$1"; fi
  chmod 700 "$1"
  [ -s "$1/PG_VERSION" ] || as_postgres "$pg_bin/initdb" -D "$1" --username=postgres --auth=trust --encoding=UTF8 \
    --locale=C --no-instructions >"$home/initdb.log" 2>&1 || { tail -n 5 "$home/initdb.log" >&2; die "initdb failed"; }
}

pg_up() {
  local data
  data="$(pg_dir)"
  if pid_is "$data/postmaster.pid" postgres && pg_answers; then return; fi
  if port_taken "$pg_port"; then
    pg_answers || die "port $pg_port is taken by something else; set CE_TEST_PG_PORT to a free one"
    say "PostgreSQL on $pg_port was not started from this checkout; using it"
    return
  fi
  pg_init "$data"
  pid_is "$data/postmaster.pid" postgres || rm -f "$data/postmaster.pid"
  as_postgres "$pg_bin/pg_ctl" -D "$data" -l "$data/server.log" -w -t 60 -s start -o \
    "-p $pg_port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 \
     -c shared_buffers=256MB -c fsync=on" >/dev/null 9>&- || {
    tail -n 5 "$data/server.log" >&2 || true
    die "PostgreSQL did not start; see $data/server.log"
  }
}

pg_down() {
  local data
  data="$(pg_dir)"
  if pid_is "$data/postmaster.pid" postgres; then
    as_postgres "$pg_bin/pg_ctl" -D "$data" -m fast -w -t 60 -s stop
  fi
}

# --- Redis ------------------------------------------------------------------------------------------------------------

redis_up() {
  local waited=0
  if redis_answers; then
    pid_is "$redis_dir/redis.pid" redis-server || say "Redis on $redis_port was not started from this checkout; using it"
    return
  fi
  ! port_taken "$redis_port" || die "port $redis_port is taken by something else; set CE_TEST_REDIS_PORT to a free one"
  mkdir -p "$redis_dir"
  redis-server --bind 127.0.0.1 --port "$redis_port" --daemonize yes --dir "$redis_dir" --save '' --appendonly no \
    --pidfile "$redis_dir/redis.pid" --logfile "$redis_dir/redis.log" >/dev/null 9>&-
  until redis_answers; do
    waited=$((waited + 1))
    [ "$waited" -le 100 ] || { tail -n 5 "$redis_dir/redis.log" >&2 || true; die "Redis did not start"; }
    sleep 0.1
  done
}

redis_down() {
  local pid
  if pid_is "$redis_dir/redis.pid" redis-server; then
    read -r pid <"$redis_dir/redis.pid"
    kill "$pid"
    while pid_is "$redis_dir/redis.pid" redis-server; do sleep 0.1; done
  fi
  rm -f "$redis_dir/redis.pid"
}

# --- commands ---------------------------------------------------------------------------------------------------------

# Two starts at once must not both run initdb. Servers are started with descriptor 9 closed, or they would keep the lock.
lock() {
  mkdir -p "$home"
  exec 9>"$home/lock"
  flock -w 120 9 || die "another services.sh has been busy for two minutes"
}

report() {
  local all=0
  if pg_answers; then say "PostgreSQL answers on 127.0.0.1:$pg_port"; else say "PostgreSQL is down"; all=1; fi
  if redis_answers; then say "Redis answers on 127.0.0.1:$redis_port"; else say "Redis is down"; all=1; fi
  return "$all"
}

case "${1:-}" in
  up) lock; ensure_programs; pg_up; redis_up; report ;;
  down)
    lock
    pg_bin="$(find_pg_bin)"
    if [ -n "$pg_bin" ]; then pg_down; fi
    redis_down
    say "down"
    ;;
  status)
    mkdir -p "$home"
    pg_bin="$(find_pg_bin)"
    [ -n "$pg_bin" ] || die "PostgreSQL is not installed; \`scripts/services.sh up\` as root installs it"
    report
    ;;
  env)
    printf 'export TEST_POSTGRES_URL=postgres://postgres@127.0.0.1:%s/postgres\n' "$pg_port"
    printf 'export TEST_REDIS_URL=redis://127.0.0.1:%s/0\n' "$redis_port"
    ;;
  *) die "usage: scripts/services.sh up|down|status|env" ;;
esac
