//! Names that give a value away as a secret.

/// What such a name is or ends with, behind an underscore.
const SECRET: &[&str] = &[
    "access_key",
    "api_key",
    "apikey",
    "credentials",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "secret_key",
    "secret_key_base",
    "token",
];

/// Whether what has this name (a variable, a key of a hash, a variable of the environment) is taken for a secret.
///
/// ```
/// assert!(["scm_password", "DB_PASSWORD", "slack_token", ":secret_key_base"].iter().all(|name| deploy_recipe::is_secret(name)));
/// assert!(!["passenger_restart", "token_file", "compass", "PWD"].iter().any(|name| deploy_recipe::is_secret(name)));
/// ```
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches(':').to_ascii_lowercase().replace('-', "_");
    // Alone, that is the directory that a shell is in.
    name != "pwd"
        && SECRET.iter().any(|word| name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}
