//! The stand-in for rake that every host of the testbed has, because none of them has Ruby.

/// Runs `db:migrate` by noting each migration of the release that was not noted before.
pub(crate) const SCRIPT: &str = r#"#!/bin/sh
# A stand-in for rake, for hosts without Ruby. `db:migrate` appends each new migration to
# ~/schema_migrations, and every run to ~/rake.log.
echo "$(pwd) $*" >> "$HOME/rake.log"
[ -f Rakefile ] || { echo "rake aborted! No Rakefile found" >&2; exit 1; }
for word in "$@"; do
  [ "$word" = db:migrate ] || continue
  for file in db/migrate/*; do
    [ -f "$file" ] || continue
    name=$(basename "$file"); name=${name%%.*}
    grep -qx "$name" "$HOME/schema_migrations" 2>/dev/null && continue
    if grep -q FAIL "$file"; then echo "rake aborted! $name failed" >&2; exit 1; fi
    echo "$name" >> "$HOME/schema_migrations"
    echo "== $name: migrated"
  done
done
"#;
