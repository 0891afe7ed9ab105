# What backup and restore share: settings, what they say, and the way to the database. To be sourced;
# as a package it lies in /usr/share/whatsapp-uic.
# shellcheck shell=bash disable=SC2034

# Only the owner reads what these scripts write.
umask 077

# say FRENCH ENGLISH
say() {
  printf '%s\n%s\n' "$1" "$2"
}

# fail FRENCH ENGLISH: the end.
fail() {
  say "ÉCHEC : $1" "FAILED: $2" >&2
  exit 1
}

# codes_fr and codes_en NUMBER: so many codes.
codes_fr() {
  case $1 in 0 | 1) echo "$1 code" ;; *) echo "$1 codes" ;; esac
}
codes_en() {
  case $1 in 1) echo "1 code" ;; *) echo "$1 codes" ;; esac
}

# need COMMAND PACKAGE
need() {
  command -v "$1" >/dev/null ||
    fail "il manque le programme $1 : sudo apt install $2" "the program $1 is missing: sudo apt install $2"
}

# A private folder that goes when the script ends, with what else is left over then, and whatever a
# script does in its own finish.
leftovers=()
finish() {
  :
}
end() {
  local status=$?
  trap - EXIT
  finish
  rm -rf -- "$work" "${leftovers[@]}"
  exit "$status"
}
work=$(mktemp -d "${TMPDIR:-/tmp}/whatsapp-uic.XXXXXX") || exit 1
trap end EXIT
trap 'exit 130' INT TERM HUP

# Descriptor 7 is locked for as long as this script or anything that it started lives. A folder of ours
# that nobody holds is what a killed one left behind, perhaps with a whole database in it. The lock has its
# name only once it is held: whoever begins at the same moment must not find it free.
exec 7>"$work/new" && flock 7 && mv "$work/new" "$work/lock"
for old in "${work%.*}".??????; do
  if [ "$old" != "$work" ] && [ -d "$old" ] && [ -O "$old" ] && [ ! -L "$old" ] && [ -f "$old/lock" ] &&
    flock -n "$old/lock" true; then
    rm -rf -- "$old"
  fi
done

# find_owner PATH: as root, who else decides where this path leads: the last one, other than root, whom
# a directory on its way belongs to. What is done there is done as_owner, for he may have put a link to
# anything in its place; and whoever may write in a directory of root's may have done so, too.
become=()
become_name=
find_owner() {
  local at=/ rest=$1 name uid gid mode target open='' owner=0 links=0
  [ "$(id -u)" -eq 0 ] || return 0
  [[ $rest == /* ]] || rest=$(pwd -P)/$rest
  while [ -n "$rest" ]; do
    name=${rest%%/*} rest=${rest#"${rest%%/*}"} rest=${rest#/}
    [ -n "$name" ] || continue
    read -r uid gid mode <<<"$(stat -c '%u %g %a' "$at" 2>/dev/null)" || return 0
    [ "${uid:-0}" -eq 0 ] || owner=$uid
    if [ "${uid:-0}" -eq 0 ] && ((8#${mode:-0} & (gid == 0 ? 8#002 : 8#022))); then
      # Where it is sticky, what is root's below it stays where it is.
      ((8#$mode & 8#1000)) && [ -n "$rest" ] || open=$at
    fi
    if [ -L "$at/$name" ]; then
      target=$(readlink "$at/$name")
      rest=$target${rest:+/$rest}
      [[ $target != /* ]] || at=/
      [ "$((links += 1))" -le 40 ] || fail "$1 : trop de liens" "$1: too many links"
    else
      at=${at%/}/$name
    fi
  done
  if [ -n "$open" ] && [ "$owner" -eq 0 ]; then
    owner=$(stat -c %u "$at" 2>/dev/null)
    [ "${owner:-0}" -ne 0 ] ||
      fail "$open est à root, mais d'autres peuvent y écrire : donnez-le à l'utilisateur du service" \
        "$open is root's, but others may write in it: give it to the user of the service"
  fi
  [ "$owner" -eq 0 ] || become_user "$owner"
}

# become_user NAME-OR-NUMBER: who as_owner will be, and may enter our private folder.
become_user() {
  local groups=--init-groups
  id "$1" >/dev/null 2>&1 || groups=--clear-groups
  become_name=$1
  become=(setpriv "--reuid=$1" "--regid=$(id -g "$1" 2>/dev/null || echo "$1")" "$groups")
  chmod 711 "$work"
}

# give_to_owner PATH: something of ours, in our folder.
give_to_owner() {
  [ -z "$become_name" ] || chown "$become_name" "$1"
}

# as_owner COMMAND...: as the one whom the database belongs to, when we are root; in /, which all may enter.
as_owner() {
  (cd / && "${become[@]}" "$@" 8>&- 9>&-)
}

# The settings file: the one named, the package's, or the one here.
find_env_file() {
  if [ -n "$env_file" ]; then
    [ -r "$env_file" ] || fail "$env_file : illisible" "$env_file: cannot be read"
    [ -f "$env_file" ] || fail "$env_file : n'est pas un fichier" "$env_file: is no file"
  elif [ -r /etc/whatsapp-uic/whatsapp-uic.env ]; then
    env_file=/etc/whatsapp-uic/whatsapp-uic.env
  elif [ -r .env ]; then
    env_file=.env
  fi
}

# setting NAME: its value, from the environment or the last such line of the file, which is read and
# never run.
setting() {
  local name=$1 line value='' quote
  if [ -n "${!name-}" ]; then
    printf '%s' "${!name}"
    return
  fi
  [ -n "$env_file" ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    line=${line#$'\xEF\xBB\xBF'}
    [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?${name}[[:space:]]*=[[:space:]]*(.*)$ ]] || continue
    value=${BASH_REMATCH[2]}
    quote=${value:0:1}
    if [ "$quote" = "'" ] || [ "$quote" = '"' ]; then
      value=${value:1}
      value=${value%%"$quote"*}
    else
      [[ $value =~ ^# ]] && value=
      value=${value%%[[:space:]]#*}
      value=${value%"${value##*[![:space:]]}"}
    fi
  done <"$env_file"
  printf '%s' "$value"
}

# %40 -> @
decode() {
  local text=${1//\\/\\\\}
  printf '%b' "${text//%/\\x}"
}

# Which database it is. Sets kind (sqlite or postgres), and file or what as_owner needs.
find_database() {
  local url
  url=$(setting DATABASE_URL)
  url=${url:-sqlite:///./uic_database.db}
  case $url in
  sqlite:///?*)
    kind=sqlite
    file=${url#sqlite:///}
    [[ $file == /* ]] || file=$(pwd -P)/$file
    need sqlite3 sqlite3
    find_owner "$file"
    ;;
  postgresql://* | postgres://*)
    kind=postgres
    need psql postgresql-client
    read_postgres_url "${url#*://}"
    ;;
  *) fail "DATABASE_URL ne commence ni par sqlite:/// ni par postgresql://" \
    "DATABASE_URL begins neither with sqlite:/// nor with postgresql://" ;;
  esac
}

# What libpq is to know goes into a file of its own and the environment, never onto a command line,
# where everybody could read it.
read_postgres_url() {
  local rest=$1 query='' user='' password='' database='' hosts='' ports='' option name value host
  local -a options list
  case $rest in *\?*) query=${rest#*\?} rest=${rest%%\?*} ;; esac
  case $rest in */*) database=${rest#*/} rest=${rest%%/*} ;; esac
  case $rest in *@*) user=${rest%@*} rest=${rest##*@} ;; esac
  case $user in *:*) password=$(decode "${user#*:}") user=${user%%:*} ;; esac
  user=$(decode "$user")
  IFS=, read -ra list <<<"$rest"
  for host in "${list[@]}"; do
    value=
    if [[ $host =~ ^(\[[^]]*\]|[^:]*):([0-9]+)$ ]]; then
      host=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
    fi
    host=${host#[} host=${host%]}
    hosts+=,$(decode "$host") ports+=,$value
  done
  {
    echo '[uic]'
    [ -z "${hosts#,}" ] || echo "host=${hosts#,}"
    [ -z "${ports//,/}" ] || echo "port=${ports#,}"
    [ -z "$user" ] || echo "user=$user"
    [ -z "$database" ] || echo "dbname=$(decode "$database")"
    IFS='&' read -ra options <<<"$query"
    for option in "${options[@]}"; do
      name=${option%%=*} value=$(decode "${option#*=}")
      case $name in
      ssl) echo sslmode=require ;;
      host) hosts=,$value && echo "host=$value" ;;
      user) user=$value && echo "user=$value" ;;
      password) password=$value ;;
      application_name) ;; # ours say what they do
      *) [ -z "$name" ] || echo "$name=$value" ;;
      esac
    done
  } >"$work/service"
  [ "$(wc -l <"$work/service")" -eq "$(grep -c . "$work/service")" ] ||
    fail "DATABASE_URL : caractère interdit" "DATABASE_URL: a character that cannot be there"
  export PGSERVICEFILE=$work/service PGSERVICE=uic PGAPPNAME=whatsapp-uic-backup PGCONNECT_TIMEOUT=10
  [ -z "$password" ] || export PGPASSWORD=$password
  # Over a socket of this machine PostgreSQL asks the system who we are: root becomes the role's user.
  on_socket=
  case ${hosts#,} in '' | /*) on_socket=yes ;; esac
  if [ "$(id -u)" -eq 0 ] && [ -n "$on_socket" ] && [ -z "$password" ] && id "$user" >/dev/null 2>&1; then
    become_user "$user"
    give_to_owner "$work/service"
  fi
}

# psql with rows as plain text; the query or more options follow.
run_psql() {
  as_owner psql -XAtqw -v ON_ERROR_STOP=1 "$@"
}

# The tables and the like that are not ours but the operator's, as pg_dump's --exclude-table wants them.
THEIRS_SQL="SELECT '\"' || replace(n.nspname, '\"', '\"\"') || '\".\"' || replace(c.relname, '\"', '\"\"') || '\"'
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND c.relname <> 'schema_migrations' AND c.relname NOT LIKE 'uic\\_%'"

# print_ours BACKUP: as SQL, what is ours in a backup of PostgreSQL; those of former versions hold the whole
# database. Whoever owned it chose the names: one with a backslash might become a command of psql's.
print_ours() {
  local schema
  pg_restore --list <"$1" >"$work/list" || return 1
  schema=$(awk '$4 == "TABLE" && $6 == "uic_records" { print $5 }' "$work/list" | sort -u)
  [[ $schema != *$'\n'* ]] || schema=$(run_psql -c 'SELECT current_schema()')
  [[ $schema =~ ^[A-Za-z0-9_-]+$ ]] || return 1
  awk -v ours="^[0-9]+; [0-9]+ [0-9]+ [A-Z ]+ $schema (uic_[a-z0-9_]*|schema_migrations)[ (]" \
    '$0 ~ ours && !/\\/ && ($4 != "TRIGGER" || $7 ~ /^uic_/)' "$work/list" >"$work/ours"
  [ "$schema" = public ] ||
    echo "DO \$\$ BEGIN IF to_regnamespace('\"$schema\"') IS NULL THEN CREATE SCHEMA \"$schema\"; END IF; END \$\$;"
  pg_restore --no-owner --no-privileges --use-list="$work/ours" --file=- <"$1"
}

# How many tables and views of others were in the backup that was printed.
count_theirs() {
  grep -E ' (TABLE|VIEW) [^ ]+ [^ ]+ [^ ]+$' "$work/list" | grep -vF ' TABLE DATA ' | grep -cvxFf "$work/ours"
}

# What is counted in a database, here and in the copy: codes, and requests for them.
COUNT_SQL='SELECT count(*), coalesce(sum(request_count), 0) FROM uic_records'

# take_restoring: restores of a SQLite file are made one after the other, by descriptor 5. What killed ones left
# beside it goes, each a whole database. Fails while another is at work.
take_restoring() {
  local folder
  folder=$(dirname "$file")
  [ -d "$folder" ] && exec 5<"$folder" || return 0
  flock -n 5 || return 1
  # shellcheck disable=SC2016
  as_owner sh -c 'rm -f -- "$1"/.restore.??????*' sh "$folder"
}

# count_sqlite FILE: codes|requests. Fails when the file is damaged.
count_sqlite() {
  [ "$(as_owner sqlite3 -readonly -batch -bail "$1" 'PRAGMA integrity_check' 2>/dev/null)" = ok ] || return 1
  as_owner sqlite3 -readonly -batch -bail "$1" "$COUNT_SQL"
}

# The rows that a PostgreSQL dump on standard input has of uic_records.
count_dumped_rows() {
  pg_restore --data-only --table=uic_records --file=- |
    awk '/^COPY .*uic_records / { inside = 1; next } /^\\\.$/ { inside = 0 } inside { n++ } END { print n + 0 }'
}
