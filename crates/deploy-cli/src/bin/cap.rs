//! The `cap` binary.

fn main() -> std::process::ExitCode {
    deploy_cli::main()
}
