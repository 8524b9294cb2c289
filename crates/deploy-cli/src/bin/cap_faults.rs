//! The `cap` binary with faults on the way to the hosts: for tests only.

fn main() -> std::process::ExitCode {
    deploy_cli::main()
}
