//! Gems that tell a service about a deploy: nothing is sent from here, which is said and never passed over in silence.

/// A gem by its name in `require`, the service, and the tasks that it defines.
type Notifier = (&'static str, &'static str, &'static [&'static str]);

const NOTIFIERS: &[Notifier] = &[
    ("airbrake/capistrano", "Airbrake", &["airbrake:deploy"]),
    ("airbrake/capistrano3", "Airbrake", &["airbrake:deploy"]),
    ("appsignal/capistrano", "AppSignal", &["appsignal:deploy"]),
    ("bugsnag-capistrano", "Bugsnag", &["bugsnag:deploy", "bugsnag:release"]),
    ("bugsnag/capistrano", "Bugsnag", &["bugsnag:deploy"]),
    ("capistrano-slack", "Slack", &["slack:starting", "slack:finished"]),
    ("capistrano/airbrake", "Airbrake", &["airbrake:deploy"]),
    ("capistrano/appsignal", "AppSignal", &["appsignal:deploy"]),
    ("capistrano/campfire", "Campfire", &[]),
    ("capistrano/datadog", "Datadog", &[]),
    ("capistrano/hipchat", "HipChat", &["hipchat:notify_deploy_finished"]),
    ("capistrano/honeybadger", "Honeybadger", &["honeybadger:deploy"]),
    ("capistrano/mail", "a mail server", &[]),
    ("capistrano/newrelic", "New Relic", &["newrelic:notice_deployment"]),
    ("capistrano/rollbar", "Rollbar", &["rollbar:deploy"]),
    ("capistrano/scout_apm", "Scout", &[]),
    ("capistrano/sentry", "Sentry", &["sentry:notice_deployment"]),
    ("capistrano/slack", "Slack", &["slack:deploy:starting", "slack:deploy:finished"]),
    ("capistrano/slackify", "Slack", &["slack:notify_started", "slack:notify_finished"]),
    ("coveralls/capistrano", "Coveralls", &[]),
    ("exception_notification/capistrano", "a mail server", &[]),
    ("exceptional/capistrano", "Exceptional", &[]),
    ("hipchat/capistrano", "HipChat", &["hipchat:notify_deploy_started", "hipchat:notify_deploy_finished"]),
    ("honeybadger/capistrano", "Honeybadger", &["honeybadger:deploy"]),
    ("hoptoad_notifier/capistrano", "Hoptoad", &["hoptoad:deploy"]),
    ("new_relic/recipes", "New Relic", &["newrelic:notice_deployment"]),
    ("newrelic_rpm/recipes", "New Relic", &["newrelic:notice_deployment"]),
    ("raven/capistrano", "Sentry", &[]),
    ("raygun/capistrano", "Raygun", &[]),
    ("rollbar/capistrano", "Rollbar", &["rollbar:deploy"]),
    ("rollbar/capistrano2", "Rollbar", &["rollbar:deploy"]),
    ("rollbar/capistrano3", "Rollbar", &["rollbar:deploy"]),
    ("skylight/capistrano", "Skylight", &[]),
    ("slackistrano/capistrano", "Slack", &["slack:deploy:test"]),
    ("capistrano/slackistrano", "Slack", &["slack:deploy:test"]),
    ("sentry-raven/capistrano", "Sentry", &[]),
    ("tinder/capistrano", "Campfire", &[]),
];

/// A gem that would send a notice.
pub(crate) struct Notice {
    /// What is said where it is required.
    pub warning: String,
    /// Its tasks, as text of the recipe language: each says again that nothing is sent.
    pub text: String,
}

/// What stands for a gem that sends notices; none where the name is of no such gem.
pub(crate) fn notice(gem: &str) -> Option<Notice> {
    let (_, service, tasks) = NOTIFIERS.iter().find(|(name, ..)| *name == gem)?;
    let warning = format!("`require {gem:?}` is not built in: no notice will be sent to {service}");
    let task = |full: &&str| {
        let mut names: Vec<&str> = full.split(':').collect();
        let last = names.pop().unwrap_or_default();
        let open: String = names.iter().map(|name| format!("namespace(:{name}) do\n")).collect();
        let close = "end\n".repeat(names.len());
        format!(
            "{open}desc \"Nothing: notices to {service} are not built in.\"\n\
             task(:{last}) {{ warn \"{full}: no notice is sent to {service}\" }}\n{close}"
        )
    };
    Some(Notice { warning, text: tasks.iter().map(task).collect() })
}

#[cfg(test)]
mod tests {
    use super::notice;

    #[test]
    fn the_tasks_are_named_and_say_that_nothing_is_sent() {
        let found = notice("capistrano/slack").unwrap();
        assert!(found.warning.contains("no notice will be sent to Slack"));
        assert!(found.text.contains("namespace(:slack) do\nnamespace(:deploy) do\n"), "{}", found.text);
        assert!(found.text.contains("task(:starting)"));
        assert!(notice("slack").is_none());
    }
}
