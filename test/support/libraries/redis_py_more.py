"""What redis-py does in threads: a pub/sub thread, WATCH with retries. Prints one JSON list."""

import json
import sys
import threading
import time

import redis


def pubsub_thread(client):
    heard = []
    pubsub = client.pubsub()
    pubsub.subscribe(**{"py:c": lambda message: heard.append(message["data"])})
    pubsub.psubscribe(**{"py:p*": lambda message: heard.append(message["data"])})
    thread = pubsub.run_in_thread(sleep_time=0.01)
    deadline = time.monotonic() + 5
    while client.publish("py:c", "ready") == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    for n in range(100):
        client.publish("py:p%d" % n, str(n))
    while heard.count(b"99") == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    thread.stop()
    thread.join(5)
    assert [each for each in heard if each != b"ready"] == [str(n).encode() for n in range(100)]


def watched_increments(client):
    """Ten threads add one a hundred times, each with WATCH, GET, MULTI, SET, EXEC."""

    def add():
        for _ in range(20):
            def change(pipe):
                value = int(pipe.get("py:w") or 0)
                pipe.multi()
                pipe.set("py:w", value + 1)

            client.transaction(change, "py:w")

    threads = [threading.Thread(target=add) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert client.get("py:w") == b"200", client.get("py:w")


def iterations(client):
    client.mset({"py:s%d" % n: n for n in range(1000)})
    assert len(set(client.scan_iter("py:s*", count=50))) == 1000
    client.delete(*client.keys("py:s*"))


def locks(client):
    with client.lock("py:lock", timeout=30):
        assert not client.lock("py:lock", timeout=30, blocking=False).acquire()
    assert client.get("py:lock") is None


client = redis.Redis(port=int(sys.argv[1]), socket_timeout=20)
done = []
for step in [pubsub_thread, watched_increments, iterations, locks]:
    step(client)
    done.append(step.__name__)
client.close()
print(json.dumps(done))
