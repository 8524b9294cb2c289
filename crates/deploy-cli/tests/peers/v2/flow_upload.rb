#: cap deploy:setup
#: cap deploy
#: cap deploy:upload FILES=files/robots.txt,lib/*.txt
#: fails(2) deploy:upload FILES=
before('deploy:upload') { run "mkdir -p #{current_path}/lib #{current_path}/files" }
#: file files/robots.txt
changed
#: file lib/one.txt
one
#: file lib/two.txt
two
