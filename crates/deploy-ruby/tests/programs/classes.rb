### instances with state
class Greeter
  DEFAULT = "world"
  attr_reader :name
  attr_accessor :mood, :count

  def initialize(name = DEFAULT, mood: :calm)
    @name = name
    @mood = mood
    @count = 0
  end

  def greet(*others, loud: false)
    @count += 1
    text = "hello #{[name, *others].join(' and ')}"
    loud ? shout(text) : text
  end

  def to_s
    "Greeter(#{@name})"
  end

  private

  def shout(text)
    text.upcase + "!"
  end
end
a = Greeter.new
b = Greeter.new("bob", mood: :glad)
puts a.greet, b.greet("eve", loud: true), "#{b} #{a.mood} #{b.mood}"
b.mood = :sad
b.count += 5
p b.mood, b.count, a.count, Greeter::DEFAULT, a.class, Greeter.name
p a.is_a?(Greeter), a.respond_to?(:greet), a.respond_to?(:shout), a.instance_of?(Object), Greeter === a
begin
  a.shout("x")
rescue NoMethodError => e
  puts e.class
end
begin
  Greeter.new(1, 2)
rescue ArgumentError => e
  puts e.message
end
puts a.send(:shout, "sent")
### inheritance and super
class Base
  attr_reader :log
  def initialize(first, *rest, key: 1, &block)
    @log = [first, rest, key, block && block.call]
  end
  def name; "base"; end
  def twice(n) = n * 2
  def self.make(*args) = new(*args)
  def self.kind; "kind of #{name}"; end
end
class Child < Base
  def initialize(first, second, key: 2)
    super
    @own = true
  end
  def name; "child of #{super}"; end
  def twice(n) = super(n) + 1
  def self.kind; super + "!"; end
end
class Grand < Child
  def initialize; super("a", "b", key: 9) { :blk }; end
  def name
    [1].map { super() }.first + "/grand"
  end
end
p Child.make(1, 2).log, Grand.new.log, Grand.new.name, Child.new(1, 2).twice(4), Grand.kind
p Grand.superclass, Child.superclass, Grand.ancestors.first(3), Grand < Base, Base <= Base, Base < Child
p Grand.new.is_a?(Base), Base.new(1).is_a?(Child), Grand.instance_methods(false)
begin
  Class.new { def x; super; end }.new.x
rescue NoMethodError => e
  puts "no super"
end
### modules as mixins
module Loud
  def loud; speak.upcase; end
end
module Counted
  def self.included(base)
    base.extend(ClassMethods)
  end
  module ClassMethods
    def made; @made ||= 0; end
    def build(*args)
      @made = made + 1
      new(*args)
    end
  end
  def counted?; true; end
end
class Dog
  include Loud
  include Counted
  def speak; "woof"; end
end
p Dog.build.loud, Dog.build.counted?, Dog.made, Dog.include?(Loud), Dog.new.is_a?(Loud)
o = Object.new
def o.speak; "oh"; end
module Tools
  PI = 3
  module_function
  def area(r) = PI * r * r
end
p Tools.area(2), Tools::PI
module Util
  extend self
  def helper(x) = "h#{x}"
end
p Util.helper(1)
d = Dog.new
d.extend(Util)
p d.helper(2), d.is_a?(Util)
p Dog.ancestors.take(3)
### names inside modules
module Deploy
  VERSION = "1.2"
  class Error < StandardError; end
  class Notifier
    URL = "http://x/#{VERSION}"
    def url; URL; end
    def version; VERSION; end
    def fail!; raise Error, "no #{VERSION}"; end
    class Inner
      def url; [URL, VERSION]; end
    end
  end
  def self.notifier; Notifier.new; end
end
p Deploy::Notifier.new.url, Deploy.notifier.version, Deploy::Notifier::Inner.new.url, Deploy::Notifier.name
begin
  Deploy.notifier.fail!
rescue Deploy::Error => e
  p e.class, e.message, e.is_a?(StandardError)
end
class Deploy::Late
  def ok; Deploy::VERSION; end
end
p Deploy::Late.new.ok, Deploy.const_get(:VERSION), Deploy.const_defined?(:NOPE), defined?(Deploy::Nope), defined?(Deploy::Late)
module Deploy
  AGAIN = VERSION + "!"
end
p Deploy::AGAIN
### class methods and class variables
class Registry
  @@all = []
  @limit = 3
  class << self
    attr_accessor :limit
    def add(x)
      @@all << x
      self
    end
    def all = @@all
    private
    def secret; 1; end
  end
  def self.each(&block) = @@all.each(&block)
  def size; @@all.size; end
end
Registry.add(1).add(2)
Registry.each { |x| puts x }
p Registry.all, Registry.new.size, Registry.limit
Registry.limit = 9
p Registry.limit
begin
  Registry.secret
rescue NoMethodError
  puts "private"
end
class Sub < Registry
  def bump; @@count ||= 0; @@count += 1; end
  def have; @@all; end
end
s = Sub.new
s.bump
p s.bump, s.have
### reopening, alias, define_method, method_missing
class Box
  def initialize(v) = @v = v
  def get = @v
end
class Box
  alias fetch get
  alias_method :take, :get
  %w[one two].each { |n| define_method("say_#{n}") { |x = 0| "#{n}#{@v}#{x}" } }
  def method_missing(name, *args)
    name.to_s.start_with?("dyn_") ? [name, args] : super
  end
  def respond_to_missing?(name, all = false) = name.to_s.start_with?("dyn_") || super
  def ==(other) = other.is_a?(Box) && other.get == get
  def [](i) = "i#{i}"
  def +(other) = Box.new(get + other.get)
  def call(x) = x * 2
  def each
    yield 1
    yield 2
  end
end
b = Box.new(5)
p b.fetch, b.take, b.say_one, b.say_two(3), b.dyn_x(1), b.respond_to?(:dyn_y), b.respond_to?(:other)
p b == Box.new(5), b != Box.new(5), b == 5, b[2], (b + Box.new(1)).get, b.(4)
b.each { |x| puts x }
begin
  b.other
rescue NoMethodError => e
  puts "missing"
end
### comparable and enumerable
class Version
  include Comparable
  attr_reader :parts
  def initialize(text) = @parts = text.split(".").map(&:to_i)
  def <=>(other) = parts <=> other.parts
  def to_s = parts.join(".")
  def inspect = "v#{self}"
end
a, b = Version.new("1.2"), Version.new("1.10")
p a < b, a == Version.new("1.2"), [b, a].sort, [a, b].max, a.between?(a, b), a >= b
class Hosts
  include Enumerable
  def initialize(*names) = @names = names
  def each
    @names.each { |n| yield n }
    self
  end
end
h = Hosts.new("b", "a", "c")
p h.map(&:upcase), h.sort, h.include?("a"), h.first, h.select { |n| n > "a" }, h.to_a, h.each_with_index.to_a, h.reduce(:+)
### structs
Point = Struct.new(:x, :y) do
  def dist = Math.sqrt(x * x + y * y)
  def to_s = "(#{x}, #{y})"
end
q = Point.new(3, 4)
p q.dist, q.x, q.to_a, q == Point.new(3, 4), q[0], q[:y], q["x"], Point.members
q.x = 6
puts q
x, y = *q
p x, y, q.to_h
Conf = Struct.new(:host, :port, keyword_init: true)
c = Conf.new(host: "h", port: 1)
p c.host, c.port
class Sized < Struct.new(:w, :h)
  def area = w * h
end
p Sized.new(2, 3).area
### classes made by calls
Animal = Class.new do
  def initialize(n); @n = n; end
  def hi = "hi #{@n}"
end
Cat = Class.new(Animal) { def hi = super + " meow" }
p Cat.new("tom").hi, Cat.name, Animal.new("x").class
Mixed = Module.new { def mixed = :yes }
Animal.include(Mixed)
p Cat.new("t").mixed
Animal.class_eval { def later = :late }
p Cat.new("t").later
### words at the top
module Helpers
  def shout(x) = x.upcase
  def plain = "plain"
end
include Helpers
puts shout("a"), plain
module More
  def more = "more"
end
extend More
puts more
module Kernel
  def everywhere = "everywhere"
end
class Somewhere
  def go = everywhere
end
puts everywhere, Somewhere.new.go
### objects in strings, case and hashes
class Thing
  def initialize(n) = @n = n
  def to_s = "thing #{@n}"
  def to_str = to_s
  def hash = @n
  def eql?(o) = true
end
class Other; end
t = Thing.new(1)
puts "a #{t}", t, [t, Thing.new(2)].join(",")
puts(case t
     when Other then "other"
     when Thing then "thing"
     end)
puts({ t => 1 }.key?(t))
puts t.instance_variables.inspect, t.instance_variable_get(:@n)
puts t.frozen?, t.dup.to_s
t.freeze
puts t.frozen?
puts [Thing, Other].map(&:name).inspect
puts t.method(:to_s).call
u = Other.new
u.instance_variable_set(:@z, 3)
u.instance_eval { puts @z }
def u.only = "only u"
puts u.only, u.respond_to?(:only), Other.new.respond_to?(:only)
### private setters and protected
class Account
  def initialize(b) = self.balance = b
  def more_than?(o) = balance > o.balance
  protected
  attr_reader :balance
  private
  attr_writer :balance
end
p Account.new(3).more_than?(Account.new(2))
begin
  Account.new(1).balance
rescue NoMethodError => e
  puts "protected"
end
begin
  Account.new(1).balance = 2
rescue NoMethodError => e
  puts "private"
end
### singletons
require "singleton"
class One
  include Singleton
  attr_accessor :v
end
One.instance.v = 4
p One.instance.v, One.instance.equal?(One.instance)
