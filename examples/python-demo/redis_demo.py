#!/usr/bin/env python3
"""redis-py through switchmaster: an ordinary client of one address, and what it sees of a failover.

    python3 redis_demo.py                 set and get
    python3 redis_demo.py --watch 30      30 seconds of INCR; take the master away meanwhile

Connects to REDIS_HOST:REDIS_PORT (127.0.0.1:8889). Exits with 1 if any command failed.
"""

import argparse
import os
import sys
import time

import redis

SLOW_SECONDS = 0.25


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--watch", type=float, default=0, metavar="SECONDS")
    seconds = parser.parse_args().watch

    client = redis.Redis(
        host=os.environ.get("REDIS_HOST", "127.0.0.1"),
        port=int(os.environ.get("REDIS_PORT", "8889")),
        decode_responses=True,
        # Longer than the proxy's hold window: a command may wait for a new master.
        socket_timeout=30,
    )
    client.set("python-demo:greeting", "hello from python")
    print("get:", client.get("python-demo:greeting"), flush=True)
    return watch(client, seconds) if seconds > 0 else 0


def watch(client, seconds):
    """Counts as fast as one command a time goes; tells of slow commands and of errors."""
    key = "python-demo:counter"
    client.delete(key)
    acked = errors = slow = 0
    longest = 0.0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        try:
            client.incr(key)
            acked += 1
        except redis.RedisError as error:
            errors += 1
            print("error:", error, flush=True)
        took = time.monotonic() - begin
        longest = max(longest, took)
        if took > SLOW_SECONDS:
            slow += 1
            print(f"slow: a command took {took:.2f} s, and was answered", flush=True)
        time.sleep(0.005)
    print(
        f"acked {acked}, errors {errors}, slow {slow}, longest {longest:.2f} s, "
        f"counter {client.get(key)}",
        flush=True,
    )
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
