server "staging.example.com", user: "deploy", roles: %w[web app db], primary: true
