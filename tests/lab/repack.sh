#!/bin/sh
# Makes this node's only package source a folder with newer versions of packages that are installed here: the same files
# and the same maintainer scripts under a higher version number, as a security update would be. SUFFIX PACKAGE...
set -e
suffix=$1; shift
repository=/srv/repository
info=/var/lib/dpkg/info
mkdir -p $repository
[ ! -e /etc/apt/sources.list.kept ] && [ -e /etc/apt/sources.list ] && mv /etc/apt/sources.list /etc/apt/sources.list.kept
mkdir -p /etc/apt/kept && mv /etc/apt/sources.list.d/* /etc/apt/kept/ 2>/dev/null || :
for package in "$@"; do
  root=$(mktemp -d); mkdir "$root/DEBIAN"; chmod 755 "$root"
  dpkg -L "$package" | while read -r file; do
    if [ -L "$file" ] || [ -f "$file" ]; then cp --parents -a "$file" "$root"; fi
    if [ -d "$file" ] && [ ! -L "$file" ] && [ "$file" != /. ]; then mkdir -p "$root$file"; fi
  done
  name=$(dpkg-query -W -f '${binary:Package}' "$package")
  for script in preinst postinst prerm postrm config templates triggers conffiles shlibs; do
    for from in "$info/$name.$script" "$info/$package.$script"; do
      if [ -e "$from" ] && [ ! -e "$root/DEBIAN/$script" ]; then cp -p "$from" "$root/DEBIAN/$script"; fi
    done
  done
  dpkg-query -s "$package" | awk -v s="$suffix" '
    /^(Status|Config-Version):/ { next }
    /^Conffiles:/ { skipping = 1; next }
    skipping && /^ / { next }
    { skipping = 0 }
    /^Version:/ { print $0 s; next }
    NF { print }' > "$root/DEBIAN/control"
  dpkg-deb -Znone --build "$root" "$repository/$package.deb" > /dev/null
  rm -r "$root"
done
cd $repository
for deb in *.deb; do
  dpkg-deb -f "$deb"
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
done > Packages
printf 'Suite: %s\nDate: %s\n' local "$(LC_ALL=C date -uR)" > Release
printf 'SHA256:\n %s %s Packages\n' "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)" >> Release
echo "deb [trusted=yes] file:$repository ./" > /etc/apt/sources.list.d/local.list
