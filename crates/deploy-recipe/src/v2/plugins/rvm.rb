# What `require "rvm/capistrano"` stands for: commands run with a Ruby that RVM has installed.
_cset :rvm_type, :user
_cset(:rvm_ruby_string, "default")
_cset(:rvm_path) { fetch(:rvm_type).to_s.start_with?("system") ? "/usr/local/rvm" : "$HOME/.rvm" }
_cset(:rvm_bin_path) { "#{fetch(:rvm_path)}/bin" }
_cset :rvm_install_type, :stable
_cset :rvm_install_shell, :bash
_cset :rvm_install_ruby, :install
_cset :rvm_install_ruby_params, ""
_cset :rvm_autolibs_flag, nil

ruby = lambda do
  text = fetch(:rvm_ruby_string).to_s.strip
  text = ENV["GEM_HOME"].to_s.gsub(/.*\//, "") if text == "local"
  text
end

_cset(:rvm_shell) { File.join(fetch(:rvm_bin_path), "rvm-shell") }
set :default_shell do
  ruby.call.empty? ? fetch(:rvm_shell) : "rvm_path=#{fetch(:rvm_path)} #{fetch(:rvm_shell)} '#{ruby.call}'"
end

namespace :rvm do
  plain = { :shell => "sh" }
  rvm = lambda { "#{fetch(:rvm_bin_path)}/rvm" }

  desc "Install RVM where it is missing."
  task :install_rvm do
    run "[ -x #{rvm.call} ] || curl -sSL https://get.rvm.io | #{fetch(:rvm_install_shell)} -s #{fetch(:rvm_install_type)}", plain
  end

  desc "Install the Ruby of rvm_ruby_string where it is missing."
  task :install_ruby do
    name, gemset = ruby.call.split("@", 2)
    flags = [fetch(:rvm_autolibs_flag) && "--autolibs=#{fetch(:rvm_autolibs_flag)}", fetch(:rvm_install_ruby_params).to_s]
    run "#{rvm.call} list strings | grep -qx '#{name}' || " \
        "#{rvm.call} #{fetch(:rvm_install_ruby)} #{name} #{flags.compact.join(' ')}".rstrip, plain
    run "#{rvm.call} #{name} do rvm gemset create #{gemset}", plain if gemset
  end

  desc "Create the gemset of rvm_ruby_string."
  task :create_gemset do
    name, gemset = ruby.call.split("@", 2)
    run "#{rvm.call} #{name} do rvm gemset create #{gemset}", plain if gemset
  end

  desc "Show the Ruby that the commands run with."
  task :info do
    run "rvm info"
  end
end
