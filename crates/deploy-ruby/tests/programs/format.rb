### integers
puts format("%d|%5d|%-5d|%05d|%+d|% d|%x|%X|%#x|%o|%b|%08b|%#b", 42, 42, 42, 42, 42, 42, 255, 255, 255, 8, 5, 5, 5)
puts format("%d %d %d", "12", 3.99, nil.to_i), format("%x", -255), format("%i %u", 3, 4)
### floats
puts format("%f|%.2f|%8.3f|%-8.1f|%e|%.3e|%g|%g|%g", 3.14159, 2.678, 3.14159, 2.5, 12345.678, 0.00012, 1e10, 123456789.0, 0.0001)
puts format("%.0f %.0f %.0f %.1f", 0.5, 1.5, 2.5, 0.25), format("%f", 1), format("%5.1f%%", 99.56), format("%+.1f", 1.0), format("%010.3f", -3.14159)
### strings
puts format("%s|%10s|%-10s|%.2s|%c|%c|%p|%%", "abc", "abc", "abc", "abc", "x", 65, nil)
puts format("%s %s %s", :a, [1, 2], { a: 1 }), format("%5s%-5s|", "é", "é")
### names
puts format("%<a>d %{b} %<c>.1f", a: 1, b: "x", c: 2), "%{x}-%{y}" % { x: 1, y: 2 }
begin; format("%{nope}", a: 1); rescue KeyError => e; puts e.message; end
### star and positions
puts format("%*d|%-*d|%2$s %1$s", 5, 42) rescue puts $!.class
puts format("%2$s %1$s", "a", "b"), format("%*d", 6, 42), format("%-*d|", 6, 42)
### errors
begin; format("%d", "abc"); rescue ArgumentError => e; puts e.message; end
begin; format("%d"); rescue ArgumentError => e; puts e.message; end
begin; format("%z", 1); rescue ArgumentError => e; puts e.message; end
begin; format("%d", nil); rescue TypeError => e; puts e.message; end
### printf and puts forms
printf("%s-%s\n", 1, 2)
$stdout.printf("%03d\n", 7)
puts [1, [2, [nil, 3]]], [], nil, true
print "a", "b", 1, nil, "\n"
puts "x\n", "y"
p
p 1, 2
p [1], {}
puts
$stdout.puts "z"
$stdout.print "q\n"
$stdout.write("w", 1, "\n")
STDOUT << "a" << 1 << "\n"
putc "A"; putc 66; putc "\n"
pp({ a: { b: 1 } })
### rounding table
[0.1, 0.123, 0.375, 1.006, 2.346, 1e20, 1.0e-10].each { |f| puts "%.2f %s %p" % [f, f, f.round(2)] }
### negative widths and hex of big
puts format("%-8x|%+x|%#o|%e", 255, 255, 8, 0), format("%08.2f|%+08.2f", 3.14159, 3.14159), format("%s", nil), format("%-5s|", nil), format("%05s|", "ab"), format("%.10s|", "abc")
