//! The files of the sample application.

/// Its name, as the example recipe has it.
pub const APPLICATION: &str = "my_cool_app";

/// Every file of a version.
pub(super) fn files(version: &str) -> Vec<(&'static str, String)> {
    let mut all = versioned(version);
    all.extend([
        ("README.md", "# my_cool_app\n\nA small web application to deploy.\n".to_owned()),
        ("Rakefile", "# `rake db:migrate` brings the database up to date with db/migrate.\n".to_owned()),
        ("config/app.conf", "workers = 2\n".to_owned()),
        (
            "config/database.yml.example",
            "production:\n  adapter: sqlite3\n  database: db/production.sqlite3\n".to_owned(),
        ),
        ("tmp/README", "restart.txt goes here.\n".to_owned()),
        (
            "db/migrate/20080101000000_create_users.sql",
            "create table users (id integer primary key, name text);\n".to_owned(),
        ),
        ("public/robots.txt", "User-agent: *\nDisallow:\n".to_owned()),
    ]);
    all
}

/// The files that name the version: whoever reads both of them from one release finds it twice.
pub(super) fn versioned(version: &str) -> Vec<(&'static str, String)> {
    vec![
        ("VERSION", format!("{version}\n")),
        ("public/index.html", format!("<!doctype html>\n<title>my_cool_app</title>\n<p>version {version}</p>\n")),
    ]
}
