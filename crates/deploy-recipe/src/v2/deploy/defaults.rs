//! Variables that the deploy recipes set where the recipe has not.

use std::future::Future;
use std::rc::Rc;

use deploy_plan::{Problem, ProblemKind};
use deploy_ruby::{Call, Proc, Value};

use crate::v2::Cap;
use crate::v2::convert::{R, fail, site};

/// A callable of ours as a value.
fn native<F>(cap: &Rc<Cap>, body: impl Fn(Rc<Cap>, Call) -> F + 'static) -> Value
where
    F: Future<Output = R> + 'static,
{
    let cap = cap.clone();
    Value::Proc(Proc::native(move |call, _args| Box::pin(body(cap.clone(), call))))
}

/// Variables of every recipe.
pub(crate) fn install_standard(cap: &Rc<Cap>) {
    let password = native(cap, |cap, call| async move { cap.ask(&call, "Password: ", false).await });
    let method = native(cap, |cap, call| async move {
        Ok(Value::sym(if cap.flag(&call, "use_sudo", true).await? { "sudo" } else { "run" }))
    });
    let mut variables = cap.variables.borrow_mut();
    for name in ["ssh_options", "default_run_options", "default_environment"] {
        variables.default_value(name, Value::hash([]));
    }
    variables.default_lazy("password", password);
    variables.default_live("run_method", method);
}

/// Variables of the deploy recipes.
pub(crate) fn install(cap: &Rc<Cap>) {
    constants(cap);
    for (name, example) in [("application", "foo"), ("repository", "git://example.com/foo.git")] {
        let missing = native(cap, move |_cap, call| async move {
            let why = format!("the recipe does not set :{name}");
            let mut problem =
                Problem::new(ProblemKind::Usage, format!("read the variable `{name}'"), why).at(site(&call));
            problem.next = Some(format!("add to the recipe: set :{name}, \"{example}\""));
            Err(fail(&call, problem))
        });
        cap.variables.borrow_mut().default_live(name, missing);
    }
    lazy(cap);
    live(cap);
}

fn constants(cap: &Cap) {
    let mut variables = cap.variables.borrow_mut();
    for (name, value) in [
        ("deploy_via", Value::sym("checkout")),
        ("rails_env", Value::str("production")),
        ("rake", Value::str("rake")),
        ("maintenance_basename", Value::str("maintenance")),
        ("version_dir", Value::str("releases")),
        ("shared_dir", Value::str("shared")),
        ("current_dir", Value::str("current")),
        ("shared_children", Value::array(["public/system", "log", "tmp/pids"].into_iter().map(Value::str).collect())),
    ] {
        variables.default_value(name, value);
    }
}

fn lazy(cap: &Rc<Cap>) {
    let scm = native(cap, |cap, call| async move { cap.scm_word(&call).await });
    let deploy_to = native(cap, |cap, call| async move {
        let application = cap.need(&call, "application").await?;
        cap.refuse_nameless(&call)?;
        Ok(Value::from(format!("/u/apps/{application}")))
    });
    let revision = native(cap, |cap, call| async move { Ok(Value::from(cap.scm_head(&call).await?)) });
    let mut lazy = vec![("scm", scm), ("deploy_to", deploy_to), ("revision", revision)];
    for (name, dir) in
        [("releases_path", "version_dir"), ("shared_path", "shared_dir"), ("current_path", "current_dir")]
    {
        let path = native(cap, move |cap, call| async move {
            let root = cap.need(&call, "deploy_to").await?;
            Ok(Value::from(format!("{}/{}", root.trim_end_matches('/'), cap.need(&call, dir).await?)))
        });
        lazy.push((name, path));
    }
    let mut variables = cap.variables.borrow_mut();
    for (name, callable) in lazy {
        variables.default_lazy(name, callable);
    }
}

fn live(cap: &Rc<Cap>) {
    let real =
        native(cap, |cap, call| async move { Ok(Value::str(cap.pinned(&call).await?.pinned.revision.as_str())) });
    let path = native(cap, |cap, call| async move {
        let name = cap.need(&call, "release_name").await?;
        Ok(Value::from(format!("{}/{name}", cap.need(&call, "releases_path").await?)))
    });
    let live = [
        ("real_revision", real),
        ("release_name", native(cap, |cap, call| async move { cap.release_name(&call).await })),
        ("release_path", path),
        ("releases", native(cap, |cap, call| async move { cap.releases(&call).await })),
        ("current_release", native(cap, |cap, call| async move { cap.current_release(&call).await })),
        ("previous_release", native(cap, |cap, call| async move { cap.previous_release(&call).await })),
        ("latest_release", native(cap, |cap, call| async move { cap.latest_release(&call).await })),
        ("current_revision", native(cap, |cap, call| async move { cap.current_revision(&call).await })),
        ("latest_revision", native(cap, |cap, call| async move { cap.latest_revision(&call).await })),
        ("previous_revision", native(cap, |cap, call| async move { cap.previous_revision(&call).await })),
    ];
    let mut variables = cap.variables.borrow_mut();
    for (name, callable) in live {
        variables.default_live(name, callable);
    }
}
