//! Values that their names give away as secrets.

use deploy_ruby::Effects as _;

use super::*;

async fn kept(text: &str, tasks: &[&str]) -> Vec<String> {
    let effects = deployer();
    effects.set_env("API_TOKEN", Some("from the environment"));
    let recipe = load_with(effects.clone(), text).await.unwrap();
    run_recipe(&recipe, tasks, &Notes::default()).await.unwrap();
    let mut kept = effects.secrets();
    kept.sort();
    kept.dedup();
    kept
}

#[tokio::test]
async fn variables_keys_and_environments_are_kept_by_their_names() {
    let text = r#"
        role :app, "app1"
        set :db_password, "one"
        set(:slack_token) { "two" }
        set :mail, { :host => "mail", "smtp_password" => "three", :more => [{ :api_key => 4 }] }
        set :password_file, "not a secret"
        set :passenger_restart, "nor this"
        task :x do
            slack_token
            fetch(:other_secret, "five")
            run "true", :env => { "DB_PASS" => "six", "RAILS_ENV" => "production" }
            run "echo #{ENV['API_TOKEN']}"
        end
    "#;
    assert_eq!(kept(text, &["x"]).await, ["4", "five", "from the environment", "one", "six", "three", "two"]);
}

#[tokio::test]
async fn a_list_that_contains_itself_is_no_trap() {
    let text = "role :app, 'app1'\nlist = ['hunter2']\nlist << list\nset :token, list\ntask(:x) { run 'true' }\n";
    assert_eq!(kept(text, &["x"]).await, ["hunter2"]);
}
