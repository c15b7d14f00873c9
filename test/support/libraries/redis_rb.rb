# What ruby's redis library does, given a port. Prints one line; fails loudly otherwise.
require 'redis'

def check(is_right, what)
  raise "wrong: #{what}" unless is_right
end

port = ARGV.fetch(0).to_i
client = Redis.new(port: port, timeout: 20)

client.set('rb:k', "a\r\nb")
check(client.get('rb:k') == "a\r\nb", 'get')
check(client.pipelined { |p| 1000.times { |n| p.echo(n.to_s) } } == (0...1000).map(&:to_s), 'pipeline')
check(client.multi { |m| m.set('rb:n', 1); m.incr('rb:n') } == ['OK', 2], 'multi')

client.watch('rb:n') do
  Redis.new(port: port).tap { |other| other.set('rb:n', 'other') }.close
  check(client.multi { |m| m.set('rb:n', 'mine') }.nil?, 'watch')
end

check(client.eval("return {KEYS[1], ARGV[1]}", keys: ['rb:k'], argv: ['x']) == ['rb:k', 'x'], 'eval')
pusher = Thread.new do
  other = Redis.new(port: port)
  sleep 0.01 until other.info('clients')['blocked_clients'].to_i > 0
  other.rpush('rb:q', 'x')
  other.close
end
check(client.blpop('rb:q', timeout: 5) == ['rb:q', 'x'], 'blpop')
pusher.join

heard = []
subscriber = Redis.new(port: port)
subscriber.subscribe('rb:c') do |on|
  on.subscribe { Redis.new(port: port).tap { |other| other.publish('rb:c', 'm') }.close }
  on.message do |channel, message|
    heard << [channel, message]
    subscriber.unsubscribe
  end
end
check(heard == [['rb:c', 'm']], 'subscribe')
check(subscriber.get('rb:none').nil?, 'get after unsubscribe')
subscriber.close
client.close
puts 'ruby is content'
