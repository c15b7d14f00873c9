<?php
// What phpredis does, given a port. Prints one line; fails loudly otherwise.
function check(bool $isRight, string $what): void
{
    if (!$isRight) {
        fwrite(STDERR, "wrong: $what\n");
        exit(1);
    }
}

$port = (int) $argv[1];
$client = new Redis();
$client->connect('127.0.0.1', $port, 20);
check($client->set('php:k', "a\r\nb"), 'set');
check($client->get('php:k') === "a\r\nb", 'get');

$pipe = $client->pipeline();
for ($n = 0; $n < 1000; $n++) {
    $pipe->echo((string) $n);
}
check($pipe->exec() === array_map('strval', range(0, 999)), 'pipeline');
check($client->multi()->set('php:n', '1')->incr('php:n')->exec() === [true, 2], 'multi');

$other = new Redis();
$other->connect('127.0.0.1', $port, 20);
$client->watch('php:n');
$other->set('php:n', 'other');
check($client->multi()->set('php:n', 'mine')->exec() === false, 'watch');
check($client->eval('return {KEYS[1],ARGV[1]}', ['php:k', 'x'], 1) === ['php:k', 'x'], 'eval');

$other->rPush('php:q', 'x');
check($client->blPop(['php:q'], 5) === ['php:q', 'x'], 'blpop');
check($client->blPop(['php:q'], 1) === [], 'blpop without anything');

$client->select(3);
$client->set('php:db', 'three');
check($other->get('php:db') === false, 'select');
$found = [];
$cursor = null;
$client->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
while ($keys = $client->scan($cursor, 'php:*')) {
    $found = array_merge($found, $keys);
}
check($found === ['php:db'], 'scan');
$client->close();
$other->close();
echo "php is content\n";
