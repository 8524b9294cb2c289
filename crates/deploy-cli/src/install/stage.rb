# The hosts and settings of the stage STAGE: cap STAGE deploy
#
# server "web1.example.com", user: "deploy", roles: %w[web app]
# server "db1.example.com", user: "deploy", roles: %w[db], primary: true

# set :branch, "main"
