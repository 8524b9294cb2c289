### table formatting
rows = [["name", "role"], ["web1", "app"], ["database", "db"]]
widths = rows.transpose.map { |c| c.map(&:size).max }
rows.each { |r| puts r.each_with_index.map { |v, i| v.ljust(widths[i]) }.join(" | ").rstrip }
### option defaults
DEFAULTS = { env: "production", roles: [:app], sudo: false }.freeze
def task(name, options = {})
  opts = DEFAULTS.merge(options)
  "#{name}[#{opts.map { |k, v| "#{k}=#{Array(v).join("+")}" }.join(",")}]"
end
puts task(:a), task(:b, env: "test", roles: %i[db web])
### command building
def cmd(*parts, **flags)
  (parts + flags.map { |k, v| v == true ? "--#{k.to_s.tr("_", "-")}" : "--#{k}=#{v}" unless v == false }.compact).join(" ")
end
puts cmd("git", "clone", depth: 1, no_tags: true, quiet: false), cmd(:ls)
### template with erb and heredoc
require "erb"
@servers = %w[a b]
puts ERB.new(<<~T, trim_mode: "-").result(binding)
  upstream app {
  <%- @servers.each do |s| -%>
    server <%= s %>;
  <%- end -%>
  }
T
### semantic version sort
puts %w[1.10.0 1.2.0 1.9.9].sort_by { |v| v.split(".").map(&:to_i) }.join(" ")
### parse git output
log = "abc123 first\ndef456 second\n"
p log.lines.map { |l| l.chomp.split(" ", 2) }.to_h, log[/^(\w+) second/, 1], log.each_line.count
### retry with backoff
attempts = []
begin
  attempts << attempts.size + 1
  raise IOError, "try #{attempts.size}" if attempts.size < 3
rescue IOError => e
  attempts[-1] = e.message
  retry
end
p attempts
### dispatch table
handlers = { "start" => ->(x) { "starting #{x}" }, "stop" => proc { |x| "stopping #{x}" } }
handlers.default = ->(x) { "unknown #{x}" }
puts %w[start stop jump].map { |k| handlers[k].call("app") }
### word wrap
s = "the quick brown fox jumps over the lazy dog"
puts s.scan(/\S.{0,14}\S(?=\s|$)|\S+/), s.gsub(/(.{1,20})(\s+|\z)/, "\\1\n")
### flatten config
def flat(h, pre = nil) = h.flat_map { |k, v| n = [pre, k].compact.join("."); v.is_a?(Hash) ? flat(v, n) : [[n, v]] }
p flat({ a: { b: 1, c: { d: 2 } }, e: 3 }).to_h
### memoized lambda settings
settings = {}
set = ->(k, v = nil, &b) { settings[k] = b || v }
get = ->(k) { v = settings[k]; v.respond_to?(:call) ? settings[k] = v.call : v }
set.(:a, 1)
set.(:b) { get.(:a) + 1 }
p get.(:b), settings[:b]
### instance variables at top level across methods
@log = []
def log(m) = @log << m
log "a"; log "b"
p @log
### string building with <<~ and join
lines = %w[one two].each_with_index.map { |l, i| <<~L }
  #{i}: #{l}
L
puts lines.join
### heredoc arguments with methods
text = [<<~A, <<~B].map(&:strip).join("|")
  first
A
  second
B
puts text
### numeric summaries
data = [3, 1, 4, 1, 5, 9, 2, 6]
mean = data.sum.fdiv(data.size); sorted = data.sort
median = (sorted[(data.size - 1) / 2] + sorted[data.size / 2]) / 2.0
printf("%.3f %.1f %s\n", mean, median, data.tally.max_by(&:last).inspect)
### fizzbuzz and primes
puts (1..15).map { |i| { 15 => "FB", 5 => "B", 3 => "F" }.find { |k, _| (i % k).zero? }&.last || i }.join(",")
p (2..30).select { |n| (2..Math.sqrt(n)).none? { |d| n % d == 0 } }
### caesar and rot13
p "Hello".tr("A-Za-z", "N-ZA-Mn-za-m"), "abc".each_char.map { |c| (c.ord + 1).chr }.join, "abc".bytes.map { |b| b.to_s(16) }.join, "abc".unpack1("H*")
### nested data with dig and fetch
conf = { "production" => { "hosts" => [{ "name" => "a", "roles" => %w[web db] }] } }
p conf.dig("production", "hosts", 0, "roles"), conf["production"]["hosts"].flat_map { |h| h["roles"].map { |r| [r, h["name"]] } }.group_by(&:first).transform_values { |v| v.map(&:last) }
### method_missing free proxies with hash default procs
conv = Hash.new { |h, k| h[k] = "#{k}!" }
p conv["x"], conv.keys, conv.fetch("y", "none")
### with blocks returning blocks
def around = ->(&b) { "[" + b.call + "]" }
p around.call { "x" }
### path munging
p "/var/www/app/releases/20240101".split("/")[-2..], "a/b/c".rpartition("/").first, "x.tar.gz"[/\.(.*)/, 1], File.join(*%w[a b c]), "~/x".sub(/^~/, "/home/u")
### case on types with multiple assign
def norm(v)
  case v
  when String, Symbol then [v.to_s]
  when Array then v.flat_map { |x| norm(x) }
  when Hash then v.keys.map(&:to_s)
  when nil then []
  else raise TypeError, "bad #{v.class}"
  end
end
p norm([:a, ["b", { c: 1 }], nil]), (norm(1) rescue $!.message)
### string keys symbol keys
h = { "a" => 1, b: 2 }
p h.to_h { |k, v| [k.to_s, v] }, h.transform_keys(&:to_sym), h.sum { |_, v| v }, h.find { |k, _| k.to_s == "b" }&.last, h.sort_by { |k, _| k.to_s }.first
### output through a custom writer
def capture
  old, $stdout = $stdout, StringIO.new
  yield
  $stdout.string
ensure
  $stdout = old
end
require "stringio"
out = capture { puts "inner"; print "x" }
p out
### ensure restores state on error
state = :idle
begin
  begin
    state = :busy
    raise "fail"
  ensure
    state = :idle
  end
rescue => e
  p state, e.message
end
### accumulate with each_with_object and inject
p %w[a-1 b-2].each_with_object({}) { |s, h| k, v = s.split("-"); h[k.to_sym] = v.to_i }, [[:a, 1], [:b, 2]].inject({}) { |h, (k, v)| h.merge(k => v) }
### loops with index and step
0.step(10, 5) { |i| print i, " " }
10.downto(8) { |i| print i, " " }
("a".."c").each_with_index { |c, i| print c, i, " " }
3.times.zip(%w[x y z]) { |i, c| print i, c, " " }
puts
### endless method and safe navigation chains
def initials(name) = name&.split&.map { _1[0] }&.join
p initials("John Q Public"), initials(nil)
### conditional hash building
opts = { a: 1 }
opts[:b] = 2 if opts.key?(:a)
opts.delete(:a) unless opts[:c]
p opts, { **opts, **(opts.empty? ? {} : { z: 26 }) }, opts.compact.map { |k, v| "--#{k} #{v}" }.join(" ")
### multi-line chains and comments
r = %w[b a c]
  # comment in a chain
  .sort
  .map(&:upcase) # trailing
  .each_slice(2)
  .to_a
p r
### unicode output
puts "→ déploiement ✓", "日本語".chars.inspect, "é".bytes.inspect, "%-5s|" % "é", "ß".upcase
### time of a release and sorting names
names = %w[20240102030405 20231231235959 20240101000000]
p names.sort.last, names.max, names.sort { |a, b| b <=> a }.first(2), names.reject { |n| n < "2024" }.size, names.minmax
### object inspect of nested strings
p "a\\b", 'a\b', "\#{x}", "tab\t", "nul\0", "\e[1m", "é\u200b", "'", '"', "#", "#a", '#$a', '#@a', :"a-b", :"a=", { "a" => "\n" }
