"""A lock on an open file, which goes with its process however that ends."""

import sys

if sys.platform == "win32":
    import msvcrt

    def take(file: int) -> None:
        """Lock the file of this descriptor for this process alone; raises BlockingIOError when another one has it."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None
else:
    import fcntl

    def take(file: int) -> None:
        """Lock the file of this descriptor for this process alone; raises BlockingIOError when another one has it."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
