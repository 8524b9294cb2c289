# What `load "deploy/assets"` stands for: the assets of Rails, kept in `shared` across releases.
load "deploy"

_cset :asset_env, "RAILS_GROUPS=assets"
_cset :assets_prefix, "assets"
_cset(:shared_assets_prefix) { fetch(:assets_prefix) }
_cset :assets_role, [:web]
_cset :expire_assets_after, 3600 * 24 * 7
set :normalize_asset_timestamps, false

namespace :deploy do
  namespace :assets do
    scope = { :roles => lambda { fetch(:assets_role) }, :except => { :no_release => true } }
    shared = lambda { File.join(fetch(:shared_path), fetch(:shared_assets_prefix)) }
    rake_in = lambda do |dir, name|
      "cd #{dir} && RAILS_ENV=#{fetch(:rails_env)} #{fetch(:asset_env)} #{fetch(:rake)} #{name}"
    end
    manifests = lambda { "#{shared.call}/manifest* #{shared.call}/.sprockets-manifest*" }
    # The names with a digest that a manifest has, as sh: touched, with what was made of them by compression.
    touch = lambda do |files|
      "cat #{files} 2>/dev/null | grep -o '[A-Za-z0-9_./@-]*-[0-9a-f]\\{32,64\\}\\.[A-Za-z0-9.]*' | sort -u | " \
        "while read -r f; do touch -c -m \"#{shared.call}/$f\" \"#{shared.call}/$f.gz\"; done; true"
    end

    desc "[internal] Let the assets of the new release lie in shared."
    task :symlink, scope do
      public_dir = "#{fetch(:latest_release)}/public"
      link = "#{public_dir}/#{fetch(:assets_prefix)}"
      run "rm -rf #{link} && mkdir -p #{public_dir} #{shared.call} && ln -s #{shared.call} #{link}"
    end

    desc "Compile the assets of the newest release."
    task :precompile, scope do
      release = fetch(:latest_release)
      run rake_in.call(release, "assets:precompile")
      # The manifest of this release, for a rollback and for what may be removed.
      run "newest=$(ls -td #{manifests.call} 2>/dev/null | head -n 1); [ -z \"$newest\" ] || " \
          "case \"$newest\" in *.yml) cp \"$newest\" #{release}/assets_manifest.yml;; " \
          "*) cp \"$newest\" #{release}/assets_manifest.json;; esac"
    end

    desc "[internal] Make the assets of the live release young again, so that they are not taken for expired."
    task :update_asset_mtimes, scope do
      run touch.call(manifests.call)
    end

    desc "Remove compiled assets with `rake assets:clean`."
    task :clean, scope do
      run rake_in.call(fetch(:latest_release), "assets:clean")
    end

    desc "Remove assets that no kept release has had for expire_assets_after seconds."
    task :clean_expired, scope do
      minutes = (fetch(:expire_assets_after).to_f / 60).ceil
      run touch.call("#{fetch(:releases_path)}/*/assets_manifest.*")
      run "[ ! -d #{shared.call} ] || find #{shared.call}/ -type f -mmin +#{minutes} " \
          "! -name 'manifest*' ! -name '.sprockets-manifest*' -exec rm -f {} +"
    end

    desc "[internal] Put the manifest of the release before back, or compile its assets."
    task :rollback, scope do
      release = fetch(:previous_release)
      if release
        run "kept=$(ls -d #{release}/assets_manifest.* 2>/dev/null | head -n 1); if [ -n \"$kept\" ]; then " \
            "for at in #{manifests.call}; do [ ! -f \"$at\" ] || cp \"$kept\" \"$at\"; done; " \
            "else #{rake_in.call(release, 'assets:precompile')}; fi"
      end
    end
  end
end

before "deploy:finalize_update", "deploy:assets:symlink"
after "deploy:update_code", "deploy:assets:precompile"
before "deploy:assets:precompile", "deploy:assets:update_asset_mtimes"
after "deploy:cleanup", "deploy:assets:clean_expired"
after "deploy:rollback:revision", "deploy:assets:rollback"
