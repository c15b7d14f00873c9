"""What redis-py is asked to do, given a port. Prints one JSON object; fails loudly otherwise."""

import json
import sys
import threading

import redis


def strings(client):
    every_byte = bytes(range(256))
    assert client.set(b"py:{}:k" + every_byte, every_byte)
    assert client.get(b"py:{}:k" + every_byte) == every_byte
    assert client.mset({"py:a": "1", "py:b": "2", "py:c": "3"})
    assert client.mget("py:a", "py:none", "py:c") == [b"1", None, b"3"]
    assert client.delete("py:a", "py:b", "py:none") == 2


def transactions(client):
    with client.pipeline(transaction=True) as pipe:
        pipe.set("py:t", 1).incr("py:t").get("py:t")
        assert pipe.execute() == [True, 2, b"2"]
    with client.pipeline() as pipe:
        pipe.watch("py:t")
        client.set("py:t", "other")
        pipe.multi()
        pipe.set("py:t", "mine")
        try:
            pipe.execute()
            raise AssertionError("WATCH was not noticed")
        except redis.WatchError:
            pass


def scripts(client):
    script = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert script(keys=["py:lua"], args=[5]) == 5
    assert script(keys=["py:lua"], args=[5]) == 10


def blocking(client):
    other = threading.Thread(target=lambda: client.rpush("py:q", "x"))
    waiter = threading.Timer(0.05, other.start)
    waiter.start()
    assert client.blpop("py:q", 5) == (b"py:q", b"x")
    waiter.join()
    other.join()
    assert client.blpop("py:q", 0.1 if redis.VERSION >= (4,) else 1) is None


def messages(client):
    pubsub = client.pubsub()
    pubsub.subscribe("py:c")
    assert pubsub.get_message(timeout=5)["type"] == "subscribe"
    assert client.publish("py:c", "m") == 1
    message = pubsub.get_message(timeout=5)
    assert message["data"] == b"m", message
    pubsub.close()


def pipelines(client):
    pipe = client.pipeline(transaction=False)
    for n in range(10_000):
        pipe.echo(str(n))
    assert pipe.execute() == [str(n).encode() for n in range(10_000)]


def large(client):
    value = bytes(range(256)) * (64 * 4096)
    assert client.set("py:large", value)
    assert client.get("py:large") == value
    client.delete("py:large")


client = redis.Redis(port=int(sys.argv[1]), socket_timeout=20)
done = []
for step in [strings, transactions, scripts, blocking, messages, pipelines, large]:
    step(client)
    done.append(step.__name__)
client.close()
print(json.dumps(done))
