### time construction
t = Time.utc(2024, 3, 5, 6, 7, 8)
p t.year, t.month, t.mon, t.day, t.mday, t.hour, t.min, t.sec, t.usec, t.nsec, t.wday, t.yday, t.zone, t.utc?, t.utc_offset, t.to_i, t.to_f, t.to_s, t.inspect, t.dst?, t.monday?, t.tuesday?
p Time.at(0).utc, Time.at(1.5).utc.to_f, Time.gm(2000).to_s, Time.new(2024, 1, 2, 3, 4, 5, "+02:00").to_s, Time.new(2024, 1, 2, 3, 4, 5, "+02:00").utc.to_s, Time.utc(2024, "jan", 1).month, Time.mktime(2024).year
### strftime directives
t = Time.utc(2024, 3, 5, 6, 7, 8, 9000)
puts t.strftime("%Y-%m-%d %H:%M:%S"), t.strftime("%y %C %e %-d %-m %k %-H %I %l %-I %p %P %M %S %L %N %3N %6N %z %:z %Z %A %a %^a %B %b %h %^b %j %u %w %U %W %V %G %s %n|%t|%%"), t.strftime("%F %T %D %R %r %c %x %X"), t.strftime("%10Y|%010d|%_5m|%-y|%^A|%#p|%05e"), t.strftime("%Y%m%d%H%M%S"), t.strftime("plain"), t.strftime("%Q")
### arithmetic and comparison
a = Time.utc(2024, 1, 1); b = a + 86400
p b - a, b > a, a <=> b, a == Time.utc(2024, 1, 1), (a - 60).to_s, b.between?(a, b), [b, a].min == a, a.eql?(a.dup), (a + 0.5).usec, a.round.to_s, (b - a).class, a.hash == Time.utc(2024).hash, a + 3600 * 24 * 31 == Time.utc(2024, 2, 1)
begin; a + b; rescue TypeError => e; p e.message; end
begin; a + nil; rescue TypeError => e; p e.class; end
### conversion and zones
t = Time.utc(2024, 6, 1, 12)
p t.localtime("+03:00").to_s, t.getlocal("-05:00").hour, t.getutc.to_s, t.gmtime.to_s, Time.at(1700000000).utc.strftime("%F"), Time.at(1700000000, in: "UTC").to_s, t.getlocal("+05:30").utc_offset, t.gmt?, Time.now.class, (Time.now - Time.now).abs < 5, Time.now.utc.zone, Time.now.is_a?(Comparable)
### time parse and iso8601
require "time"
p Time.parse("2024-03-05 06:07:08 UTC"), Time.parse("2024-03-05T06:07:08Z").to_i, Time.parse("2024-03-05T06:07:08+02:00").utc.to_s, Time.iso8601("2024-03-05T06:07:08Z").to_s, Time.utc(2024, 3, 5).iso8601, Time.utc(2024, 3, 5).xmlschema(3), Time.utc(2024, 3, 5).httpdate, Time.strptime("05/03/2024", "%d/%m/%Y").strftime("%F"), Time.strptime("20240305060708", "%Y%m%d%H%M%S").hour, Time.parse("2024-03-05").strftime("%F %T")
begin; Time.parse("nonsense"); rescue ArgumentError => e; p e.message; end
begin; Time.iso8601("x"); rescue ArgumentError => e; p e.class; end
### dates
require "date"
d = Date.new(2024, 2, 28)
puts d + 2, d.to_s, d.year, d.month, d.day, d.wday, d.yday, d.strftime("%d/%m/%y"), d >> 1, d << 1, d.next_month, d.prev_month, (Date.new(2024, 3, 1) - d).to_i, d < Date.new(2024, 3, 1), d == Date.parse("2024-02-28"), d.saturday?, d.iso8601, [Date.new(2024, 3, 1), d].min, d.between?(d, d + 1), (d + 1 <=> d)
begin; Date.new(2024, 13, 1); rescue ArgumentError => e; p e.class; end
begin; Date.parse("xx"); rescue ArgumentError => e; p e.class; end
p Date.today.class, Date.new(2024, 1, 31).next_month.to_s, Date.strptime("2001-02-03", "%Y-%m-%d").to_s
### release names
t = Time.utc(2024, 1, 2, 3, 4, 5)
p t.strftime("%Y%m%d%H%M%S"), t.utc.strftime("%Y%m%d"), t.to_i.to_s(36), "release-#{t.year}#{t.month.to_s.rjust(2, '0')}", (t + 1).strftime("%S").to_i
