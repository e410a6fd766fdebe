"""Blocks of one side of a split brain: saved before they are overwritten, checked, put back. Sent by pcmk-ha.

    saved_blocks.py list FOLDER              what was saved below a folder, a line of JSON each
    saved_blocks.py save FOLDER DISK         save blocks of a disk; standard input: the manifest as JSON
    saved_blocks.py check FOLDER [DISK]      read them again, and the disk, and compare with the digest in the manifest
    saved_blocks.py put-back FOLDER IMAGE    write them into an image of the disk, or of the other side's

A manifest is written last: blocks without one are not complete. `save` waits for another that is under way.
"""

import fcntl
import hashlib
import json
import mmap
import os
import stat
import sys

BLOCKS, MANIFEST, SETTLED = "blocks", "manifest.json", "settled"
AT_ONCE = 1 << 20
SPARE = 64 << 20  # left free for whatever else writes there


def list_saved(base):
    names = sorted(os.listdir(base)) if os.path.isdir(base) else []
    for name in names:
        found = read_manifest(os.path.join(base, name))
        if found:
            found.pop("extents", None)
            print(json.dumps(found))


def read_manifest(folder):
    """Return a manifest with its `folder`, whether it is `complete`, and whether the split brain is `settled`."""
    try:
        with open(os.path.join(folder, MANIFEST)) as file:
            found = json.load(file)
    except (OSError, ValueError):
        return None
    settled = os.path.exists(os.path.join(folder, SETTLED))
    return {**found, "folder": folder, "settled": settled, "complete": is_complete(folder, found)}


def is_complete(folder, found):
    if found["kind"] == "snapshot":
        return os.path.exists(found["device"])
    try:
        return os.path.getsize(os.path.join(folder, BLOCKS)) == sum(length for _at, length in found["extents"])
    except OSError:
        return False


def check(folder, disk=""):
    found = read_manifest(folder)
    if not found or not found["complete"]:
        sys.exit(f"{folder}: not complete")
    if found["kind"] == "blocks" and digest_of(os.path.join(folder, BLOCKS)) != found["sha256"]:
        sys.exit(f"{folder}: the blocks are not those that were saved")
    if disk and found["kind"] == "blocks" and copy_blocks(os.devnull, disk, found["extents"]) != found["sha256"]:
        sys.exit(f"{disk} has changed since {folder} was saved: move that away, then again")
    return found


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()


def save(folder, disk):
    wanted = json.load(sys.stdin)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if wanted["kind"] == "blocks":
            require_room(folder, wanted["extents"])
            wanted["sha256"] = copy_blocks(os.path.join(folder, BLOCKS), disk, wanted["extents"])
        draft = os.path.join(folder, MANIFEST + ".draft")
        with open(draft, "w") as file:
            json.dump(wanted, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, os.path.join(folder, MANIFEST))
        sync_folder(folder)


def require_room(folder, extents):
    total = sum(length for _at, length in extents)
    room = os.statvfs(folder)
    if total + SPARE > room.f_bavail * room.f_frsize:
        sys.exit(f"{folder}: {total} bytes are to be saved, and there is not so much room")


def copy_blocks(path, disk, extents):
    """Write blocks one after the other into a file, and return their digest."""
    digest = hashlib.sha256()
    # Past the disk's own cache, which may be older than what DRBD has written; that wants aligned memory.
    past = os.O_DIRECT if stat.S_ISBLK(os.stat(disk).st_mode) else 0
    source = os.open(disk, os.O_RDONLY | past)
    buffer = mmap.mmap(-1, AT_ONCE)
    with open(path, "wb") as file:
        for at, length in extents:
            for piece in read_extent(source, buffer, at, length):
                digest.update(piece)
                file.write(piece)
        file.flush()
        if path != os.devnull:
            os.fsync(file.fileno())
    os.close(source)
    return digest.hexdigest()


def read_extent(source, buffer, at, length):
    while length:
        with memoryview(buffer)[: min(length, AT_ONCE)] as wanted:
            count = os.preadv(source, [wanted], at)
            if not count:
                sys.exit(f"the disk ends at {at}, before what is to be saved")
            yield wanted[:count]
        at, length = at + count, length - count


def put_back(folder, image):
    found = check(folder)
    with open(os.path.join(folder, BLOCKS), "rb") as file, open(image, "r+b") as target:
        for at, length in found["extents"]:
            target.seek(at)
            left = length
            while left:
                piece = file.read(min(left, AT_ONCE))
                target.write(piece)
                left -= len(piece)
        target.flush()
        os.fsync(target.fileno())


def sync_folder(folder):
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


if __name__ == "__main__":
    os.umask(0o077)
    VERBS = {"list": list_saved, "save": save, "check": check, "put-back": put_back}
    VERBS[sys.argv[1]](*sys.argv[2:])
