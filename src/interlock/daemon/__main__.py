"""`python -m interlock.daemon`: the resident process itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from interlock.home import locate
from interlock.loading import loading
from interlock.model.errors import InterlockError, StateError


def main(arguments: Sequence[str] = ()) -> int:
    """Run the daemon in the foreground; returns the documented exit code."""
    with loading():
        import structlog

        from interlock.daemon.run import run
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    try:
        run(locate(), lost_head="--accept-lost-head" in arguments, lost_key="--replace-lost-key" in arguments)
    except InterlockError as error:
        structlog.get_logger().error("daemon.refused", error=error.code, message=str(error))
        return error.exit
    except OSError as error:
        # A full or failing disk, or rights that were taken away, in a step that has no sentence of its own.
        where = f"{error.filename}: " if error.filename else ""
        message = f"{where}{error.strerror or error}. Check the state directory, its owner, and the disk's space."
        structlog.get_logger().exception("daemon.refused", error=StateError.code, message=message)
        return StateError.exit
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
