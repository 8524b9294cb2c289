server "web1.example.com", user: "deploy", roles: %w[web]
server "app1.example.com", user: "deploy", roles: %w[app], workers: 4
server "app2.example.com", user: "deploy", roles: %w[app], workers: 2
server "db1.example.com", user: "deploy", roles: %w[db], primary: true
