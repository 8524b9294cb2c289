#: only 2.15
#: cap deploy:setup
#: cap deploy
#: cap deploy:web:disable
#: cap deploy:web:enable
#: cap deploy:web:disable
set :maintenance_template_path, 'page.html.erb'
#: file page.html.erb
<p>Down</p>
