#!/bin/sh
# Makes a git repository of a Debian source package, for `--rows search-ranking`: upstream's files, tagged `base`, then
# a commit for each patch, with the patch's own words as its message.
#
#   apt-get source --download-only PACKAGE && tests/bench/history.sh PACKAGE_VERSION.dsc REPOSITORY
#
# Needs dpkg-dev, git and patch. REPOSITORY must not be there; the folder it goes into must.
set -eu
package=$(realpath "$1")
repository=$2
dpkg-source --skip-patches -x "$package" "$repository" >/dev/null
cd "$repository"
patches=$(mktemp -d)
trap 'rm -rf "$patches"' EXIT
cp -r debian/patches/. "$patches"
rm -rf debian .git .gitignore .gitattributes .pc
export GIT_AUTHOR_NAME=bench GIT_AUTHOR_EMAIL=bench@localhost
export GIT_COMMITTER_NAME=bench GIT_COMMITTER_EMAIL=bench@localhost
git init -q .
git config gc.auto 0
git config core.autocrlf false
git add -A -f
git commit -qm "the files before their patches"
git tag base

# What names people, places and other commits says nothing of what a patch is about.
fields='from|author|date|origin|forwarded|bug(-[a-z]+)?|last-update|applied-upstream|patch-name|index|conflict'
fields="$fields|backport|[a-z-]+-by|cc|fixes|link|upstream|commit|x-[a-z-]+|change-id|part-of|cherry|git-|id|source"

sed 's/[ \t]*#.*//; s/^[ \t]*//; s/[ \t].*//; /^$/d' "$patches/series" | while read -r name; do
  if ! git apply --whitespace=nowarn --index "$patches/$name" 2>/dev/null; then
    # With fuzz, as dpkg-source allows it.
    git reset -q --hard
    patch -p1 -s -f --no-backup-if-mismatch <"$patches/$name" >/dev/null 2>&1 || true
    find . \( -name '*.rej' -o -name '*.orig' \) -delete
    git add -A -f
  fi
  sed -n '/^diff \|^--- \|^Index: \|^===/q;p' "$patches/$name" |
    { grep -viE "^(($fields)\b|---|\(cherry)" || true; } |
    sed -E 's/^(Subject|Description): *//I; s/\[PATCH[^]]*\]//; /\| +[0-9]+ [+-]*$/d; /files? changed/d; s#https?://\S+##g' \
      >"$patches/.message"
  [ -s "$patches/.message" ] || echo "$name" | sed 's/[-_./]/ /g' >"$patches/.message"
  git commit -q --allow-empty -F "$patches/.message" 2>/dev/null || git commit -q --allow-empty -m "$name"
done
